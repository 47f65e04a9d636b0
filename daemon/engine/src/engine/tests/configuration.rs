//! A configuration that changes while sessions live.

use super::super::world::{CONFIG, HOUR, World, config, many};
use super::super::*;
use crate::mint::MintErrorKind;
use keyfob_shared::FailureKind;

#[test]
fn an_edited_role_never_serves_the_old_session() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.succeed(HOUR);
    world.handle(Event::Configured(config(&CONFIG.replace("role/R", "role/Q"))));
    let waiter = world.get("role");
    assert!(world.answer(waiter).is_none());
    assert_eq!(world.mints.len(), 1);
    world.pass(11_000);
    assert!(world.saved.is_empty(), "the old session leaves the vault");
}

#[test]
fn a_profile_that_returns_at_once_keeps_its_session() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.succeed(HOUR);
    world.handle(Event::Configured(config("")));
    let absent = world.get("role");
    assert_eq!(world.failure(absent).kind, FailureKind::Usage);
    world.handle(Event::Configured(config(CONFIG)));
    let waiter = world.get("role");
    assert_eq!(world.served(waiter), "ASIA1");
}

#[test]
fn a_caller_who_waits_moves_to_the_new_definition() {
    let mut world = World::new(CONFIG);
    let waiter = world.get("role");
    world.handle(Event::Configured(config(&CONFIG.replace("role/R", "role/Q"))));
    assert_eq!(world.mints.len(), 2);
    world.succeed(HOUR);
    assert!(world.answer(waiter).is_none(), "the mint of the old definition serves nobody");
    world.succeed(HOUR);
    world.served(waiter);
}

#[test]
fn another_endpoint_never_serves_the_old_session() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.succeed(HOUR);
    let text = format!("[endpoints]\nsts = \"https://sts.example.com\"\n{CONFIG}");
    world.handle(Event::Configured(config(&text)));
    let waiter = world.get("role");
    assert!(world.answer(waiter).is_none());
}

#[test]
fn the_work_of_an_event_does_not_grow_with_the_number_of_profiles() {
    let mut world = World::new(&many(10_000));
    let mut spends = |act: &dyn Fn(&mut World), what: &str| {
        let before = world.engine.planned;
        act(&mut world);
        let spent = world.engine.planned - before;
        assert!(spent <= 4, "{what}: {spent} slots were planned anew");
    };
    for profile in ["p0", "p1", "p2", "p3"] {
        let get = |world: &mut World| {
            world.get(profile);
        };
        spends(&get, "a cold get");
        spends(&|world| world.succeed(HOUR), "a mint");
        spends(&get, "a warm get");
    }
    let get = |world: &mut World| {
        world.get("p9");
    };
    spends(&get, "a cold get");
    spends(&|world| world.fail(MintErrorKind::Transient), "a failure");
    spends(&|world| world.handle(Event::Tick), "a tick");
    spends(&|world| world.handle(Event::Logout(Scope::Profile("p1".parse().unwrap()))), "a logout");
}

#[test]
fn a_sign_in_whose_identity_is_edited_is_told_with_the_command() {
    let mut world = World::new(CONFIG);
    let person = world.login("alice", Some("123456"));
    world.handle(Event::Configured(config(&CONFIG.replace("mfa/alice", "mfa/alice2"))));
    assert_eq!(world.failure(person).hint.as_deref(), Some("keyfob login alice"));
}
