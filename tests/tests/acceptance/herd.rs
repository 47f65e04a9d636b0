//! However many ask, AWS is asked once.

use keyfob_shared::frame;
use keyfob_tests::{Fault, Run, World};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

const HERD: usize = 200;

/// Starts many `keyfob get` at once and answers what each did and when it ended.
fn herd(world: &World, profile: &str) -> Vec<(Run, Instant)> {
    let start = || {
        let mut command = world.command(world.program("keyfob"));
        command.args(["get", profile]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..HERD).map(|_| start()).collect();
    let wait = |child: std::process::Child| {
        std::thread::spawn(move || (Run::from(child.wait_with_output().unwrap()), Instant::now()))
    };
    let waiting: Vec<_> = children.into_iter().map(wait).collect();
    waiting.into_iter().map(|thread| thread.join().unwrap()).collect()
}

#[test]
fn two_hundred_callers_of_a_cold_profile_share_one_mint() {
    let world = World::with_profile();
    world.aws.delay(Duration::from_secs(2));
    let runs = herd(&world, "p");
    let first = runs[0].0.ok();
    assert!(runs.iter().all(|(run, _)| run.ok() == first), "all answers are the same");
    assert_eq!(world.aws.mints().len(), 1);
}

#[test]
fn two_hundred_callers_share_one_failure_at_once() {
    let world = World::with_profile();
    world.aws.delay(Duration::from_secs(2));
    world.aws.fault(Fault::Error("AccessDenied", "User: alice is not authorized to perform: sts:AssumeRole"));
    let runs = herd(&world, "p");
    for (run, _) in &runs {
        assert!(run.failed(1).contains("not authorized"), "{run:?}");
    }
    let ends = runs.iter().map(|(_, end)| *end);
    let spread = ends.clone().max().unwrap() - ends.min().unwrap();
    assert!(spread < Duration::from_secs(1), "{spread:?} between the first error and the last");
    assert_eq!(world.aws.mints().len(), 1);
}

#[test]
fn two_hundred_cold_profiles_at_a_slow_sts_are_all_served() {
    let world = World::new();
    let profile = |number| {
        format!(
            "[profile.p{number}]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R{number}\"\n"
        )
    };
    let identity = String::from("[identity.alice]\ntype = \"iam-user\"\n");
    world.config(&(0..HERD).map(profile).fold(identity, |text, profile| text + &profile));
    world.add_key("alice");
    world.aws.delay(Duration::from_secs(1));
    let ask = |number| {
        let mut stream = UnixStream::connect(world.socket()).unwrap();
        let request = format!(r#"{{"get":{{"profile":"p{number}"}}}}"#);
        let mut bytes = Vec::new();
        frame::append(&mut bytes, b"1").unwrap();
        frame::append(&mut bytes, request.as_bytes()).unwrap();
        stream.write_all(&bytes).unwrap();
        stream
    };
    for (number, mut stream) in (0..HERD).map(ask).collect::<Vec<_>>().into_iter().enumerate() {
        let reply = String::from_utf8(frame::read(&mut stream).unwrap()).unwrap();
        assert!(reply.contains("Expiration"), "{number}: {reply}");
    }
}

#[test]
fn a_daemon_is_started_once_however_many_clients_want_it() {
    let world = World::with_profile();
    world.keyfob(&["daemon", "stop"]).ok();
    let runs = herd(&world, "p");
    // The key was in the memory of the daemon that ended.
    assert!(runs.iter().all(|(run, _)| run.failed(3).contains("keyfob key add alice")));
    assert_eq!(world.daemons().len(), 1);
}

#[test]
fn twenty_profiles_behind_one_mfa_device_need_one_code() {
    let world = World::new();
    let mut text = String::from(
        "[identity.alice]\ntype = \"iam-user\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/alice\"\n",
    );
    for number in 0..20 {
        text.push_str(&format!(
            "[profile.p{number}]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R{number}\"\n"
        ));
    }
    world.config(&text);
    world.add_key("alice");
    let without = world.get("p0");
    assert!(without.failed(3).contains("hint: keyfob login alice"), "{without:?}");
    world.keyfob_with_input(&["login", "p7"], "123456").ok();
    for number in 0..20 {
        world.get(&format!("p{number}")).ok();
    }
    let mints = world.aws.mints();
    let with_code = mints.iter().filter(|call| call.parameters.contains_key("TokenCode")).count();
    assert_eq!((with_code, mints.len()), (1, 21));
}
