//! The new key, and answers that are lost.

use super::*;

/// The answer of a creation is lost, and the first look comes.
fn lost() -> Bench {
    let mut bench = Bench::at(&Stage::Create);
    bench.after("Create", failed(FailedKind::Transient));
    assert!(bench.waits() >= 5 * SECOND);
    bench
}

fn look(bench: &mut Bench, more: &[Key]) {
    let keys = std::iter::once(bench.old(true)).chain(more.iter().cloned()).collect();
    bench.after("ListKeys", Outcome::Listed(keys));
}

#[test]
fn a_key_whose_answer_was_lost_is_found_and_removed_before_another_is_made() {
    let mut bench = lost();
    look(&mut bench, &[]);
    let orphan = bench.key("AKIALOST", 10 * SECOND);
    look(&mut bench, std::slice::from_ref(&orphan));
    bench.after("LastUsed { key: \"AKIALOST\"", Outcome::LastUsed(None));
    bench.after("Delete { key: \"AKIALOST\"", Outcome::Done);
    // The list is late: it is looked at and deleted again.
    look(&mut bench, &[orphan]);
    bench.after("LastUsed", failed(FailedKind::NotFound));
    let clean = bench.now.monotonic.0;
    for _ in 0..4 {
        look(&mut bench, &[]);
    }
    bench.after("Create", Outcome::Created { key: NEW.into() });
    assert!(bench.now.monotonic.0 - clean >= 30 * SECOND, "created again too early");
}

#[test]
fn a_crash_while_a_key_is_created_is_a_lost_answer() {
    let mut bench = Bench::at(&Stage::Create);
    assert!(matches!(bench.act(), Action::Create { .. }));
    bench.crash();
    let orphan = bench.key("AKIALOST", 0);
    look(&mut bench, &[orphan]);
    bench.after("LastUsed", Outcome::LastUsed(None));
    assert!(matches!(bench.act(), Action::Delete { key, .. } if key == "AKIALOST"));
}

#[test]
fn a_key_that_was_used_is_not_ours_to_delete() {
    let mut bench = lost();
    let orphan = bench.key("AKIALOST", 0);
    look(&mut bench, std::slice::from_ref(&orphan));
    let used = LastUse { at: bench.now_at_aws(), service: "sts".into(), region: "us-east-1".into() };
    bench.after("LastUsed", Outcome::LastUsed(Some(used)));
    let trouble = bench.stop();
    assert!(trouble.failure.message.contains("AKIALOST"), "{}", trouble.failure);
    // Whoever says to go on vouches for it: then it is in the way, and no more.
    bench.command(Command::GoOn);
    for _ in 0..4 {
        look(&mut bench, std::slice::from_ref(&orphan));
    }
    look(&mut bench, &[orphan]);
    bench.after("LastUsed", Outcome::LastUsed(None));
    assert!(bench.stop().failure.message.contains("another access key, AKIALOST"));
}

#[test]
fn a_key_of_another_time_is_not_ours_to_delete() {
    for age in [HOUR, 3 * MINUTE, -10 * MINUTE] {
        let mut bench = lost();
        let key = bench.key("AKIAOTHER", age);
        look(&mut bench, &[key]);
        let message = bench.stop().failure.message;
        assert!(message.contains("AKIAOTHER that is not proven to be ours"), "{message}");
    }
}

#[test]
fn a_date_of_aws_makes_the_proof_by_time_exact() {
    for (age, is_ours) in [(0, true), (90 * SECOND, false)] {
        let mut bench = Bench::new();
        let now = bench.now;
        // Our clock is an hour ahead.
        bench.now.wall = Timestamp::from_millis(START + HOUR);
        bench.rotation = Rotation::begin("alice".parse().unwrap(), OLD, Pace::default(), bench.now);
        assert!(matches!(bench.act(), Action::Verify { .. }));
        bench.rotation.hear_date(now.wall, bench.now, bench.now);
        bench.hear(good());
        bench.go_to(&Stage::Create);
        bench.after("Create", failed(FailedKind::Transient));
        let key = bench.key("AKIALOST", age);
        look(&mut bench, &[key]);
        assert_eq!(!bench.record().needs_person(), is_ours, "{age}");
    }
}

