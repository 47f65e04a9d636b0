//! A daemon that is killed at any moment leaves nothing broken behind.

use keyfob_shared::frame;
use keyfob_tests::world::eventually;
use keyfob_tests::{World, leaks};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Duration;

const ROUNDS: u64 = 200;

fn sealed(vault: &str) -> World {
    let world = World::new();
    world.config(&format!(
        "[daemon]\nvault = \"{vault}\"\nvault_key_file = \"{}\"\n[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n",
        world.path("config/key").display()
    ));
    world
}

/// Answers how many records the file vault has; one that is being written has another name.
fn records(world: &World) -> usize {
    let names = std::fs::read_dir(world.path("state/vault")).unwrap().flatten().map(|entry| entry.path());
    names.filter(|path| path.extension().is_some_and(|end| end == "sealed")).count()
}

#[test]
fn two_hundred_kills_lose_nothing() {
    let world = sealed("file");
    world.add_key("alice");
    world.aws.lifetime(Duration::from_secs(2));
    let mut chance = 7_u64;
    for round in 0..ROUNDS {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::scope(|scope| {
            let during = scope.spawn(|| world.get("p"));
            std::thread::sleep(Duration::from_micros((chance >> 33) % 60_000));
            world.kill_daemons();
            let during = during.join().unwrap();
            assert_eq!(during.status, 0, "round {round}, the get during the kill: {during:?}");
        });
        let after = world.get("p");
        assert_eq!(after.status, 0, "round {round}: {after:?}");
    }
    assert_eq!(world.daemons().len(), 1);
    assert!(world.keyfob(&["key", "list"]).ok().contains("AKIA"));
    assert!(world.keyfob(&["audit", "--verify"]).ok().contains("none changed"));
    assert!(world.keyfob(&["profile", "check"]).ok().contains("nothing to mend"));
    let left: Vec<_> = std::fs::read_dir(world.path("state/vault")).unwrap().flatten().collect();
    assert!(left.len() <= 4, "half-written files are left: {left:?}");
}

#[test]
fn two_daemons_never_serve_one_user() {
    let world = sealed("file");
    world.keyfob(&["daemon", "start"]).ok();
    let pid = world.daemons();
    let second = world.command(world.program("keyfobd")).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(told.contains("already running") && told.contains("hint: keyfob daemon stop\n"), "{told}");
    // Another socket, the same vault.
    let mut other = world.command(world.program("keyfobd"));
    let second = other.env("KEYFOB_SOCKET", world.path("run/other.sock")).output().unwrap();
    assert_eq!(second.status.code(), Some(5));
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    let socket = world.socket();
    assert!(told.contains(&format!("process {} at {}", pid[0], socket.display())), "{told}");
    assert!(told.contains("state directory") && told.contains("keyfob daemon restart"), "{told}");
    assert_eq!(world.daemons(), pid);
    world.keyfob(&["status"]).ok();
}

#[test]
fn a_file_vault_is_found_again_by_the_next_daemon_and_by_nobody_else() {
    let world = sealed("file");
    world.add_key("alice");
    let id = world.get("p").access_key_id();
    eventually("the session is written", Duration::from_secs(5), || records(&world) == 2);
    world.kill_daemons();
    assert_eq!(world.get("p").access_key_id(), id);
    assert_eq!(world.aws.mints().len(), 1);
    assert!(leaks::in_files(&world.path("state"), &world.secrets()).is_empty());
    world.kill_daemons();
    std::fs::write(world.path("config/key"), [7; 32]).unwrap();
    let other = world.get("p");
    assert!(other.failed(1).contains("not the one of this vault"), "{other:?}");
}

#[test]
fn a_passphrase_unlocks_the_vault_and_a_wrong_one_does_not() {
    let world = World::new();
    world.config(
        "[daemon]\nvault = \"file\"\n[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n",
    );
    world.add_secret("correct horse battery");
    let before = world.get("p");
    assert!(before.failed(3).contains("hint: keyfob unlock"), "{before:?}");
    world.keyfob_with_input(&["unlock"], "correct horse battery\ncorrect horse battery").ok();
    world.add_key("alice");
    let id = world.get("p").access_key_id();
    world.keyfob(&["lock"]).ok();
    assert!(world.get("p").failed(4).contains("hint: keyfob unlock"));
    let wrong = world.keyfob_with_input(&["unlock"], "wrong");
    assert!(wrong.failed(3).contains("not the one of this vault"), "{wrong:?}");
    assert_eq!(world.get("p").status, 4);
    world.keyfob_with_input(&["unlock"], "correct horse battery").ok();
    assert_eq!(world.get("p").access_key_id(), id);
    world.kill_daemons();
    assert_eq!(world.get("p").status, 3);
    world.keyfob_with_input(&["unlock"], "correct horse battery").ok();
    assert_eq!(world.get("p").access_key_id(), id);
}

