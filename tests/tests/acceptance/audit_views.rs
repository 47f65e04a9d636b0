//! Ways to look at the audit: filters, a summary, events for a SIEM; of any length, and safe on any terminal.

use keyfob_tests::{Ledger, World, parts};
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;

fn by(program: &str) -> Value {
    json!([{ "pid": 6, "program": "/usr/bin/sh" }, { "pid": 5, "program": program }])
}

/// A world with an audit of two files, from January to March.
fn world() -> World {
    let world = World::new();
    let mut ledger = Ledger::default();
    let client = "/usr/bin/keyfob";
    let served = |profile: &str, program: &str| json!({ "profile": profile, "program": client, "parents": by(program), "access_key_id": "ASIA1", "session_name": "keyfob-alice" });
    ledger.add("2026-01-10T08:00:00Z", served("prod", "/opt/terraform"));
    ledger.add("2026-01-20T08:00:00Z", served("prod", "/usr/bin/python3.11"));
    ledger.add("2026-02-10T08:00:00Z", json!({ "profile": "prod", "outcome": "failed", "reason": "why", "program": client, "parents": by("/opt/terraform") }));
    ledger.add("2026-02-10T08:01:00Z", json!({ "profile": "prod", "outcome": "failed", "reason": "why", "times": 41, "program": client, "parents": by("/opt/terraform") }));
    ledger.add("2026-02-11T08:00:00Z", json!({ "profile": "ci", "outcome": "refused", "reason": "the agent is locked", "socket": "agent", "pid": 0 }));
    ledger.add("2026-02-12T08:00:00Z", json!({ "request": "lost", "outcome": "failed", "reason": "3 lines were not written", "pid": 0, "uid": 0 }));
    ledger
        .add("2026-03-01T08:00:00Z", json!({ "request": "key-add", "profile": "alice", "program": client }));
    ledger.add("2026-03-01T23:59:59Z", served("prod", "/opt/terraform (deleted)"));
    ledger.save(&world.path("state"), &[5]);
    world.keyfob(&["audit", "--verify"]).ok();
    world
}

#[test]
fn filters_are_met_all_at_once() {
    let world = world();
    let cases: &[(&str, &[u64])] = &[
        ("", &[1, 2, 3, 4, 5, 6, 7, 8]),
        ("--profile prod", &[1, 2, 3, 4, 8]),
        ("--profile ci --profile alice", &[5, 7]),
        ("--program terraform", &[1, 3, 4, 8]),
        ("--program /usr/bin/python3.11", &[2]),
        ("--program keyfob --outcome served", &[1, 2, 7, 8]),
        ("--outcome failed --outcome refused", &[3, 4, 5, 6]),
        ("--request key-add", &[7]),
        ("--since 2026-02-10", &[3, 4, 5, 6, 7, 8]),
        ("--since 2026-02-10T08:00:30Z --until 2026-02-11T09:00:00+01:00", &[4, 5]),
        ("--until 2026-03-01", &[1, 2, 3, 4, 5, 6, 7, 8]),
        ("--until 2026-02-28", &[1, 2, 3, 4, 5, 6]),
        ("--until 20000d", &[]),
        ("--since 20000d", &[1, 2, 3, 4, 5, 6, 7, 8]),
        ("--last 2", &[7, 8]),
        ("--last 4", &[5, 6, 7, 8]),
        ("--last 100", &[1, 2, 3, 4, 5, 6, 7, 8]),
        ("--profile prod --last 3", &[3, 4, 8]),
        ("--profile prod --program terraform --since 2026-01-15 --last 1", &[8]),
    ];
    for (arguments, lines) in cases {
        let words: Vec<&str> = ["audit", "--json"].into_iter().chain(arguments.split_whitespace()).collect();
        let run = world.keyfob(&words);
        let found = run.ok().lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        assert_eq!(
            found.map(|line| line["seq"].as_u64().unwrap()).collect::<Vec<_>>(),
            *lines,
            "{arguments}"
        );
        let people = world.keyfob(&[&["audit"], &words[2..]].concat());
        assert_eq!(people.ok().lines().count(), 1 + lines.len(), "{arguments}");
    }
    let people = world.keyfob(&["audit", "--outcome", "failed", "--profile", "prod"]);
    assert!(people.ok().contains("terraform  failed: why (41 times)"), "{people:?}");
    for wrong in ["--since=yesterday", "--last=0", "--outcome=fine", "--anchor=1:00", "--export=xml"] {
        world.keyfob(&["audit", wrong]).failed(2);
    }
    world.keyfob(&["audit", "--verify", "--profile", "p"]).failed(2);
}

#[test]
fn a_summary_counts_requests_and_not_lines() {
    let world = world();
    let run = world.keyfob(&["audit", "--summary"]);
    let row = |profile: &str| {
        let row = run.ok().lines().find(|line| line.starts_with(profile)).unwrap_or_default();
        row.split_whitespace().take(6).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("prod     python"), ["prod", "python3.11", "1", "0", "0", "2026-01-20T08:00:00Z"]);
    assert_eq!(row("prod     terraform"), ["prod", "terraform", "2", "42", "0", "2026-03-01T23:59:59Z"]);
    assert_eq!(row("ci"), ["ci", "-", "0", "0", "1", "2026-02-11T08:00:00Z"]);
    assert!(
        run.stdout.contains("BY 5 DAYS") && run.stdout.contains("\n2026-02-09  #") && run.stdout.is_ascii(),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("1 line tells of the audit itself"), "{run:?}");
    let filtered =
        world.keyfob(&["audit", "--summary", "--profile", "prod", "--until", "2026-01-31", "--json"]);
    let value = filtered.json();
    assert_eq!(value["programs"].as_array().unwrap().len(), 2);
    assert_eq!(value["days"][1], json!({ "day": "2026-01-20", "served": 1, "failed": 0, "refused": 0 }));
    assert_eq!(world.keyfob(&["audit", "--summary", "--profile", "none"]).ok(), "no request\n");
}

