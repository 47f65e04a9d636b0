//! Access keys are exchanged in stages, and whatever happens meanwhile: nobody is locked out, and no key is left behind.

use crate::clients;
use keyfob_tests::emulator::{Late, ListedKey, Trouble};
use keyfob_tests::world::eventually;
use keyfob_tests::{Run, World};
use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Longer than a rotation with short waits takes on a machine that is busy.
const LONG: Duration = Duration::from_secs(150);

/// A world with a key in a file vault, whose rotation has the given waits.
fn world_with(rotate: &str) -> World {
    let world = World::new();
    world.config(&format!(
        "[daemon]\nvault = \"file\"\nvault_key_file = \"{}\"\n[identity.alice]\ntype = \"iam-user\"\nrotate_settle = \"1s\"\n{rotate}[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n",
        world.path("config/key").display()
    ));
    world
}

/// The key that signs, as the daemon lists it.
fn current(world: &World) -> String {
    let keys = world.keyfob(&["key", "list", "--json"]).json();
    keys[0]["access_key_id"].as_str().unwrap().to_owned()
}

/// The one key that a user has, which must be active and the one that signs.
fn only_key(world: &World) -> String {
    let keys = world.aws.keys_of("alice");
    let [ListedKey { id, active: true }] = keys.as_slice() else { panic!("{keys:?}") };
    assert_eq!(current(world), *id);
    id.clone()
}

fn is_over(world: &World) -> bool {
    !world.path("state/rotations/alice.json").exists()
}

/// The stage that the journal has, or that it was given up.
fn stage(world: &World) -> String {
    let record = fs::read_to_string(world.path("state/rotations/alice.json")).unwrap_or_default();
    serde_json::from_str::<serde_json::Value>(&record)
        .map(|record| record["stage"].to_string())
        .unwrap_or_default()
}

#[test]
fn a_rotation_is_not_noticed_by_clients_that_work_all_the_while() {
    let world = world_with("rotate_watch = \"3s\"\nrotate_wait = \"3s\"\n");
    let old = world.add_key("alice").access_key_id;
    world.aws.lifetime(Duration::from_secs(4));
    world.aws.late(Late { new_key: Duration::from_secs(8), deleted_key: Duration::from_secs(4) });
    clients::configure(&world, &["p"]);
    world.get("p").ok();
    let boto3 = clients::boto3_loop(&world, "p", 60)
        .map(|mut command| command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let rotation = world.keyfob(&["key", "rotate", "alice"]);
    assert!(rotation.ok().contains(&format!("{old} is deleted")), "{rotation:?}");
    for stage in [
        "waiting for the new access key to be accepted",
        "watching whether the old one is",
        "waiting for what breaks",
    ] {
        assert!(rotation.stderr.contains(stage), "{stage}: {}", rotation.stderr);
    }
    if let Some(boto3) = boto3 {
        let run = Run::from(boto3.wait_with_output().unwrap());
        let puts: u64 = run.ok().trim().trim_start_matches("requests ").parse().unwrap();
        assert!(puts > 20, "{puts} requests of boto3");
    }
    // The daemon itself tries the new key until it works.
    let refused: Vec<String> =
        world.aws.refused().into_iter().filter(|why| !why.starts_with("GetCallerIdentity: ")).collect();
    assert_eq!(refused, Vec::<String>::new());
    assert_ne!(only_key(&world), old);
    assert_eq!(world.aws.most_keys(), 2);
    assert!(is_over(&world));
}

#[test]
fn an_old_key_that_is_still_used_is_neither_made_inactive_nor_deleted() {
    let world = world_with("rotate_watch = \"70s\"\nrotate_wait = \"1s\"\n");
    let old = world.add_key("alice").access_key_id;
    std::thread::scope(|scope| {
        let rotating = scope.spawn(|| world.keyfob(&["key", "rotate", "alice"]));
        eventually("the switch", LONG, || stage(&world).contains("watch"));
        // A minute is allowed for what was under way.
        std::thread::sleep(Duration::from_secs(62));
        world.aws.use_key(&old, "s3");
        let told = rotating.join().unwrap();
        assert_eq!(told.status, 3, "{told:?}");
        let told = &told.stderr;
        assert!(told.contains(&old) && told.contains("s3") && told.contains("eu-west-1"), "{told}");
        assert!(told.contains("--rollback"), "{told}");
    });
    assert!(world.aws.keys_of("alice").iter().all(|key| key.active));
    let list = world.keyfob(&["key", "list"]);
    assert!(list.ok().contains("warning: ") && list.ok().contains("s3"), "{list:?}");
    let back = world.keyfob(&["key", "rotate", "alice", "--rollback"]);
    assert!(back.ok().contains(&format!("is {old} again")), "{back:?}");
    assert_eq!(only_key(&world), old);
    world.keyfob(&["logout", "--all"]).ok();
    world.get("p").ok();
}

#[test]
fn a_rotation_can_be_paused_hurried_and_rolled_back_over_restarts() {
    let world = world_with("");
    let old = world.add_key("alice").access_key_id;
    let told = world.keyfob(&["key", "rotate", "alice"]);
    assert!(told.ok().contains("watching") && told.ok().contains("by itself"), "{told:?}");
    assert_eq!(world.aws.keys_of("alice").len(), 2);
    let new = current(&world);
    assert_ne!(new, old);
    assert!(world.keyfob(&["key", "remove", "alice"]).failed(4).contains("is being rotated"));
    assert!(world.keyfob(&["key", "rotate", "alice", "--pause"]).ok().contains("stands still"));
    world.kill_daemons();
    let list = world.keyfob(&["key", "list"]);
    assert!(list.ok().contains("paused: ") && list.ok().contains("the key before"), "{list:?}");
    let back = world.keyfob(&["key", "rotate", "alice", "--rollback"]);
    assert!(back.ok().contains(&format!("is {old} again")), "{back:?}");
    assert_eq!(only_key(&world), old);
    // And once more, without the day in between.
    let told = world.keyfob(&["key", "rotate", "alice", "--now"]);
    assert!(told.ok().contains(&format!("{old} is deleted")), "{told:?}");
    assert_ne!(only_key(&world), old);
    world.keyfob(&["key", "rotate", "alice", "--rollback"]).failed(2);
}

#[test]
fn a_second_key_that_is_in_use_elsewhere_is_told_and_left_alone() {
    let world = world_with("");
    let old = world.add_key("alice").access_key_id;
    let other = world.aws.add_user("alice").access_key_id;
    world.aws.use_key(&other, "ec2");
    let told = world.keyfob(&["key", "rotate", "alice"]);
    assert_eq!(told.status, 3, "{told:?}");
    let told = &told.stderr;
    assert!(told.contains(&other) && told.contains("ec2") && told.contains("aws iam"), "{told}");
    assert_eq!(world.aws.keys_of("alice").len(), 2);
    assert_eq!(current(&world), old);
    let list = world.keyfob(&["key", "list"]);
    assert!(list.ok().contains(&other), "{list:?}");
}

/// What happens in the middle of a rotation.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Aws(Trouble, usize),
    Killed,
    VaultAway,
    JournalAway,
}

