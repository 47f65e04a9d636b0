//! The Secret Service of the desktop: used when it is there, survived when it hangs, is locked, or goes away.

use keyfob_tests::keychain::Keychain;
use keyfob_tests::world::eventually;
use keyfob_tests::{Run, World};
use std::io::Read;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Three roles behind one key in the keychain; `p` has a session, the others have none.
fn world() -> Option<(World, Keychain)> {
    let mut world = World::new();
    let keychain = Keychain::start(&mut world)?;
    let mut text = "[daemon]\nvault = \"auto\"\n[identity.alice]\ntype = \"iam-user\"\n".to_owned();
    for name in ["p", "q", "r", "s", "t", "u", "v", "w", "x", "y"] {
        text.push_str(&format!(
            "[profile.{name}]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/{name}\"\n"
        ));
    }
    world.config(&text);
    world.add_key("alice");
    world.get("p").ok();
    Some((world, keychain))
}

fn timed(world: &World, profile: &str) -> (Run, Duration) {
    let start = Instant::now();
    (world.get(profile), start.elapsed())
}

/// The cached profile answers at once, another fails clearly within five seconds.
fn check_trouble(world: &World, cold: &[&str], status: i32, cause: &str) {
    for profile in cold {
        let (run, took) = timed(world, "p");
        run.ok();
        assert!(took < Duration::from_secs(1), "a cached profile took {took:?}");
        let (run, took) = timed(world, profile);
        assert!(run.failed(status).contains(cause), "{run:?}");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

fn check_recovery(world: &World, profile: &str) {
    eventually("recovery", Duration::from_secs(2), || world.get(profile).status == 0);
}

#[test]
fn secrets_lie_in_the_keychain_and_outlive_the_daemon() {
    let Some((world, keychain)) = world() else { return };
    let vault = &world.status()["daemon"]["vault"];
    assert_eq!((vault["kind"].as_str(), vault["state"].as_str()), (Some("secret-service"), Some("ready")));
    assert!(vault["reason"].as_str().unwrap().contains("keychain"));
    let id = world.get("p").access_key_id();
    // The write is behind the answer.
    eventually("two items", Duration::from_secs(5), || {
        keychain.labels(&world).matches("/login/").count() == 2
    });
    world.kill_daemons();
    assert_eq!(world.get("p").access_key_id(), id);
    world.keyfob(&["daemon", "restart"]).ok();
    assert_eq!(world.get("p").access_key_id(), id);
    assert_eq!(world.aws.mints().len(), 1);
    world.keyfob(&["logout", "p"]).ok();
    eventually("one item", Duration::from_secs(5), || {
        keychain.labels(&world).matches("/login/").count() == 1
    });
    world.keyfob(&["key", "remove", "alice"]).ok();
    assert_eq!(keychain.labels(&world).matches("/login/").count(), 0);
}

#[test]
fn a_keychain_that_hangs_is_survived() {
    let Some((world, keychain)) = world() else { return };
    keychain.pause();
    check_trouble(&world, &["q", "r"], 1, "keychain does not answer");
    let (status, start) = (world.status(), Instant::now());
    assert_eq!(status["daemon"]["vault"]["state"], "unavailable");
    assert!(start.elapsed() < Duration::from_secs(5));
    keychain.go_on();
    check_recovery(&world, "q");
}

#[test]
fn a_keychain_that_is_locked_is_left_alone_until_its_owner_unlocks_it() {
    let Some((world, mut keychain)) = world() else { return };
    let prompts = Prompts::watch(&world);
    keychain.lock(&world);
    assert!(keychain.is_locked(&world));
    check_trouble(&world, &["q", "r"], 3, "the keychain is locked");
    assert!(world.get("s").stderr.contains("hint: keyfob unlock"));
    assert_eq!(world.status()["daemon"]["vault"]["state"], "locked");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(prompts.seen(), "", "background work raised a prompt");
    keychain.unlock(&world);
    check_recovery(&world, "t");
}

#[test]
fn a_keychain_that_was_killed_and_started_again_is_found_again() {
    let Some((world, mut keychain)) = world() else { return };
    for (cold, later) in [("q", "r"), ("s", "t"), ("u", "v")] {
        keychain.kill();
        check_trouble(&world, &[cold], 1, "keychain");
        keychain.start_service(&world);
        check_recovery(&world, later);
    }
}

#[test]
fn a_session_that_could_not_be_written_is_written_later() {
    let Some((world, mut keychain)) = world() else { return };
    world.get("q").ok();
    eventually("three items", Duration::from_secs(5), || {
        keychain.labels(&world).matches("/login/").count() == 3
    });
    keychain.kill();
    world.keyfob(&["logout", "q"]).failed(1);
    std::thread::sleep(Duration::from_secs(2));
    keychain.start_service(&world);
    eventually("two items", Duration::from_secs(10), || {
        keychain.labels(&world).matches("/login/").count() == 2
    });
}

/// Watches the bus for prompts and unlocks.
struct Prompts(Child);

impl Prompts {
    fn watch(world: &World) -> Self {
        let mut monitor = world.command("dbus-monitor");
        monitor.args([
            "--session",
            "interface='org.freedesktop.Secret.Prompt'",
            "interface='org.freedesktop.Secret.Service',member='Unlock'",
        ]);
        let child = monitor.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        Self(child)
    }

    /// Answers what was seen, without the monitor's own greeting.
    fn seen(mut self) -> String {
        self.0.kill().unwrap();
        let mut text = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        self.0.wait().unwrap();
        let ours = |line: &&str| line.contains("Secret");
        text.lines().filter(ours).collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn the_watch_for_prompts_sees_one() {
    let Some((world, keychain)) = world() else { return };
    let prompts = Prompts::watch(&world);
    keychain.lock(&world);
    // A person asks for it, so this may raise one; there is no prompter here, so it can't be answered.
    let unlock = world.keyfob(&["unlock"]);
    assert_eq!(unlock.status, 3, "{unlock:?}");
    assert!(prompts.seen().contains("Unlock"));
}
