//! Vaults without a keychain: their keys, what they say when something is wrong, and how they come back.

use keyfob_tests::World;
use keyfob_tests::world::eventually;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

const REST: &str = "[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n";

fn configure(world: &World, daemon: &str) {
    world.config(&format!("[daemon]\n{daemon}\n{REST}"));
}

fn with_key_file() -> World {
    let world = World::new();
    let key = world.path("config/key");
    configure(&world, &format!("vault = \"file\"\nvault_key_file = \"{}\"", key.display()));
    world.add_key("alice");
    world.get("p").ok();
    world.keyfob(&["daemon", "stop"]).ok();
    world
}

#[test]
fn a_lost_key_file_is_told_and_works_again_when_it_is_back() {
    let world = with_key_file();
    let (key, away) = (world.path("config/key"), world.path("config/away"));
    std::fs::rename(&key, &away).unwrap();
    let lost = world.get("p");
    assert!(lost.failed(1).contains("key is missing") && lost.stderr.contains("from a backup"), "{lost:?}");
    let doctor = world.keyfob(&["doctor"]);
    assert!(doctor.stdout.contains("from a backup"), "{doctor:?}");
    assert!(!key.exists(), "it was replaced");
    std::fs::rename(&away, &key).unwrap();
    eventually("recovery", Duration::from_secs(2), || world.get("p").status == 0);
    assert_eq!(world.status()["daemon"]["vault"]["state"], "ready");
}

#[test]
fn a_key_file_that_others_can_read_is_refused_until_its_mode_is_right() {
    let world = with_key_file();
    let key = world.path("config/key");
    std::fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let open = world.get("p");
    assert!(open.failed(1).contains("others may read") && open.stderr.contains("chmod 600"), "{open:?}");
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    eventually("recovery", Duration::from_secs(2), || world.get("p").status == 0);
}

/// Appends a byte to the record of the access key.
fn damage_key(world: &World) {
    let records = std::fs::read_dir(world.path("state/vault")).unwrap().flatten().map(|entry| entry.path());
    let is_key = |path: &std::path::PathBuf| {
        String::from_utf8_lossy(&std::fs::read(path).unwrap()).contains("\"access-key\"")
    };
    let mut damaged: Vec<_> = records.filter(is_key).collect();
    let path = damaged.remove(0);
    assert!(damaged.is_empty());
    std::fs::write(&path, [std::fs::read(&path).unwrap(), vec![b'x']].concat()).unwrap();
}

#[test]
fn a_damaged_record_of_a_key_is_named_and_replaced_or_removed() {
    let world = with_key_file();
    world.keyfob(&["logout", "--all"]).ok();
    damage_key(&world);
    let run = world.get("p");
    assert!(
        run.failed(3).contains("damaged") && run.stderr.contains("hint: keyfob key add alice"),
        "{run:?}"
    );
    let doctor = world.keyfob(&["doctor"]);
    assert!(doctor.status == 2 && doctor.stdout.contains("hint: keyfob key add alice"), "{doctor:?}");
    let listed = world.keyfob(&["key", "list"]);
    assert!(listed.ok().contains("damaged"), "{listed:?}");
    world.add_key("alice");
    world.get("p").ok();
    damage_key(&world);
    world.keyfob(&["key", "remove", "alice"]).ok();
    assert!(!world.keyfob(&["key", "list"]).ok().contains("alice"));
}

#[test]
fn a_lock_that_can_not_be_written_down_locks_the_vault_all_the_same() {
    let world = World::new();
    configure(&world, "vault = \"file\"");
    world.add_secret("correct horse");
    world.keyfob_with_input(&["unlock"], "correct horse\ncorrect horse").ok();
    world.add_key("alice");
    world.get("p").ok();
    let note = world.path("state/locked");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    for kind in ["directory", "pipe"] {
        match kind {
            "directory" => std::fs::create_dir(&note).unwrap(),
            _ => rustix::fs::mknodat(rustix::fs::CWD, &note, rustix::fs::FileType::Fifo, mode, 0).unwrap(),
        }
        let start = Instant::now();
        assert!(world.keyfob(&["lock"]).failed(1).contains("not beyond its end"), "{kind}");
        assert!(start.elapsed() < Duration::from_secs(3), "{kind}: {:?}", start.elapsed());
        assert_eq!(world.status()["daemon"]["vault"]["state"], "sealed", "{kind}");
        let wrong = world.keyfob_with_input(&["unlock"], "wrong");
        assert!(wrong.failed(3).contains("not the one of this vault"), "{wrong:?}");
        assert_eq!(world.get("p").status, 4);
        world.keyfob_with_input(&["unlock"], "correct horse").ok();
        world.get("p").ok();
        let _ = std::fs::remove_dir(&note);
    }
}