const ACTIONS: [&str; 6] = [
    "ListAccessKeys",
    "CreateAccessKey",
    "GetCallerIdentity",
    "GetAccessKeyLastUsed",
    "UpdateAccessKey",
    "DeleteAccessKey",
];
const STAGES: [&str; 8] =
    ["create", "store", "verify", "switch", "watch", "deactivate", "delete", "drop_previous"];

/// Puts a file where a directory is, so that nothing can be written there, and back again after a while.
fn away(world: &World, directory: &str) -> bool {
    let (place, aside) = (world.path(directory), world.path("state/aside"));
    if fs::rename(&place, &aside).is_err() {
        return false;
    }
    fs::write(&place, "in the way").unwrap();
    std::thread::sleep(Duration::from_secs(2));
    fs::remove_file(&place).unwrap();
    fs::rename(&aside, &place).unwrap();
    true
}

/// Rotates a key while something happens, and answers whether that came about in time.
fn rotated_in_spite_of(place: &str, happening: Happening) -> bool {
    let mut happened = true;
    let world = world_with("rotate_watch = \"1s\"\nrotate_wait = \"1s\"\n");
    let old = world.add_key("alice").access_key_id;
    world.aws.late(Late { new_key: Duration::from_secs(2), deleted_key: Duration::from_secs(4) });
    // Without the vault there is no key to mint with.
    let lifetime = if matches!(happening, Happening::VaultAway) { 600 } else { 3 };
    world.aws.lifetime(Duration::from_secs(lifetime));
    world.get("p").ok();
    if let Happening::Aws(trouble, times) = happening {
        world.aws.trouble(place, trouble, times);
    }
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // At every instant there is a key that works.
        let using = scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                let run = world.get("p");
                assert_eq!(run.status, 0, "{place} {happening:?}: {run:?}");
                assert!(world.aws.keys_of("alice").len() <= 2);
                std::thread::sleep(Duration::from_millis(400));
            }
        });
        let asked = scope.spawn(|| world.keyfob(&["key", "rotate", "alice"]));
        // A stage may be over before it is seen.
        let comes = || {
            let (wanted, mut seen) = (format!("\"{place}\""), false);
            eventually(place, LONG, || {
                seen = stage(&world) == wanted;
                seen || asked.is_finished()
            });
            seen
        };
        match happening {
            Happening::Aws(..) => {}
            Happening::Killed => {
                happened = comes();
                world.kill_daemons();
            }
            Happening::VaultAway => happened = comes() && away(&world, "state/vault"),
            Happening::JournalAway => happened = comes() && away(&world, "state/rotations"),
        }
        drop(asked.join().unwrap());
        let is_denied = matches!(happening, Happening::Aws(Trouble::Denied, _));
        if is_denied && !is_over(&world) {
            // Whoever administers the account has allowed it.
            eventually("it goes on", LONG, || {
                world.keyfob(&["key", "rotate", "alice"]);
                is_over(&world)
            });
        }
        eventually(&format!("{place} {happening:?}: the end, now {}", stage(&world)), LONG, || {
            is_over(&world)
        });
        ended.store(true, Ordering::Relaxed);
        using.join().unwrap();
    });
    assert!(!world.aws.is_troubled(), "{place} {happening:?} has not happened");
    let new = only_key(&world);
    assert_ne!(new, old, "{place} {happening:?}");
    assert!(world.aws.most_keys() <= 2);
    let list = world.keyfob(&["key", "list", "--json"]).json();
    assert_eq!(list.as_array().unwrap().len(), 1, "{place} {happening:?}: {list}");
    assert!(world.keyfob(&["audit", "--verify"]).ok().contains("none changed"));
    happened
}

