//! Accounts: their users, what sessions did, and roles.

use keyfob_tests::World;
use serde_json::{Value, json};

fn counts(findings: &Value) -> std::collections::BTreeMap<String, usize> {
    let mut counts = std::collections::BTreeMap::new();
    for finding in findings.as_array().into_iter().flatten() {
        *counts.entry(finding["kind"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    counts
}

/// The most memory that a daemon has had, in KiB.
fn peak(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_report_of_five_thousand_users_has_the_right_figures_though_it_is_throttled() {
    let world = World::with_profile();
    world.get("p").ok();
    let before = peak(world.daemons()[0]);
    world.aws.users(5_000, 40);
    let run = world.keyfob(&["report", "p", "--json"]);
    let told = run.json();
    assert_eq!(told["users"], 5_000);
    let wanted = [
        ("inactive-user", 1_000),
        ("old-key", 1_000),
        ("password-without-mfa", 1_000),
        ("two-active-keys", 1_000),
        ("unused-key", 1_000),
    ];
    assert_eq!(counts(&told["findings"]), wanted.map(|(kind, count)| (kind.to_owned(), count)).into());
    let unused =
        told["findings"].as_array().unwrap().iter().find(|finding| finding["kind"] == "unused-key").unwrap();
    assert_eq!(unused["access_key_id"], "AKIAUSER000000000000");
    assert_eq!(
        unused["mend"],
        "aws iam update-access-key --user-name user-0 --access-key-id AKIAUSER000000000000 --status Inactive"
    );
    assert!(run.stderr.contains("IAM makes the credential report"), "{}", run.stderr);
    assert!(run.stderr.contains("1000 of 1000 users"), "{}", run.stderr);
    let grown = peak(world.daemons()[0]) - before;
    assert!(grown < 24 * 1_024, "the daemon has grown by {grown} KiB");
}

#[test]
fn a_report_fails_on_what_it_is_told_to_and_can_be_a_table() {
    let world = World::with_profile();
    world.aws.users(5, 0);
    let table = world.keyfob(&["report", "p"]);
    assert!(table.ok().contains("5 findings in 5 users"), "{table:?}");
    let csv = world.keyfob(&["report", "p", "--csv"]);
    assert!(csv.ok().starts_with("user,finding,detail,access_key_id,mend\r\nuser-0,unused-key,"), "{csv:?}");
    assert_eq!(world.keyfob(&["report", "p", "--fail-on", "root-key,two-active-keys"]).status, 4);
    assert_eq!(world.keyfob(&["report", "p", "--fail-on", "any"]).status, 4);
    world.keyfob(&["report", "p", "--fail-on", "root-key"]).ok();
    let patient = world.keyfob(&["report", "p", "--unused", "365", "--old", "500", "--json"]).json();
    assert_eq!(counts(&patient["findings"]).get("unused-key"), None);
    assert!(world.keyfob(&["report", "nobody"]).failed(2).contains("there is no profile nobody"));
}

#[test]
fn activity_tells_what_a_session_did_and_which_program_had_asked_for_it() {
    let world = World::with_profile();
    let id = world.get("p").access_key_id();
    world.aws.record(
        &id,
        "s3",
        "GetObject",
        &json!({ "requestParameters": { "bucketName": "b", "key": "k" } }),
    );
    world.aws.record(&id, "ec2", "RunInstances", &json!({ "errorCode": "Client.UnauthorizedOperation" }));
    for _ in 0..60 {
        world.aws.record(&id, "dynamodb", "GetItem", &json!({}));
    }
    world.aws.record("ASIAFOREIGN000000000", "s3", "DeleteBucket", &json!({}));
    let run = world.keyfob(&["activity", "p", "--json", "--since", "1h"]);
    let events = run.json();
    let events = events.as_array().unwrap();
    assert_eq!(events.len(), 62, "{}", run.stderr);
    assert!(events.iter().all(|event| event["event"] != "DeleteBucket"));
    let read = events.iter().find(|event| event["event"] == "GetObject").unwrap();
    assert_eq!((read["service"].as_str(), read["resource"].as_str()), (Some("s3"), Some("b/k")));
    assert_eq!(read["access_key_id"], id.as_str());
    assert!(read["program"].as_str().is_some_and(|program| program.contains("acceptance")), "{read}");
    let denied = world.keyfob(&["activity", "p", "--denied"]);
    let denied = denied.ok();
    assert!(denied.contains("RunInstances") && !denied.contains("GetItem"), "{denied}");
    // Two requests a second, and none too many.
    let (lookups, hurried) = world.aws.lookups();
    assert!(lookups >= 6 && hurried == 0, "{lookups} {hurried}");
}