#[test]
fn nobody_is_asked_for_a_code_while_the_vault_is_sealed_or_has_no_key() {
    let world = World::new();
    let with_mfa =
        REST.replace("\"iam-user\"", "\"iam-user\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/alice\"");
    world.config(&format!("[daemon]\nvault = \"file\"\n{with_mfa}"));
    world.add_secret("correct horse");
    world.keyfob_with_input(&["unlock"], "correct horse\ncorrect horse").ok();
    let run = world.keyfob_with_input(&["login", "alice"], "123456");
    assert!(
        run.failed(3).contains("hint: keyfob key add alice") && !run.stderr.contains("MFA code"),
        "{run:?}"
    );
    world.add_key("alice");
    world.keyfob_with_input(&["login", "alice"], "123456").ok();
    world.keyfob(&["daemon", "restart"]).ok();
    let run = world.keyfob_with_input(&["login", "alice"], "234567");
    assert!(run.failed(3).contains("hint: keyfob unlock") && !run.stderr.contains("MFA code"), "{run:?}");
    let doctor = world.keyfob(&["doctor"]);
    assert!(!doctor.stdout.contains("keyfob login") && doctor.stdout.contains("keyfob unlock"), "{doctor:?}");
    world.keyfob_with_input(&["unlock"], "correct horse").ok();
    world.get("p").ok();
}

#[test]
fn a_passphrase_command_that_hangs_is_named_within_five_seconds() {
    let world = World::new();
    configure(&world, "vault = \"file\"\npassphrase_command = [\"sleep\", \"77\"]");
    for _ in 0..2 {
        let start = Instant::now();
        let run = world.get("p");
        assert!(run.failed(1).contains("passphrase_command has not ended"), "{run:?}");
        assert!(!run.stderr.contains("keychain"), "{run:?}");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
}

#[test]
fn a_passphrase_command_opens_the_vault_and_sees_nothing_of_the_daemon() {
    let world = World::new();
    let seen = world.path("config/seen");
    let script = format!("env > {}; echo correct horse", seen.display());
    configure(&world, &format!("vault = \"file\"\npassphrase_command = [\"sh\", \"-c\", \"{script}\"]"));
    world.add_secret("correct horse");
    // The configuration names it in this test; nothing else may.
    world.add_key("alice");
    let id = world.get("p").access_key_id();
    let environment = std::fs::read_to_string(&seen).unwrap();
    assert!(!environment.contains("KEYFOB_") && environment.contains("HOME="), "{environment}");
    world.keyfob(&["daemon", "stop"]).ok();
    assert_eq!(world.get("p").access_key_id(), id);
    world.keyfob(&["daemon", "stop"]).ok();
    std::fs::remove_file(world.path("config/config.toml")).unwrap();
}

#[test]
fn a_key_in_the_kernel_keeps_the_vault_until_the_next_boot() {
    let world = World::new();
    configure(&world, "vault = \"keyutils\"");
    let name = format!("keyfob vault {}", world.path("state").display());
    let vault = &world.status()["daemon"]["vault"];
    assert_eq!(vault["kind"], "keyutils");
    if vault["state"] != "ready" {
        // Containers may withhold the keyring; then that is what is said.
        assert!(vault["reason"].as_str().unwrap().contains("keyring of the kernel"), "{vault}");
        return;
    }
    assert!(vault["reason"].as_str().unwrap().contains("gone at the next boot"), "{vault}");
    let key = world.aws.add_user("alice");
    let arguments = ["key", "add", "alice", "--access-key-id", &key.access_key_id];
    let added = world.keyfob_with_input(&arguments, &key.secret_access_key);
    assert!(added.ok().contains("until the next boot"), "{added:?}");
    let id = world.get("p").access_key_id();
    world.keyfob(&["daemon", "stop"]).ok();
    assert_eq!(world.get("p").access_key_id(), id);
    world.keyfob(&["daemon", "stop"]).ok();
    // A boot, as far as the vault can tell.
    forget(&name);
    let vault = &world.status()["daemon"]["vault"];
    assert_eq!(vault["state"], "ready", "{vault}");
    assert!(vault["reason"].as_str().unwrap().contains("vault-keyutils.lost"), "{vault}");
    assert!(world.get("p").failed(3).contains("hint: keyfob key add alice"));
    world.keyfob(&["daemon", "stop"]).ok();
    forget(&name);
}

/// Takes a key out of the kernel, which keeps it for longer than this test.
fn forget(name: &str) {
    use linux_keyutils::{KeyRing, KeyRingIdentifier};
    let ring = KeyRing::from_special_id(KeyRingIdentifier::User, false).unwrap();
    ring.unlink_key(ring.search(name).unwrap()).unwrap();
}

#[test]
fn a_file_vault_beside_a_keychain_says_how_to_use_the_keychain() {
    let mut world = World::new();
    std::fs::write(world.path("state/vault-choice"), "file").unwrap();
    let Some(_keychain) = keyfob_tests::keychain::Keychain::start(&mut world) else { return };
    configure(&world, "vault = \"auto\"");
    eventually("the word", Duration::from_secs(5), || {
        let vault = world.status()["daemon"]["vault"].clone();
        assert_eq!(vault["kind"], "file");
        vault["reason"].as_str().unwrap().contains("vault = \"secret-service\" in [daemon]")
    });
}
