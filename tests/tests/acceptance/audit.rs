//! Who was served what: one line for each request, chained.

use keyfob_shared::frame;
use keyfob_tests::World;
use keyfob_tests::world::{eventually, session_name};
use serde_json::Value;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

fn lines(world: &World) -> Vec<Value> {
    let run = world.keyfob(&["audit", "--json"]);
    run.ok().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn line(world: &World, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut found = None;
    eventually("the line is written", Duration::from_secs(3), || {
        found = lines(world).into_iter().find(|line| wanted(line));
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn each_get_is_written_down_with_who_asked() {
    let world = World::with_profile();
    // It lives until its line is written, as a program does that uses what it got.
    let script = format!("{} get p; read go", world.program("keyfob").display());
    let mut shell = world.command("sh");
    shell.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let shell = shell.spawn().unwrap();
    let served = line(&world, |line| line["request"] == "get");
    let output = shell.wait_with_output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(served["outcome"], "served");
    assert_eq!(served["profile"], "p");
    assert_eq!(served["access_key_id"], document["AccessKeyId"]);
    assert_eq!(served["session_name"], session_name("tester"));
    assert_eq!(served["uid"], rustix::process::getuid().as_raw());
    let parents = served["parents"].as_array().unwrap();
    assert!(parents.iter().any(|parent| parent["program"].as_str().unwrap().ends_with("sh")), "{served}");
    world.get("absent").failed(2);
    let failed = line(&world, |line| line["profile"] == "absent");
    assert_eq!((failed["outcome"].as_str(), failed["access_key_id"].as_str()), (Some("failed"), None));
    assert!(failed["reason"].as_str().unwrap().contains("no such profile"));
    world.keyfob(&["lock"]).ok();
    world.get("p").failed(4);
    let refused = line(&world, |line| line["outcome"] == "refused");
    assert_eq!(refused["reason"], "the agent is locked");
    let people = world.keyfob(&["audit"]);
    assert!(people.ok().contains("served") && people.stdout.contains("refused: the agent is locked"));
}

#[test]
fn the_chain_goes_on_over_restarts_and_shows_what_was_changed() {
    let world = World::with_profile();
    world.get("p").ok();
    world.keyfob(&["daemon", "restart"]).ok();
    world.add_key("alice");
    world.get("p").ok();
    world.keyfob(&["daemon", "stop"]).ok();
    world.keyfob(&["audit", "--verify"]).ok();
    let file = world.path("state/audit.jsonl");
    let good = std::fs::read_to_string(&file).unwrap();
    assert!(keyfob_tests::world::is_private(&file));
    let count = good.lines().count();
    std::fs::write(&file, good.replacen("\"served\"", "\"failed\"", 1)).unwrap();
    let changed = world.keyfob(&["audit", "--verify"]);
    assert!(changed.failed(4).contains("audit.jsonl"), "{changed:?}");
    let without: String = good
        .lines()
        .enumerate()
        .filter(|(at, _)| *at != count / 2)
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    std::fs::write(&file, without).unwrap();
    world.keyfob(&["audit", "--verify"]).failed(4);
}

#[test]
fn what_people_asked_is_written_down_as_it_ended() {
    let world = World::with_profile();
    world.keyfob(&["login", "absent"]).failed(2);
    let login = line(&world, |line| line["request"] == "login");
    assert_eq!((login["outcome"].as_str(), login["profile"].as_str()), (Some("failed"), Some("absent")));
    world.keyfob(&["unlock"]).ok();
    assert_eq!(line(&world, |line| line["request"] == "unlock")["outcome"], "served");
}

#[test]
fn a_look_at_what_there_is_is_written_down_only_if_it_is_refused() {
    let world = World::with_profile();
    for arguments in [&["status"] as &[_], &["profile", "list"], &["profile", "check"], &["key", "list"]] {
        world.keyfob(arguments).ok();
    }
    world.keyfob(&["doctor"]);
    world.keyfob(&["lock"]).ok();
    world.keyfob(&["key", "list"]).failed(4);
    line(&world, |line| line["request"] == "key-list" && line["outcome"] == "refused");
    let requests: Vec<String> =
        lines(&world).iter().map(|line| line["request"].as_str().unwrap().to_owned()).collect();
    assert_eq!(requests, ["key-add", "lock", "key-list"]);
}

#[test]
fn asking_in_vain_does_not_wash_out_who_was_served() {
    let world = World::with_profile();
    world.get("p").ok();
    for number in 0..300 {
        let mut stream = UnixStream::connect(world.socket()).unwrap();
        let profile = if number % 2 == 0 { "absent".to_owned() } else { format!("absent{number}") };
        let mut bytes = Vec::new();
        frame::append(&mut bytes, b"1").unwrap();
        frame::append(&mut bytes, format!(r#"{{"get":{{"profile":"{profile}"}}}}"#).as_bytes()).unwrap();
        stream.write_all(&bytes).unwrap();
        frame::read(&mut stream).unwrap();
    }
    world.keyfob(&["daemon", "stop"]).ok();
    world.keyfob(&["audit", "--verify"]).ok();
    let lines = lines(&world);
    assert!(lines.len() < 75, "{} lines", lines.len());
    let failed = lines.iter().filter(|line| line["outcome"] == "failed");
    assert_eq!(failed.map(|line| line["times"].as_u64().unwrap_or(1)).sum::<u64>(), 300);
    assert!(world.keyfob(&["audit"]).ok().contains("(149 times)"));
}

#[test]
fn a_tail_that_was_cut_and_a_file_that_was_deleted_are_told() {
    let world = World::with_profile();
    world.get("p").ok();
    world.keyfob(&["daemon", "stop"]).ok();
    let file = world.path("state/audit.jsonl");
    let good = std::fs::read_to_string(&file).unwrap();
    let cut = good.trim_end().rfind('\n').unwrap() + 1;
    std::fs::write(&file, &good[..cut]).unwrap();
    assert!(world.keyfob(&["audit", "--verify"]).failed(4).contains("missing"));
    std::fs::remove_file(&file).unwrap();
    assert!(world.keyfob(&["audit", "--verify"]).failed(4).contains("missing"));
    std::fs::write(&file, &good).unwrap();
    world.keyfob(&["audit", "--verify"]).ok();
    std::fs::create_dir(world.path("state/audit.2.jsonl")).unwrap();
    assert!(world.keyfob(&["audit", "--verify"]).failed(4).contains("is not a file"));
    world.keyfob(&["daemon", "start"]).ok();
}

#[test]
fn lines_that_can_not_be_written_are_told_by_doctor() {
    let world = World::new();
    world.config("[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\n");
    // The newest file is full, and another can't be begun.
    std::fs::write(world.path("state/audit.jsonl"), format!("{}\n", "x".repeat(60_000)).repeat(200)).unwrap();
    std::fs::create_dir_all(world.path("state/audit.new/in the way")).unwrap();
    world.add_key("alice");
    world.get("p").ok();
    eventually("the loss is told", Duration::from_secs(3), || {
        world.keyfob(&["doctor"]).stdout.contains("warning: audit: lines that could not be written: 2;")
    });
    std::fs::remove_dir_all(world.path("state/audit.new")).unwrap();
    world.get("p").ok();
    line(&world, |line| line["request"] == "lost");
    assert!(!world.keyfob(&["doctor"]).stdout.contains("could not be written"));
}