#[test]
fn too_many_keys_without_a_lost_answer_is_somebody_else_s_key() {
    let mut bench = Bench::at(&Stage::Create);
    bench.after("Create", failed(FailedKind::LimitExceeded));
    assert!(bench.waits() >= SECOND);
    let key = bench.key("AKIAOTHER", 0);
    look(&mut bench, &[key]);
    bench.after("LastUsed", Outcome::LastUsed(None));
    assert!(bench.stop().failure.message.contains("another access key, AKIAOTHER"));
}

#[test]
fn too_many_keys_after_a_lost_answer_is_a_key_that_is_not_shown_yet() {
    let mut bench = lost();
    let created = bench.now.monotonic.0;
    let began = bench.now.monotonic.0;
    while bench.now.monotonic.0 < began + 11 * MINUTE {
        for _ in 0..4 {
            look(&mut bench, &[]);
        }
        bench.after("Create", failed(FailedKind::LimitExceeded));
    }
    let trouble = bench.record().trouble.clone().unwrap();
    assert!(trouble.failure.message.contains("for more than ten minutes"), "{}", trouble.failure);
    assert_eq!(trouble.stop, None);
    let age = bench.now.monotonic.0 - created;
    let orphan = bench.key("AKIALOST", age);
    look(&mut bench, &[orphan]);
    bench.after("LastUsed", Outcome::LastUsed(None));
    assert!(matches!(bench.act(), Action::Delete { key, .. } if key == "AKIALOST"));
}

#[test]
fn a_key_that_can_not_be_stored_is_deleted_again() {
    let mut bench = Bench::at(&Stage::Store);
    let mut tries = 0;
    while bench.record().direction == Direction::Forward {
        bench.after("StoreNext", failed(FailedKind::Vault));
        tries += 1;
    }
    assert_eq!(tries, 10);
    let (end, actions) = bench.finish();
    let End::GivenUp(failure) = end else { panic!("{end:?}") };
    let message = "the new access key AKIANEW could not be stored and was deleted again: Vault";
    assert_eq!(failure.message, message);
    assert!(actions.contains(&Action::Delete { key: NEW.into(), by: by(Which::Current, OLD) }));
    assert_eq!(actions.last(), Some(&Action::DropNext));
}

#[test]
fn a_secret_that_is_only_in_memory_is_stored_in_a_pause() {
    let mut bench = Bench::at(&Stage::Create);
    assert!(matches!(bench.act(), Action::Create { .. }));
    bench.command(Command::Pause);
    bench.hear(Outcome::Created { key: NEW.into() });
    for _ in 0..20 {
        bench.after("StoreNext", failed(FailedKind::Vault));
    }
    bench.after("StoreNext", Outcome::Done);
    assert_eq!(bench.next(), Next::Wait(None));
    bench.command(Command::GoOn);
    assert!(matches!(bench.act(), Action::Verify { .. }));
}

#[test]
fn a_key_whose_secret_is_lost_is_deleted_and_another_made() {
    let mut bench = Bench::at(&Stage::Store);
    bench.crash();
    bench.after("StoreNext", Outcome::SecretLost);
    bench.go_to(&Stage::Search);
    let shown = bench.key(NEW, MINUTE);
    look(&mut bench, &[shown]);
    assert_eq!(bench.record().stage, Stage::Discard, "what is still shown is deleted again");
    bench.go_to(&Stage::Create);
    bench.after("Create", Outcome::Created { key: "AKIATHIRD".into() });
    assert_eq!(bench.record().new_key.as_deref(), Some("AKIATHIRD"));
}

#[test]
fn a_refused_creation_is_no_lost_one() {
    for kind in [FailedKind::Denied, FailedKind::Final] {
        let mut bench = Bench::at(&Stage::Create);
        bench.after("Create", failed(kind));
        bench.stop();
        assert_eq!((bench.record().lost, bench.record().asked), (None, None));
        bench.command(Command::GoOn);
        assert!(matches!(bench.act(), Action::ListKeys { .. }));
    }
}
