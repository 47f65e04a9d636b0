//! The record, and what goes on after a crash.

use super::*;

const EVERY: [Stage; 11] = [
    Stage::List,
    Stage::Create,
    Stage::Store,
    Stage::Verify,
    Stage::Switch,
    Stage::Watch,
    Stage::Deactivate,
    Stage::Wait,
    Stage::Confirm,
    Stage::Delete,
    Stage::DropPrevious,
];

#[test]
fn a_record_reads_what_it_writes() {
    for stage in EVERY {
        let bench = Bench::at(&stage);
        let text = serde_json::to_string(bench.record()).unwrap();
        let read: Record = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        assert_eq!(read.stage, stage);
    }
}

/// Journals of this version are read by every later one.
#[test]
fn a_record_of_the_first_version_is_read() {
    let text = r#"{"identity":"alice","old_key":"AKIAOLD","new_key":"AKIANEW","user":{"arn":
        "arn:aws:iam::111122223333:user/alice","name":"alice","account":"111122223333"},"pace":{"watch":14400000,
        "wait":86400000,"settle":90000},"began_at":"2026-01-01T00:00:00Z","stage":"watch","since":
        "2026-01-01T00:02:00Z","undated":false,"direction":"forward","before":[{"id":"AKIAOLD","active":true,
        "created":"2025-01-01T00:00:00Z"}],"before_at":"2026-01-01T00:00:01Z","asked":null,"lost":
        {"from":"2026-01-01T00:00:00Z","until":"2026-01-01T00:03:00Z"},"switched_at":"2026-01-01T00:02:00Z",
        "accepted_at":null,"deactivated":false,"paused":false,"hurry":false,"trouble":{"failure":{"kind":"person",
        "message":"used"},"since":"2026-01-01T01:00:00Z","stop":{"used":{"at":"2026-01-01T00:30:00Z","service":"s3",
        "region":"eu-west-1"}}},"gave_up":null,"remark":null}"#;
    let record: Record = serde_json::from_str(text).unwrap();
    assert!(record.needs_person());
    let short = r#"{"identity":"alice","old_key":"AKIAOLD","pace":{"watch":1,"wait":1,"settle":1},"began_at":
        "2026-01-01T00:00:00Z","stage":{"over":{"given_up":{"kind":"upstream","message":"no"}}},"since":
        "2026-01-01T00:00:00Z","direction":"back"}"#;
    let record: Record = serde_json::from_str(short).unwrap();
    let now = Bench::new().now;
    assert!(matches!(Rotation::resume(record, now).next(now), Next::Ended(End::GivenUp(_))));
}

#[test]
fn a_crash_in_any_stage_leads_to_the_same_end() {
    for stage in EVERY {
        for acted in [false, true] {
            let mut bench = Bench::at(&stage);
            if acted {
                bench.act();
            }
            bench.crash();
            assert_eq!(bench.finish().0, End::Done, "{stage:?}");
        }
    }
}

#[test]
fn a_switch_is_repeated_after_a_crash() {
    let mut bench = Bench::at(&Stage::Switch);
    assert!(matches!(bench.act(), Action::Switch { .. }));
    bench.crash();
    assert_eq!(bench.next(), Next::Act(Action::Switch { old: OLD.into(), new: NEW.into() }));
}

#[test]
fn a_stop_and_a_pause_outlive_a_restart() {
    let mut bench = Bench::at(&Stage::Store);
    bench.after("StoreNext", Outcome::Done);
    bench.command(Command::Pause);
    bench.crash();
    assert_eq!(bench.next(), Next::Wait(None));
    bench.command(Command::GoOn);
    bench.after("Verify", failed(FailedKind::Denied));
    bench.crash();
    bench.stop();
}

#[test]
fn nothing_is_done_while_the_journal_can_not_be_written() {
    let mut bench = Bench::at(&Stage::Create);
    let failure = Failure::new(FailureKind::Upstream, "write the journal: no space left");
    for _ in 0..50 {
        let Next::Act(Action::Create { .. }) = bench.next() else { panic!("{:?}", bench.record()) };
        let until = bench.rotation.journal_failed(failure.clone(), bench.now);
        assert!((1_000..=60_000).contains(&(until.0 - bench.now.monotonic.0)));
        let told = bench.rotation.view(bench.now).trouble.unwrap();
        assert_eq!(told.failure, failure);
    }
    bench.after("Create", Outcome::Created { key: NEW.into() });
    assert_eq!(bench.rotation.view(bench.now).trouble, None);
}

#[test]
fn a_deletion_that_was_not_recorded_was_not_begun() {
    let mut bench = Bench::at(&Stage::Confirm);
    bench.go_before_deletion();
    bench.rotation.journal_failed(Failure::new(FailureKind::Upstream, "no space left"), bench.now);
    bench.command(Command::Rollback);
    assert_eq!(bench.finish().0, End::RolledBack);
}

#[test]
fn going_on_needs_something_to_go_on_from() {
    let mut bench = Bench::at(&Stage::Watch);
    let refused = bench.rotation.command(Command::GoOn, bench.now).unwrap_err();
    assert!(refused.message.contains("not paused"), "{refused}");
    bench.after("LastUsed", failed(FailedKind::Transient));
    bench.command(Command::GoOn);
    assert!(matches!(bench.next(), Next::Act(Action::LastUsed { .. })), "its back-off is skipped");
}

#[test]
fn a_rotation_that_is_abandoned_is_over_whatever_is_heard() {
    for (stage, outcome) in [
        (Stage::Create, Some(Outcome::Created { key: NEW.into() })),
        (Stage::Switch, Some(Outcome::Done)),
        (Stage::Create, Some(failed(FailedKind::Transient))),
        (Stage::Create, None),
    ] {
        let mut bench = Bench::at(&stage);
        bench.act();
        bench.command(Command::Abandon);
        if let Some(outcome) = outcome {
            bench.hear(outcome);
        }
        assert!(matches!(bench.next(), Next::Ended(End::GivenUp(_))), "{stage:?}");
    }
}

#[test]
fn people_see_stage_and_time() {
    let mut bench = Bench::at(&Stage::Wait);
    bench.after("LastUsed", Outcome::LastUsed(None));
    let view = bench.rotation.view(bench.now);
    assert_eq!((view.stage, view.old_key.as_str(), view.new_key.as_deref()), ("wait", OLD, Some(NEW)));
    let at = view.next_at.unwrap();
    let left = at.millis() - bench.now.wall.millis();
    assert!((23 * HOUR..=24 * HOUR).contains(&left), "{left}");
    let text = format!("the old access key is inactive; waiting for what breaks, until {at}");
    assert_eq!((view.text, view.needs_person, view.paused), (text, false, false));
    bench.command(Command::Rollback);
    bench.act();
    let view = bench.rotation.view(bench.now);
    assert_eq!(view.stage, "activate");
    assert!(view.text.starts_with("rolling back: "), "{}", view.text);
}
