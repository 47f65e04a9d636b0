//! Between the switch and the end of the old key.

use super::*;

fn use_at(at: Timestamp) -> Outcome {
    Outcome::LastUsed(Some(LastUse { at, service: "s3".into(), region: "eu-west-1".into() }))
}

/// Answers a use so many milliseconds after the switch.
fn used(bench: &Bench, after: i64) -> Outcome {
    use_at(Timestamp::from_millis(bench.record().switched_at.unwrap().millis() + after))
}

#[test]
fn a_use_after_the_switch_stops_before_the_key_is_inactive() {
    let mut bench = Bench::at(&Stage::Watch);
    let late = used(&bench, 61 * SECOND);
    bench.after("LastUsed", late);
    let trouble = bench.stop();
    let message = &trouble.failure.message;
    assert!(message.contains("AKIAOLD was used after the switch"), "{message}");
    assert!(message.ends_with("by s3 in eu-west-1: it stays active"), "{message}");
    assert!(matches!(trouble.stop, Some(Stop::Used(LastUse { service, .. })) if service == "s3"));
}

#[test]
fn calls_that_were_under_way_at_the_switch_are_no_use_after_it() {
    let mut bench = Bench::at(&Stage::Watch);
    let under_way = used(&bench, 59 * SECOND);
    bench.after("LastUsed", under_way);
    bench.go_to(&Stage::Deactivate);
}

#[test]
fn the_last_use_is_looked_at_every_hour_and_at_the_end() {
    let mut bench = Bench::at(&Stage::Watch);
    let began = bench.now.monotonic.0;
    let mut looks = Vec::new();
    loop {
        let action = bench.act();
        if let Action::Deactivate { .. } = action {
            break;
        }
        looks.push((bench.now.monotonic.0 - began) / MINUTE);
        bench.hear(Outcome::LastUsed(None));
    }
    assert_eq!(looks, [0, 60, 120, 180, 240]);
}

#[test]
fn what_was_told_before_the_end_of_a_short_watch_says_nothing_about_its_end() {
    let mut bench = Bench::at(&Stage::Watch);
    bench.rotation.record.pace.watch = 2 * MINUTE;
    bench.after("LastUsed", Outcome::LastUsed(None));
    bench.after("LastUsed", Outcome::LastUsed(None));
    assert!(matches!(bench.act(), Action::Deactivate { .. }));
}

#[test]
fn going_on_watches_anew_from_now() {
    let mut bench = Bench::at(&Stage::Watch);
    let late = used(&bench, HOUR);
    bench.pass(2 * HOUR);
    bench.after("LastUsed", late.clone());
    bench.stop();
    bench.pass(HOUR);
    bench.command(Command::GoOn);
    let went_on = bench.now.monotonic.0;
    bench.after("LastUsed", late);
    bench.go_to(&Stage::Deactivate);
    assert!(bench.now.monotonic.0 - went_on >= 4 * HOUR);
    let mut again = Bench::at(&Stage::Watch);
    let first = used(&again, HOUR);
    again.pass(2 * HOUR);
    again.after("LastUsed", first);
    again.command(Command::GoOn);
    let second = use_at(Timestamp::from_millis(again.now_at_aws().millis() + 61 * SECOND));
    again.pass(2 * MINUTE);
    again.after("LastUsed", second);
    again.stop();
}

#[test]
fn hurry_skips_waits_and_never_checks() {
    let mut bench = Bench::new();
    bench.command(Command::Now);
    bench.go_to(&Stage::Watch);
    let began = bench.now.monotonic.0;
    let (end, actions) = bench.finish();
    assert_eq!(end, End::Done);
    assert!(bench.now.monotonic.0 - began < MINUTE);
    let count = |name: &str| actions.iter().filter(|action| format!("{action:?}").starts_with(name)).count();
    assert_eq!((count("LastUsed"), count("Verify"), count("ListKeys")), (1, 5, 1));
    let mut stopped = Bench::new();
    stopped.command(Command::Now);
    stopped.go_to(&Stage::Watch);
    let late = used(&stopped, 2 * MINUTE);
    stopped.after("LastUsed", late);
    stopped.stop();
    stopped.command(Command::GoOn);
    stopped.after("LastUsed", Outcome::LastUsed(None));
    assert!(stopped.waits() > HOUR / 2, "hurry ended with what nobody knew of");
}