#[test]
fn an_mfa_session_outlives_the_daemon() {
    let world = sealed("file");
    let text = std::fs::read_to_string(world.path("config/config.toml")).unwrap();
    world.config_text(
        &text.replace("\"iam-user\"", "\"iam-user\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/alice\""),
    );
    world.add_key("alice");
    world.keyfob_with_input(&["login", "alice"], "123456").ok();
    let id = world.get("p").access_key_id();
    world.keyfob(&["daemon", "stop"]).ok();
    assert_eq!(world.get("p").access_key_id(), id);
    world.keyfob(&["logout", "p"]).ok();
    world.get("p").ok();
    let with_code = |call: &&keyfob_tests::emulator::Call| call.parameters.contains_key("TokenCode");
    assert_eq!(world.aws.mints().iter().filter(with_code).count(), 1);
}

#[test]
fn a_full_disk_does_not_stop_serving() {
    let world = sealed("file");
    world.add_key("alice");
    world.get("p").ok();
    let vault = world.path("state/vault");
    std::fs::rename(&vault, world.path("state/away")).unwrap();
    std::fs::write(&vault, "in the way").unwrap();
    world.keyfob(&["logout", "p"]).failed(1);
    let doctor = world.keyfob(&["doctor"]);
    assert!(doctor.stdout.contains("change is not in it yet, and will be tried again: 1: "), "{doctor:?}");
    assert!(
        doctor
            .stdout
            .contains(&format!("hint: look at the disk and the directory: df -h {}", vault.display()))
    );
    let cold = world.get("p");
    assert!(cold.failed(1).contains("vault"), "{cold:?}");
    std::fs::remove_file(&vault).unwrap();
    std::fs::rename(world.path("state/away"), &vault).unwrap();
    eventually("recovery", Duration::from_secs(3), || world.get("p").status == 0);
}

/// Makes a world with sessions in a file vault.
fn with_sessions(count: usize) -> World {
    let world = sealed("file");
    let text = std::fs::read_to_string(world.path("config/config.toml")).unwrap();
    let role = |number| {
        format!(
            "[profile.r{number}]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R{number}\"\n"
        )
    };
    world.config_text(&(0..count).map(role).fold(text, |text, role| text + &role));
    world.add_key("alice");
    for number in 0..count {
        world.get(&format!("r{number}")).ok();
    }
    eventually("the sessions are written", Duration::from_secs(5), || records(&world) == count + 1);
    world
}

/// Sends a request, and kills the daemon when it has answered.
fn ask_and_kill(world: &World, request: &str) {
    let mut stream = UnixStream::connect(world.socket()).unwrap();
    let mut bytes = Vec::new();
    frame::append(&mut bytes, b"1").unwrap();
    frame::append(&mut bytes, request.as_bytes()).unwrap();
    stream.write_all(&bytes).unwrap();
    let reply = frame::read(&mut stream).unwrap();
    world.kill_daemons();
    assert!(reply.starts_with(b"{\"done\""), "{}", String::from_utf8_lossy(&reply));
}

#[test]
fn no_session_of_a_removed_key_outlives_the_reply_and_a_kill() {
    let world = with_sessions(10);
    ask_and_kill(&world, r#"{"key_remove":{"identity":"alice"}}"#);
    for number in 0..10 {
        let run = world.get(&format!("r{number}"));
        assert!(run.failed(3).contains("no access key"), "{run:?}");
    }
}

#[test]
fn no_session_of_an_old_key_outlives_the_reply_and_a_kill() {
    let world = with_sessions(10);
    let before: Vec<_> = (0..10).map(|number| world.get(&format!("r{number}")).access_key_id()).collect();
    let key = world.aws.add_user("bob");
    ask_and_kill(
        &world,
        &format!(
            r#"{{"key_add":{{"identity":"alice","access_key_id":"{}","secret_access_key":"{}"}}}}"#,
            key.access_key_id, key.secret_access_key
        ),
    );
    for (number, old) in before.iter().enumerate() {
        assert_ne!(world.get(&format!("r{number}")).access_key_id(), *old);
    }
}
