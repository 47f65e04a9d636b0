//! Whether the new key is accepted everywhere.

use super::*;

#[test]
fn a_key_is_used_only_when_it_had_time_to_spread() {
    let mut bench = Bench::at(&Stage::Verify);
    let created = bench.now.monotonic.0;
    let mut answers = 0;
    while bench.record().stage == Stage::Verify {
        let Next::Act(action) = bench.next() else {
            let wait = bench.waits();
            bench.pass(wait);
            continue;
        };
        if let Action::Switch { .. } = action {
            break;
        }
        bench.hear(good());
        answers += 1;
    }
    let age = bench.now.monotonic.0 - created;
    assert!((90 * SECOND..110 * SECOND).contains(&age), "{age}");
    assert!((5..20).contains(&answers), "{answers}");
}

#[test]
fn a_refusal_begins_the_row_anew() {
    let mut bench = Bench::at(&Stage::Verify);
    bench.pass(10 * MINUTE);
    for round in 0..5 {
        for _ in 0..4 {
            bench.after("Verify", good());
            assert!(matches!(bench.waits(), 2_000..=2_200), "{round}");
        }
        bench.after("Verify", failed(FailedKind::Refused));
        assert_eq!(bench.record().trouble, None, "it is normal for a new key");
    }
    let refused = bench.now.monotonic.0;
    bench.go_to(&Stage::Switch);
    assert!(bench.now.monotonic.0 - refused >= 90 * SECOND);
}

#[test]
fn answers_that_are_far_apart_are_no_row() {
    let mut bench = Bench::at(&Stage::Verify);
    for _ in 0..10 {
        bench.pass(90 * SECOND);
        bench.after("Verify", good());
    }
}

#[test]
fn a_key_that_is_refused_for_ten_minutes_is_told_and_asked_slowly() {
    let mut bench = Bench::at(&Stage::Verify);
    let began = bench.now.monotonic.0;
    while bench.record().trouble.is_none() {
        bench.after("Verify", failed(FailedKind::Refused));
        assert!(bench.now.monotonic.0 - began < 11 * MINUTE);
    }
    assert!(bench.now.monotonic.0 - began >= 10 * MINUTE);
    assert!((30 * SECOND..=60 * SECOND).contains(&bench.waits()));
    let trouble = bench.record().trouble.clone().unwrap();
    assert!(trouble.failure.message.contains("AKIANEW is refused"), "{}", trouble.failure);
    bench.go_to(&Stage::Watch);
    assert_eq!(bench.record().trouble, None);
}

#[test]
fn a_key_of_another_user_is_not_switched_to() {
    let mut bench = Bench::at(&Stage::Verify);
    let arn = "arn:aws:iam::111122223333:user/bob";
    bench.after("Verify", Outcome::Good { arn: arn.into(), account: "111122223333".into() });
    assert!(bench.stop().failure.message.contains(arn));
    bench.command(Command::Rollback);
    assert_eq!(bench.finish().0, End::RolledBack);
}

#[test]
fn an_answer_that_is_not_heard_counts_as_lost() {
    let mut bench = Bench::at(&Stage::Create);
    assert!(matches!(bench.act(), Action::Create { .. }));
    bench.next();
    assert_eq!(bench.record().stage, Stage::Search);
}
