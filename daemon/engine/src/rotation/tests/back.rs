//! The way back.

use super::*;

fn names(actions: &[Action]) -> Vec<String> {
    let name = |action: &Action| format!("{action:?}").split(' ').next().unwrap().to_owned();
    let mut names: Vec<String> = actions.iter().map(name).collect();
    names.dedup();
    names
}

#[test]
fn every_stage_has_its_way_back() {
    let discard = ["Verify", "ListKeys", "Delete", "ListKeys", "DropNext"];
    let back = ["ListKeys", "Verify", "SwitchBack"];
    let activate = ["ListKeys", "Activate", "Verify", "SwitchBack"];
    let joined = |first: &[&'static str]| [first, &discard[..]].concat();
    for (stage, expected) in [
        (Stage::List, vec![]),
        (Stage::Create, vec!["DropNext"]),
        (Stage::Store, discard.to_vec()),
        (Stage::Verify, discard.to_vec()),
        (Stage::Switch, joined(&["SwitchBack"])),
        (Stage::Watch, joined(&back)),
        (Stage::Deactivate, joined(&activate)),
        (Stage::Wait, joined(&activate)),
        (Stage::Confirm, joined(&activate)),
    ] {
        let mut bench = Bench::at(&stage);
        bench.command(Command::Rollback);
        bench.command(Command::Rollback);
        let (end, actions) = bench.finish();
        assert_eq!(end, End::RolledBack, "{stage:?}");
        assert_eq!(names(&actions), expected, "{stage:?}");
        let deleted: Vec<&Action> =
            actions.iter().filter(|action| matches!(action, Action::Delete { .. })).collect();
        let new = Action::Delete { key: NEW.into(), by: by(Which::Current, OLD) };
        assert!(deleted.iter().all(|action| **action == new), "{stage:?}");
    }
}

#[test]
fn an_answer_that_may_be_lost_is_looked_for_before_the_end() {
    let mut bench = Bench::at(&Stage::Create);
    bench.after("Create", failed(FailedKind::Transient));
    bench.command(Command::Rollback);
    let began = bench.now.monotonic.0;
    let orphan = bench.key("AKIALOST", 0);
    let old = bench.old(true);
    bench.after("ListKeys", Outcome::Listed(vec![old, orphan]));
    bench.after("LastUsed", Outcome::LastUsed(None));
    bench.after("Delete { key: \"AKIALOST\"", Outcome::Done);
    assert_eq!(bench.finish().0, End::RolledBack);
    assert!(bench.now.monotonic.0 - began >= 90 * SECOND, "nobody looks again");
}

#[test]
fn a_key_that_is_created_while_a_person_turns_back_is_deleted() {
    let mut bench = Bench::at(&Stage::Create);
    assert!(matches!(bench.act(), Action::Create { .. }));
    bench.command(Command::Rollback);
    bench.hear(Outcome::Created { key: NEW.into() });
    let (end, actions) = bench.finish();
    assert_eq!(end, End::RolledBack);
    assert!(actions.contains(&Action::Delete { key: NEW.into(), by: by(Which::Current, OLD) }));
}

#[test]
fn an_old_key_that_is_active_again_has_time_to_spread() {
    let mut bench = Bench::at(&Stage::Wait);
    bench.command(Command::Rollback);
    let inactive = vec![bench.old(false), bench.key(NEW, HOUR)];
    bench.after("ListKeys", Outcome::Listed(inactive));
    bench.after("Activate { key: \"AKIAOLD\", by: Signer { item: Current, key: \"AKIANEW\"", Outcome::Done);
    let activated = bench.now.monotonic.0;
    bench.after("Verify { by: Signer { item: Previous, key: \"AKIAOLD\"", good());
    bench.go_to(&Stage::SwitchBack);
    assert!(bench.now.monotonic.0 - activated >= 90 * SECOND);
}

#[test]
fn an_old_key_that_was_never_inactive_is_back_at_once() {
    for crashed in [false, true] {
        let mut bench = Bench::at(&Stage::Watch);
        if crashed {
            bench.crash();
        }
        bench.command(Command::Rollback);
        let began = bench.now.monotonic.0;
        bench.go_to(&Stage::Discard);
        assert!(bench.now.monotonic.0 - began < MINUTE / 2);
    }
}

#[test]
fn an_old_key_that_seems_active_and_is_not_is_made_active() {
    let mut bench = Bench::at(&Stage::Watch);
    bench.command(Command::Rollback);
    let active = |bench: &Bench| Outcome::Listed(vec![bench.old(true), bench.key(NEW, HOUR)]);
    let list = active(&bench);
    bench.after("ListKeys", list);
    while bench.record().trouble.is_none() {
        bench.after("Verify", failed(FailedKind::Refused));
    }
    let inactive = vec![bench.old(false), bench.key(NEW, HOUR)];
    bench.after("ListKeys", Outcome::Listed(inactive));
    bench.after("Activate", Outcome::Done);
    bench.go_to(&Stage::Discard);
    assert_eq!(bench.finish().0, End::RolledBack);
}

#[test]
fn an_old_key_that_is_gone_leaves_the_new_one() {
    let mut bench = Bench::at(&Stage::Wait);
    bench.command(Command::Rollback);
    let only_new = vec![bench.key(NEW, HOUR)];
    for _ in 0..4 {
        bench.after("ListKeys", Outcome::Listed(only_new.clone()));
    }
    for _ in 0..5 {
        bench.after("Verify { by: Signer { item: Current", good());
    }
    bench.after("ListKeys", Outcome::Listed(only_new));
    bench.after("DropPrevious", Outcome::Done);
    assert_eq!(bench.next(), Next::Ended(End::Done));
    let text = bench.rotation.view(bench.now).text;
    assert!(text.contains("no rollback: the old access key AKIAOLD does not exist"), "{text}");
}

#[test]
fn a_new_key_that_is_refused_does_not_bar_the_way_back() {
    let mut bench = Bench::at(&Stage::Watch);
    bench.after("LastUsed", failed(FailedKind::Refused));
    bench.command(Command::Rollback);
    bench.after("ListKeys", failed(FailedKind::Refused));
    bench.after("Verify { by: Signer { item: Previous, key: \"AKIAOLD\"", good());
    bench.go_to(&Stage::Discard);
    for _ in 0..5 {
        bench.after("Verify { by: Signer { item: Current, key: \"AKIAOLD\"", good());
    }
    let old = bench.old(true);
    bench.after("ListKeys", Outcome::Listed(vec![old]));
    bench.after("Delete { key: \"AKIANEW\"", failed(FailedKind::NotFound));
    assert_eq!(bench.finish().0, End::RolledBack);
}

#[test]
fn the_new_key_is_kept_while_the_old_one_is_not_proven() {
    let mut bench = Bench::at(&Stage::Verify);
    bench.command(Command::Rollback);
    for _ in 0..400 {
        bench.after("Verify", failed(FailedKind::Refused));
    }
    for _ in 0..50 {
        match bench.act() {
            Action::Verify { .. } => bench.hear(good()),
            Action::ListKeys { .. } => break,
            other => panic!("{other:?}"),
        }
    }
    let inactive = vec![bench.old(false), bench.key(NEW, HOUR)];
    bench.hear(Outcome::Listed(inactive));
    assert!(matches!(bench.act(), Action::ListKeys { .. } | Action::Verify { .. }));
}
