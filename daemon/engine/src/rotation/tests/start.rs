//! The beginning.

use super::*;

fn listed(keys: Vec<Key>) -> Bench {
    let mut bench = Bench::new();
    bench.after("Verify", good());
    bench.after("ListKeys", Outcome::Listed(keys));
    bench
}

#[test]
fn another_key_is_told_with_all_that_is_known_of_it() {
    let created = Timestamp::from_millis(START - HOUR);
    let other = Key { id: "AKIAOTHER".into(), active: true, created };
    let old = Bench::new().old(true);
    let mut bench = listed(vec![other, old.clone()]);
    let at = Timestamp::from_millis(START - MINUTE);
    let used = LastUse { at, service: "s3".into(), region: "eu-west-1".into() };
    let asked = bench.act();
    assert_eq!(asked, Action::LastUsed { key: "AKIAOTHER".into(), by: by(Which::Current, OLD) });
    bench.hear(Outcome::LastUsed(Some(used)));
    let failure = bench.stop().failure;
    let message = "user alice has another access key, AKIAOTHER (active, created 2025-12-31T23:00:00Z, \
                   last used 2025-12-31T23:59:00Z by s3 in eu-west-1), and AWS allows two: nothing was changed";
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Person, message));
    let hint = failure.hint.unwrap();
    for part in [
        "aws iam get-access-key-last-used --access-key-id AKIAOTHER",
        "aws iam update-access-key --user-name alice --access-key-id AKIAOTHER --status Inactive",
        "aws iam delete-access-key --user-name alice --access-key-id AKIAOTHER",
        "keyfob key rotate alice",
    ] {
        assert!(hint.contains(part), "{hint}");
    }
    bench.command(Command::GoOn);
    bench.after("ListKeys", Outcome::Listed(vec![old]));
    bench.go_to(&Stage::Verify);
}

#[test]
fn an_inactive_key_need_not_be_made_inactive() {
    let other = Key { active: false, ..Bench::new().key("AKIAOTHER", HOUR) };
    let mut bench = listed(vec![Bench::new().old(true), other]);
    bench.after("LastUsed", Outcome::LastUsed(None));
    let failure = bench.stop().failure;
    assert!(failure.message.contains("(inactive,") && failure.message.contains("never used"), "{failure}");
    assert!(!failure.hint.unwrap().contains("update-access-key"));
}

#[test]
fn a_key_that_is_not_listed_is_not_rotated() {
    let mut bench = listed(vec![Bench::new().key("AKIAOTHER", HOUR)]);
    let message = "access key AKIAOLD is not among the keys of user alice: nothing was changed";
    assert_eq!(bench.stop().failure.message, message);
}

#[test]
fn a_key_of_the_root_user_is_not_rotated() {
    let mut bench = Bench::new();
    let root = "arn:aws:iam::111122223333:root";
    bench.after("Verify", Outcome::Good { arn: root.into(), account: "111122223333".into() });
    assert!(bench.stop().failure.message.contains("only keys of IAM users"));
}

#[test]
fn a_missing_permission_is_named_before_anything_is_changed() {
    let mut bench = listed(vec![Bench::new().old(true)]);
    bench.after("LastUsed", failed(FailedKind::Denied));
    let failure = bench.stop().failure;
    assert_eq!(failure.message, "iam:GetAccessKeyLastUsed is denied to user alice: Denied");
    let hint = "allow iam:GetAccessKeyLastUsed to user alice, then keyfob key rotate alice";
    assert_eq!(failure.hint.as_deref(), Some(hint));
    bench.command(Command::GoOn);
    bench.go_to(&Stage::Verify);
}

#[test]
fn another_key_is_told_also_if_its_last_use_may_not_be_asked_for() {
    let other = Bench::new().key("AKIAOTHER", HOUR);
    let mut bench = listed(vec![Bench::new().old(true), other]);
    bench.after("LastUsed", failed(FailedKind::Denied));
    let message = bench.stop().failure.message;
    assert!(message.contains("AKIAOTHER") && message.contains("GetAccessKeyLastUsed is denied"), "{message}");
}

#[test]
fn a_list_that_is_old_is_not_believed() {
    let mut bench = listed(vec![Bench::new().old(true)]);
    bench.after("LastUsed", failed(FailedKind::Transient));
    bench.pass(HOUR);
    bench.after("LastUsed", Outcome::LastUsed(None));
    assert!(matches!(bench.act(), Action::ListKeys { .. }));
}

#[test]
fn what_fails_for_a_while_is_told_and_tried_again_with_back_off() {
    let mut bench = Bench::new();
    for _ in 0..50 {
        bench.after("Verify", failed(FailedKind::Transient));
        assert!((1..=60 * SECOND).contains(&bench.waits()));
        let trouble = bench.record().trouble.clone().unwrap();
        assert_eq!((trouble.failure.message.as_str(), trouble.stop), ("Transient", None));
        assert_eq!(trouble.since, Timestamp::from_millis(START), "since the first time");
    }
    bench.after("Verify", good());
    assert_eq!(bench.record().trouble, None);
}

#[test]
fn names_from_the_network_do_not_become_commands() {
    let bad = Key { id: "AKIA; reboot".into(), ..Bench::new().key("", HOUR) };
    let mut bench = listed(vec![Bench::new().old(true), bad]);
    bench.after("LastUsed", Outcome::LastUsed(None));
    let failure = bench.stop().failure;
    assert!(!failure.hint.unwrap().contains("reboot"));
}