#[test]
fn whatever_happens_at_whichever_stage_no_key_is_lost_and_none_is_left() {
    let at_aws = ACTIONS.iter().flat_map(|action| {
        let troubles = [
            (Trouble::CutBefore, 2),
            (Trouble::CutAfter, 1),
            (Trouble::Throttled, 2),
            (Trouble::ServerError, 2),
            (Trouble::Denied, 1),
        ];
        troubles.map(|(trouble, times)| (*action, Happening::Aws(trouble, times)))
    });
    let here = STAGES.iter().flat_map(|stage| {
        [Happening::Killed, Happening::VaultAway, Happening::JournalAway].map(|happening| (*stage, happening))
    });
    let cases: Vec<(&str, Happening)> = at_aws.chain(here).collect();
    println!("{} cases", cases.len());
    let (next, missed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        // Not more at a time: others measure how long things take.
        for _ in 0..5 {
            scope.spawn(|| {
                while let Some((place, happening)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if !rotated_in_spite_of(place, *happening) {
                        println!("{place} was over before it was {happening:?}");
                        missed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert!(missed.load(Ordering::Relaxed) < cases.len() / 5);
}

#[test]
fn a_daemon_that_is_killed_again_and_again_rotates_all_the_same() {
    let world = world_with("rotate_watch = \"1s\"\nrotate_wait = \"1s\"\n");
    let old = world.add_key("alice").access_key_id;
    world.aws.late(Late { new_key: Duration::from_secs(2), deleted_key: Duration::from_secs(1) });
    world.aws.lifetime(Duration::from_secs(3));
    let mut chance = 11_u64;
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| world.keyfob(&["key", "rotate", "alice"]));
        eventually("it has begun", LONG, || !is_over(&world));
        let mut kills = 0;
        // Proofs need some seconds in one life of the daemon.
        for _ in 0..200 {
            if is_over(&world) {
                break;
            }
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let is_patient = (chance >> 40).is_multiple_of(4);
            let pause = if is_patient { 14_000 } else { (chance >> 33) % 3_000 };
            std::thread::sleep(Duration::from_millis(pause));
            world.kill_daemons();
            kills += 1;
            assert_eq!(world.get("p").status, 0, "after {kills} kills");
        }
        println!("{kills} kills");
        assert!(kills > 5);
        drop(asked.join().unwrap());
    });
    assert!(is_over(&world), "{}", stage(&world));
    assert_ne!(only_key(&world), old);
    assert!(world.aws.most_keys() <= 2);
}

#[test]
fn a_key_that_left_the_vault_is_told_and_another_one_ends_the_rotation() {
    let world = world_with("");
    let old = world.add_key("alice").access_key_id;
    world.keyfob(&["key", "rotate", "alice"]).ok();
    world.kill_daemons();
    // As after a change of the vault, or a boot with one that forgets.
    fs::remove_dir_all(world.path("state/vault")).unwrap();
    world.keyfob(&["key", "rotate", "alice", "--now"]);
    let told = world.keyfob(&["key", "rotate", "alice"]);
    assert!(told.status == 3 && told.stderr.contains("hint: keyfob key add alice"), "{told:?}");
    let new = world.add_key("alice").access_key_id;
    assert_eq!(current(&world), new);
    let list = world.keyfob(&["key", "list"]);
    assert!(list.ok().contains("given up: ") && list.ok().contains(&old), "{list:?}");
    world.get("p").ok();
}

#[test]
fn a_key_of_two_identities_is_not_rotated() {
    let world = world_with("[identity.bob]\ntype = \"iam-user\"\n");
    let key = world.add_key("alice");
    let arguments = ["key", "add", "bob", "--access-key-id", &key.access_key_id];
    world.keyfob_with_input(&arguments, &key.secret_access_key).ok();
    let told = world.keyfob(&["key", "rotate", "alice"]);
    assert!(told.failed(2).contains("identity bob signs with the same access key"), "{told:?}");
}
