//! The daemon as it is met, and what it knows of keys and sign-ins.

use super::{find, found, gone, pick, shell};
use keyfob_tests::World;
use keyfob_tests::keychain::Keychain;
use keyfob_tests::world::{copy_program, eventually};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const DAY: i64 = 24 * 60 * 60;

/// Exchanges all of a text in a program for another one of the same length.
fn patch(program: &std::path::Path, from: &str, to: &str) {
    let mut bytes = fs::read(program).unwrap();
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, text)| *text == from.as_bytes())
        .map(|(at, _)| at)
        .collect();
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    fs::write(program.with_extension("new"), bytes).unwrap();
    fs::set_permissions(program.with_extension("new"), fs::Permissions::from_mode(0o755)).unwrap();
    // By another process: this one makes children that would have it open.
    fs::remove_file(program).unwrap();
    copy_program(&program.with_extension("new"), program);
}

#[test]
fn a_daemon_of_another_version_is_restarted() {
    let mut world = World::with_profile();
    world.kill_daemons();
    world.copy_programs();
    let daemon = world.program("keyfobd");
    let good = daemon.with_extension("good");
    copy_program(&daemon, &good);
    patch(&daemon, env!("CARGO_PKG_VERSION"), "0.0.7");
    world.keyfob(&["daemon", "start"]).ok();
    // The upgrade.
    fs::remove_file(&daemon).unwrap();
    copy_program(&good, &daemon);
    let told = found(&world, "daemon", "the daemon is of version 0.0.7, this client of");
    assert_eq!(told.severity, "warning");
    shell(&world, &told.hint).ok();
    gone(&world, "daemon", "");
}

#[test]
fn a_daemon_that_can_not_start_is_a_finding_beside_its_reason() {
    let world = World::new();
    world.config("");
    let state = world.path("state");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();
    let run = world.keyfob(&["doctor", "--json"]);
    assert_ne!(run.status, 0);
    let told = pick(&run, "daemon", "").unwrap();
    assert!(told.severity == "error" && !told.hint.is_empty(), "{told:?}");
    let reason = pick(&run, "modes", "the state directory").unwrap();
    shell(&world, &reason.hint).ok();
    gone(&world, "daemon", "");
}

#[test]
fn a_sign_in_that_ends_soon_is_told_before_it_does() {
    let world = World::new();
    world.config("[identity.alice]\ntype = \"iam-user\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/alice\"\n[profile.p]\nidentity = \"alice\"\n");
    world.add_key("alice");
    world.aws.lifetime(Duration::from_secs(20 * 60));
    world.keyfob_with_input(&["login", "alice"], "123456").ok();
    let told = found(&world, "identity alice", "must sign in again by");
    assert_eq!((told.severity.as_str(), told.hint.as_str()), ("warning", "keyfob login alice"));
    world.aws.lifetime(Duration::from_secs(12 * 60 * 60));
    world.keyfob_with_input(&["login", "alice"], "654321").ok();
    assert_eq!(found(&world, "identity alice", "must sign in again by").severity, "note");
}

fn rotating(more: &str) -> World {
    let world = World::new();
    // A vault that forgets keeps no key through a rotation.
    let vault =
        format!("[daemon]\nvault = \"file\"\nvault_key_file = \"{}\"\n", world.path("config/key").display());
    world.config(&format!("{vault}[identity.alice]\ntype = \"iam-user\"\nrotate_settle = \"1s\"\nrotate_watch = \"1s\"\nrotate_wait = \"1s\"\n{more}[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\nregion = \"eu-west-1\"\n"));
    world
}

#[test]
fn a_key_that_is_old_is_rotated_and_one_with_a_schedule_is_not_told() {
    let world = rotating("");
    world.aws.ahead(-100 * DAY);
    world.add_key("alice");
    world.aws.ahead(0);
    let told = found(&world, "identity alice", "is 100 days old, and no rotate_every is set");
    assert_eq!(told.severity, "warning");
    shell(&world, &told.hint).ok();
    gone(&world, "identity alice", "days old");
}

#[test]
fn a_key_that_aws_does_not_take_is_replaced() {
    let world = rotating("");
    let key = world.add_key("alice");
    gone(&world, "identity alice", "");
    world.aws.set_active(&key.access_key_id, false);
    // An inactive key can't ask about itself: that is told with the mint.
    world.get("p").failed(3);
    let told = found(&world, "profile p", "does not know the access key here, or it is inactive");
    assert!(told.hint.starts_with("keyfob key add alice"), "{told:?}");
    world.add_key("alice");
    world.get("p").ok();
    gone(&world, "profile p", "");
}

#[test]
fn a_rotation_that_stands_still_goes_on_by_the_command() {
    let world = rotating("");
    world.config(
        &fs::read_to_string(world.path("config/config.toml"))
            .unwrap()
            .replace("rotate_watch = \"1s\"", "rotate_watch = \"1h\""),
    );
    world.keyfob(&["daemon", "reload"]).ok();
    world.add_key("alice");
    world.keyfob(&["key", "rotate", "alice"]).ok();
    world.keyfob(&["key", "rotate", "alice", "--pause"]).ok();
    let told = found(&world, "identity alice", "the rotation of its access key stands still: paused");
    assert_eq!(told.severity, "warning");
    shell(&world, &told.hint).ok();
    eventually("it goes on", Duration::from_secs(5), || {
        find(&world, "identity alice", "stands still").is_none()
    });
}

#[test]
fn few_open_files_are_told_and_more_of_them_help() {
    let world = World::with_profile();
    gone(&world, "open files", "");
    world.keyfob(&["daemon", "stop"]).ok();
    shell(&world, "ulimit -n 256; keyfob daemon start").ok();
    let told = found(&world, "open files", "256");
    let line = told.hint.split("; in a unit").next().unwrap();
    shell(&world, line).ok();
    gone(&world, "open files", "");
}

#[test]
fn a_keychain_that_came_after_the_choice_is_worth_a_change() {
    let mut world = World::new();
    let Some(_keychain) = Keychain::start(&mut world) else { return };
    // The choice of a first start without a keychain.
    fs::write(world.path("state/vault-choice"), "file").unwrap();
    world.config("[daemon]\nvault = \"auto\"\n");
    world.keyfob(&["daemon", "start"]).ok();
    let told = || find(&world, "vault", "there is a keychain now");
    eventually("the keychain is seen", Duration::from_secs(10), || told().is_some());
    let told = told().unwrap();
    assert!(told.severity == "warning" && told.hint.contains("keyfob daemon restart"), "{told:?}");
    let name = told.message.split("vault = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    world.config(&format!("[daemon]\nvault = \"{name}\"\n"));
    world.keyfob(&["daemon", "restart"]).ok();
    gone(&world, "vault", "there is a keychain now");
}