#[test]
fn an_absurd_pace_is_no_wait() {
    let mut bench = Bench::new();
    let pace = Pace { watch: -1, wait: i64::MIN, settle: i64::MIN };
    bench.rotation = Rotation::begin("alice".parse().unwrap(), OLD, pace, bench.now);
    assert_eq!(bench.finish().0, End::Done);
}

#[test]
fn a_last_use_that_may_not_be_asked_for_is_not_skipped() {
    for stage in [Stage::Watch, Stage::Wait] {
        let mut bench = Bench::at(&stage);
        bench.crash();
        bench.after("LastUsed", failed(FailedKind::Denied));
        let message = bench.stop().failure.message;
        assert!(message.starts_with("iam:GetAccessKeyLastUsed is denied"), "{message}");
    }
}

#[test]
fn what_aws_told_is_asked_again_before_the_key_is_made_inactive() {
    let mut bench = Bench::at(&Stage::Deactivate);
    bench.crash();
    let late = used(&bench, HOUR);
    bench.after("LastUsed", late);
    bench.stop();
    let mut slow = Bench::at(&Stage::Deactivate);
    slow.after("Deactivate", failed(FailedKind::Transient));
    slow.pass(HOUR);
    assert!(matches!(slow.act(), Action::LastUsed { .. }));
}

#[test]
fn a_use_that_shows_late_stops_before_the_end() {
    let mut bench = Bench::at(&Stage::Wait);
    let late = used(&bench, 3 * HOUR);
    bench.after("LastUsed", late.clone());
    let trouble = bench.stop();
    assert!(trouble.failure.message.ends_with("it is inactive now"), "{}", trouble.failure);
    bench.command(Command::GoOn);
    let went_on = bench.now.monotonic.0;
    bench.after("LastUsed", late);
    bench.go_to(&Stage::Confirm);
    assert!(bench.now.monotonic.0 - went_on >= 24 * HOUR);
}

#[test]
fn steps_of_the_clock_change_no_wait() {
    for step in [-30 * HOUR, 30 * HOUR] {
        let mut bench = Bench::at(&Stage::Watch);
        let began = bench.now.monotonic.0;
        bench.after("LastUsed", Outcome::LastUsed(None));
        bench.now.wall = Timestamp::from_millis(bench.now.wall.millis() + step);
        bench.go_to(&Stage::Deactivate);
        let passed = bench.now.monotonic.0 - began;
        assert!((4 * HOUR..5 * HOUR).contains(&passed), "{step}: {passed}");
    }
}

#[test]
fn a_wait_goes_on_over_a_restart_by_the_clock_of_aws() {
    let mut bench = Bench::at(&Stage::Wait);
    let began = bench.now.monotonic.0;
    bench.pass(20 * HOUR);
    // While nothing runs, our clock is set a week ahead.
    bench.now.wall = Timestamp::from_millis(bench.now.wall.millis() + 7 * 24 * HOUR);
    bench.crash();
    assert!(matches!(bench.act(), Action::LastUsed { .. }));
    let date = bench.now_at_aws();
    bench.rotation.hear_date(date, bench.now, bench.now);
    bench.hear(Outcome::LastUsed(None));
    bench.go_to(&Stage::Confirm);
    let passed = bench.now.monotonic.0 - began;
    assert!((24 * HOUR - MINUTE..25 * HOUR).contains(&passed), "{passed}");
}

#[test]
fn a_switch_by_a_clock_that_was_ahead_hides_no_use() {
    let mut bench = Bench::at(&Stage::Switch);
    let true_now = bench.now_at_aws();
    bench.now.wall = Timestamp::from_millis(true_now.millis() + 3 * HOUR);
    bench.crash();
    bench.after("Switch", Outcome::Done);
    // Also if the program ends before any answer has told the time.
    bench.crash();
    bench.pass(HOUR);
    assert!(matches!(bench.act(), Action::LastUsed { .. }));
    let date = bench.now_at_aws();
    bench.rotation.hear_date(date, bench.now, bench.now);
    bench.hear(use_at(Timestamp::from_millis(true_now.millis() + 30 * MINUTE)));
    bench.stop();
}

#[test]
fn a_pause_holds_everything() {
    let mut bench = Bench::at(&Stage::Watch);
    bench.command(Command::Pause);
    bench.pass(100 * HOUR);
    assert_eq!(bench.next(), Next::Wait(None));
    assert!(bench.rotation.view(bench.now).paused);
    bench.command(Command::GoOn);
    assert!(matches!(bench.act(), Action::LastUsed { .. }));
}
