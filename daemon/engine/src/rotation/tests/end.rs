//! The end of the old key.

use super::*;

#[test]
fn nothing_is_deleted_without_fresh_proofs() {
    for stage in [Stage::Confirm, Stage::Delete] {
        let mut bench = Bench::at(&Stage::Confirm);
        if stage == Stage::Delete {
            bench.go_before_deletion();
            bench.fail(FailedKind::Transient);
            bench.pass(10 * MINUTE);
        }
        bench.crash();
        for _ in 0..5 {
            bench.after("Verify { by: Signer { item: Current, key: \"AKIANEW\"", good());
        }
        assert!(matches!(bench.act(), Action::ListKeys { .. }), "{stage:?}");
    }
}

fn at_list() -> Bench {
    let mut bench = Bench::at(&Stage::Confirm);
    for _ in 0..5 {
        bench.after("Verify", good());
    }
    bench
}

#[test]
fn a_new_key_that_is_not_listed_as_active_keeps_the_old_one() {
    let mut bench = at_list();
    let inactive = Key { active: false, ..bench.key(NEW, HOUR) };
    let old = bench.old(false);
    bench.after("ListKeys", Outcome::Listed(vec![old, inactive]));
    let trouble = bench.record().trouble.clone().unwrap();
    assert!(trouble.failure.message.contains("AKIANEW"), "{}", trouble.failure);
    assert!(matches!(bench.act(), Action::ListKeys { .. }));
}

#[test]
fn an_old_key_that_somebody_made_active_again_is_kept() {
    let mut bench = at_list();
    let began = bench.now.monotonic.0;
    while bench.record().trouble.is_none() {
        match bench.act() {
            Action::ListKeys { .. } => {
                let keys = vec![bench.old(true), bench.key(NEW, HOUR)];
                bench.hear(Outcome::Listed(keys));
            }
            Action::Verify { .. } => bench.hear(good()),
            other => panic!("{other:?}"),
        }
    }
    assert!(bench.now.monotonic.0 - began >= 2 * MINUTE, "a list may be late");
    assert_eq!(bench.stop().stop, Some(Stop::ActiveAgain));
    bench.command(Command::GoOn);
    assert_eq!(bench.record().stage, Stage::Watch);
    let (end, actions) = bench.finish();
    assert!(actions.iter().any(|action| matches!(action, Action::Deactivate { .. })), "{actions:?}");
    assert_eq!(end, End::Done);
}

#[test]
fn an_old_key_that_is_gone_already_needs_no_deletion() {
    let mut bench = Bench::at(&Stage::Deactivate);
    bench.after("Deactivate", failed(FailedKind::NotFound));
    for _ in 0..5 {
        bench.after("Verify", good());
    }
    let keys = vec![bench.key(NEW, HOUR)];
    bench.after("ListKeys", Outcome::Listed(keys));
    bench.after("DropPrevious", Outcome::Done);
    assert_eq!(bench.next(), Next::Ended(End::Done));
}

fn at_delete() -> Bench {
    let mut bench = Bench::at(&Stage::Confirm);
    bench.go_before_deletion();
    bench
}

#[test]
fn there_is_no_way_back_from_a_deletion() {
    let mut bench = at_delete();
    let refused = bench.rotation.command(Command::Rollback, bench.now).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Refused);
    assert!(refused.message.contains("no way back"), "{refused}");
    bench.fail(FailedKind::Transient);
    bench.act();
    bench.fail(FailedKind::Denied);
    bench.stop();
    assert!(bench.rotation.command(Command::Rollback, bench.now).is_err(), "it may be deleted");
    bench.command(Command::GoOn);
    bench.go_to(&Stage::DropPrevious);
    assert!(bench.rotation.command(Command::Rollback, bench.now).is_err());
}

#[test]
fn a_deletion_before_a_crash_may_have_taken_effect() {
    let mut bench = at_delete();
    bench.crash();
    bench.go_before_deletion();
    bench.fail(FailedKind::Denied);
    bench.stop();
    assert!(bench.rotation.command(Command::Rollback, bench.now).is_err());
}

#[test]
fn a_deletion_that_was_denied_leaves_the_way_back() {
    let mut bench = at_delete();
    bench.fail(FailedKind::Denied);
    let message = bench.stop().failure.message;
    assert!(message.starts_with("iam:DeleteAccessKey is denied"), "{message}");
    bench.command(Command::Rollback);
    assert_eq!(bench.finish().0, End::RolledBack);
}

#[test]
fn a_deletion_that_took_effect_unheard_is_done() {
    let mut bench = at_delete();
    bench.fail(FailedKind::Transient);
    bench.after("Delete", failed(FailedKind::NotFound));
    bench.after("DropPrevious", failed(FailedKind::Vault));
    bench.after("DropPrevious", Outcome::Done);
    assert_eq!(bench.next(), Next::Ended(End::Done));
    assert_eq!(bench.next(), Next::Ended(End::Done));
    assert!(bench.rotation.command(Command::Pause, bench.now).is_err());
}
