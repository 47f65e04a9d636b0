//! The files of the audit: what others do to them is told, with file and line, and old ones leave.

use keyfob_tests::world::eventually;
use keyfob_tests::{Ledger, World};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::Duration;

fn lines(world: &World) -> Vec<Value> {
    let run = world.keyfob(&["audit", "--json"]);
    run.ok().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A world whose audit has three files with two lines each.
fn with_files() -> World {
    let world = World::new();
    let mut ledger = Ledger::default();
    for number in 0..6 {
        ledger.add("2020-01-01T00:00:00Z", json!({ "profile": format!("p{number}") }));
    }
    ledger.save(&world.path("state"), &[2, 4]);
    world
}

fn rewrite(file: &Path, edit: impl FnOnce(&mut Vec<String>)) {
    let mut lines: Vec<String> = fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect();
    edit(&mut lines);
    fs::write(file, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

#[test]
fn tampering_is_told_with_file_and_line_and_exit_code_4() {
    let whole = with_files();
    let run = whole.keyfob(&["audit", "--verify"]);
    assert!(run.ok().starts_with("6 lines, 0 torn by a crash, none changed\nnewest: 6:"), "{run:?}");
    for (tamper, told) in [
        (
            (|state: &Path| {
                rewrite(&state.join("audit.1.jsonl"), |lines| lines[1] = lines[1].replace("p3", "p4"))
            }) as fn(&Path),
            "audit.1.jsonl:2: the line was changed",
        ),
        (
            |state| rewrite(&state.join("audit.1.jsonl"), |lines| lines.swap(0, 1)),
            "audit.1.jsonl:1: line 3 before it",
        ),
        (
            |state| fs::remove_file(state.join("audit.1.jsonl")).unwrap(),
            "audit.jsonl:1: the lines 3 to 4 before it",
        ),
        (
            |state| rewrite(&state.join("audit.jsonl"), |lines| lines.truncate(1)),
            "audit.jsonl:1: line 6 behind it",
        ),
        (
            |state| rewrite(&state.join("audit.2.jsonl"), |lines| drop(lines.remove(0))),
            "audit.2.jsonl:1: line 1 before",
        ),
        (|state| fs::remove_file(state.join("audit.mark")).unwrap(), "audit.mark: the mark is missing"),
    ] {
        let world = with_files();
        tamper(&world.path("state"));
        let run = world.keyfob(&["audit", "--verify"]);
        assert!(run.failed(4).contains(told), "{told}: {run:?}");
        assert!(world.keyfob(&["audit", "--verify", "--json"]).failed(4).contains(told));
    }
}

#[test]
fn a_daemon_with_a_damaged_audit_serves_and_doctor_says_so() {
    for damage in [
        (|state: &Path| fs::remove_file(state.join("audit.mark")).unwrap()) as fn(&Path),
        |state| fs::write(state.join("audit.mark"), "{").unwrap(),
        |state| rewrite(&state.join("audit.jsonl"), |lines| lines.truncate(1)),
        |state| fs::remove_file(state.join("audit.1.jsonl")).unwrap(),
        |state| fs::write(state.join("audit.jsonl"), [0xff; 1_000]).unwrap(),
        |state| {
            fs::remove_file(state.join("audit.jsonl")).unwrap();
            fs::create_dir(state.join("audit.jsonl")).unwrap();
        },
    ] {
        let world = with_files();
        damage(&world.path("state"));
        world.config("[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\n");
        world.add_key("alice");
        world.get("p").ok();
        let written = |world: &World| lines(world).iter().any(|line| line["access_key_id"].is_string());
        eventually("the line is written", Duration::from_secs(3), || written(&world));
        world.keyfob(&["audit", "--verify"]).failed(4);
        let doctor = world.keyfob(&["doctor"]);
        assert!(doctor.ok().contains("warning: audit: it was changed: "), "{doctor:?}");
    }
    let world = World::with_profile();
    world.get("p").ok();
    assert!(!world.keyfob(&["doctor"]).stdout.contains("audit"));
}

#[test]
fn what_is_put_back_with_its_mark_is_told_by_an_anchor_that_was_kept() {
    let world = World::with_profile();
    world.keyfob(&["daemon", "stop"]).ok();
    let names = ["state/audit.jsonl", "state/audit.mark"];
    let older = names.map(|name| fs::read(world.path(name)).unwrap());
    world.keyfob(&["daemon", "start"]).ok();
    world.keyfob(&["daemon", "stop"]).ok();
    let newest = world.keyfob(&["audit", "--verify", "--json"]).json()["newest"].as_str().unwrap().to_owned();
    world.keyfob(&["audit", "--verify", "--anchor", &newest]).ok();
    names.iter().zip(older).for_each(|(name, text)| fs::write(world.path(name), text).unwrap());
    world.keyfob(&["audit", "--verify"]).ok();
    let told = world.keyfob(&["audit", "--verify", "--anchor", &newest]);
    assert!(told.failed(4).contains("an older state was put back"), "{told:?}");
    assert!(world.keyfob(&["audit", "--verify", "--anchor", "7"]).failed(2).contains("an anchor is"));
}

#[test]
fn a_restored_copy_beneath_a_running_daemon_is_told() {
    let world = World::with_profile();
    let file = world.path("state/audit.jsonl");
    eventually("the line is written", Duration::from_secs(3), || fs::metadata(&file).unwrap().len() > 0);
    let copy = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    fs::write(&file, copy).unwrap();
    world.get("p").ok();
    let written = || lines(&world).iter().any(|line| line["access_key_id"].is_string());
    eventually("the line is in the new file", Duration::from_secs(3), written);
    assert!(world.keyfob(&["audit", "--verify"]).failed(4).contains("exchanged while it was written to"));
}

#[test]
fn old_files_leave_whole_and_what_is_left_verifies() {
    let world = with_files();
    world.config(
        "[daemon]\nvault = \"memory\"\naudit_keep = \"90d\"\n[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\n",
    );
    world.add_key("alice");
    world.get("p").ok();
    let is_gone = |name: &str| !world.path(name).exists();
    eventually("the old files leave", Duration::from_secs(3), || {
        (1..5).all(|number| is_gone(&format!("state/audit.{number}.jsonl")))
    });
    eventually("the line is written", Duration::from_secs(3), || lines(&world).len() == 2);
    let verified = world.keyfob(&["audit", "--verify", "--json"]).json();
    assert_eq!((&verified["lines"], &verified["first"]), (&2.into(), &7.into()));
    let anchor = format!("6:{}", "0".repeat(64));
    assert!(world.keyfob(&["audit", "--verify", "--anchor", &anchor]).failed(2).contains("line 6 has left"));
}

#[test]
fn a_bound_that_is_edited_is_in_force_for_the_next_line() {
    let world = with_files();
    let text = |more: &str| {
        format!(
            "[daemon]\nvault = \"memory\"\n{more}[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\n"
        )
    };
    world.config(&text(""));
    world.add_key("alice");
    eventually("the line is written", Duration::from_secs(3), || lines(&world).len() == 7);
    world.config(&text("audit_keep = \"1d\"\n"));
    world.keyfob(&["daemon", "reload"]).ok();
    eventually("the old files leave", Duration::from_secs(3), || lines(&world).len() < 7);
    world.keyfob(&["audit", "--verify"]).ok();
    world.config(&text("audit_kep = \"1d\"\n"));
    assert!(world.keyfob(&["daemon", "reload"]).failed(2).contains("did you mean `audit_keep`?"));
}