#[test]
fn exports_are_what_others_read() {
    let world = world();
    let (events, records) =
        (world.keyfob(&["audit", "--export", "cloudevents"]), world.keyfob(&["audit", "--export", "ocsf"]));
    let first: Value = serde_json::from_str(events.ok().lines().next().unwrap()).unwrap();
    assert_eq!((&first["type"], &first["subject"]), (&"keyfob.get.served".into(), &"prod".into()));
    assert_eq!(first["id"], first["data"]["hash"]);
    let few = world.keyfob(&["audit", "--export", "ocsf", "--profile", "ci"]);
    assert_eq!(few.ok().lines().count(), 1);
    judge(
        "cloudevents",
        "from cloudevents.core.formats.json import JSONFormat as J\njudge = lambda text: J().read(None, text)\n",
        &events.stdout,
    );
    let schema = |version: &str| {
        format!(
            "import json\nfrom jsonschema import Draft202012Validator as V\nfrom ocsf_json_schema import *\n\
             s = OcsfJsonSchemaEmbedded(get_ocsf_schema('{version}'))\n\
             def judge(text):\n    e = json.loads(text)\n    e['metadata']['version'] = '{version}'\n    \
             V(s.get_class_schema(s.lookup_class_name_from_uid(e['class_uid']))).validate(e)\n    \
             assert e['type_uid'] == e['class_uid'] * 100 + e['activity_id']\n"
        )
    };
    for version in ["1.1.0", "1.8.0"] {
        judge("ocsf_json_schema", &schema(version), &records.stdout);
    }
}

/// Has every line judged by a program of others, and one that lacks something as well.
fn judge(module: &str, script: &str, lines: &str) {
    let Some(python) = parts::python(module) else { return };
    let script = format!(
        "{script}import sys\nfor text in sys.stdin: judge(text)\n\
         for name in ('\"source\"', '\"actor\"'):\n    if name in text:\n        \
         try: judge(text.replace(name, '\"\"'))\n        except Exception: print('refused')\n"
    );
    let mut command = std::process::Command::new(python);
    command.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A judge that has ended says why.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{module}: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"refused\n", "{module} has to refuse what lacks something");
}

#[test]
fn no_control_character_reaches_a_terminal() {
    let world = World::new();
    let mut ledger = Ledger::default();
    let evil = "a\u{1b}]0;x\u{7}\u{9b}31m\u{7f}\r\nb";
    let fields = json!({
        "request": evil, "socket": evil, "profile": evil, "reason": evil, "outcome": "failed", "access_key_id": evil,
        "session_name": evil, "program": evil, "parents": [{ "pid": 6, "program": evil }],
    });
    ledger.add("2026-01-10T08:00:00Z", fields);
    ledger.save(&world.path("state"), &[]);
    let ways = ["", "--json", "--summary", "--summary --json", "--export cloudevents", "--export ocsf"];
    for way in ways {
        let words: Vec<&str> = std::iter::once("audit").chain(way.split_whitespace()).collect();
        let run = world.keyfob(&words);
        assert!(!run.ok().contains(|letter: char| letter.is_control() && letter != '\n'), "{way}: {run:?}");
    }
    let json: Value = world.keyfob(&["audit", "--json"]).json();
    assert_eq!(json["profile"], evil, "a program reads what is written");
    world.keyfob(&["audit", "--verify"]).ok();
    ledger.add("2026-01-10T08:00:00Z", json!({ "request": "audit", "outcome": "failed", "reason": evil }));
    ledger.save(&world.path("state"), &[]);
    let run = world.keyfob(&["audit", "--verify"]);
    assert!(!run.failed(4).contains(|letter: char| letter.is_control() && letter != '\n'), "{run:?}");
}

#[test]
fn an_audit_of_any_length_is_read_with_little_memory() {
    let world = World::new();
    let mut ledger = Ledger::default();
    let reason = "x".repeat(1_000);
    while ledger.len() < 25_000 {
        let fields =
            json!({ "profile": format!("p{}", ledger.len()), "outcome": "failed", "reason": reason });
        ledger.add("2026-01-10T08:00:00Z", fields);
    }
    ledger.save(&world.path("state"), &[10_000]);
    let ways = [
        ("", 25_001),
        ("--json", 25_000),
        ("--last 20000", 20_001),
        ("--summary", 1_004),
        ("--export cloudevents", 25_000),
        ("--verify", 2),
    ];
    for (way, lines) in ways {
        // A part of the 30 MB that the files have.
        let line = format!("ulimit -v 24576; exec {} audit {way}", world.program("keyfob").display());
        let output = world.command("sh").args(["-c", &line]).output().unwrap();
        assert!(output.status.success(), "{way}: {output:?}");
        let count = output.stdout.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(count, lines, "{way}");
    }
}
