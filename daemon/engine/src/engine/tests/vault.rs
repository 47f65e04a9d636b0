//! The vault: slow, unreachable, stale.

use super::super::world::{CONFIG, HOUR, MINUTE, World, config};
use super::super::*;
use keyfob_shared::FailureKind;

#[test]
fn a_restart_serves_sessions_of_the_vault_without_a_mint() {
    let mut before = World::new(CONFIG);
    before.get("role");
    before.succeed(HOUR);
    let mut after = World::unloaded(CONFIG);
    let waiter = after.get("role");
    assert!(after.mints.is_empty());
    after.loaded(Ok(before.saved.clone().into_iter().collect()));
    assert_eq!(after.served(waiter), "ASIA1");
    after.pass(40 * MINUTE);
    assert_eq!(after.mints.len(), 1);
}

#[test]
fn an_unreachable_vault_fails_cold_callers_and_is_read_again_when_asked() {
    let mut world = World::unloaded(CONFIG);
    let first = world.get("role");
    world.loaded(Err(Failure::new(FailureKind::Upstream, "the keychain does not answer")));
    assert!(world.failure(first).message.contains("keychain"));
    world.pass(1_001);
    let second = world.get("role");
    assert_eq!(world.loads, 2);
    world.loaded(Ok(Vec::new()));
    world.succeed(HOUR);
    world.served(second);
}

#[test]
fn the_newest_read_of_the_vault_counts() {
    let mut before = World::new(CONFIG);
    before.get("role");
    before.succeed(HOUR);
    let items: Vec<_> = before.saved.clone().into_iter().collect();
    let mut world = World::unloaded(CONFIG);
    let stale = world.reads[0].0;
    world.handle(Event::Unlock);
    assert_eq!(world.loads, 2);
    let sealed = Failure::new(FailureKind::Person, "sealed");
    world.handle(Event::Loaded { load: stale, result: Err(sealed) });
    world.loaded(Ok(items.clone()));
    assert_eq!(world.state("role"), "ready");

    let mut world = World::unloaded(CONFIG);
    let stale = world.reads[0].0;
    world.handle(Event::Lock);
    world.handle(Event::Unlock);
    world.handle(Event::Loaded { load: stale, result: Ok(items) });
    assert_eq!(world.state("role"), "cold");
}

#[test]
fn a_sign_in_serves_its_profiles_though_the_vault_can_not_be_read() {
    let mut world = World::unloaded(CONFIG);
    let unreachable = || Err(Failure::new(FailureKind::Upstream, "the keychain does not answer"));
    world.loaded(unreachable());
    world.login("alice", Some("123456"));
    world.succeed(12 * HOUR);
    for (profile, pause) in [("a", 0), ("b", 2_000)] {
        world.pass(pause);
        let waiter = world.get(profile);
        world.succeed(HOUR);
        world.served(waiter);
    }
    let other = world.get("plain");
    world.loaded(unreachable());
    assert!(world.failure(other).message.contains("keychain"));
}

#[test]
fn restarts_do_not_extend_the_time_for_which_a_profile_is_kept_warm() {
    let text = format!("[daemon]\nkeep_warm = \"90m\"\n{CONFIG}");
    let mut world = World::new(&text);
    world.get("plain");
    for _ in 0..6 {
        world.pass(30 * MINUTE);
        while !world.mints.is_empty() {
            world.succeed(HOUR);
        }
        world = world.restarted(&text, "boot");
        let items = world.saved.clone().into_iter().collect();
        world.loaded(Ok(items));
    }
    assert!(world.minted <= 3, "{} mints", world.minted);
}

/// Answers what the vault holds after sessions were minted, and the world after a restart with another configuration.
fn restarted_with(text: &str) -> World {
    let mut world = World::new(CONFIG);
    world.login("alice", Some("123456"));
    world.succeed(12 * HOUR);
    world.get("a");
    world.succeed(HOUR);
    world.get("role");
    world.succeed(HOUR);
    assert_eq!(world.saved.len(), 3);
    let mut world = world.restarted(text, "boot");
    let items = world.saved.clone().into_iter().collect();
    world.loaded(Ok(items));
    world
}

#[test]
fn a_start_without_a_configuration_costs_no_session() {
    for text in ["", "[identity.carol]\ntype = \"iam-user\"\n[profile.c]\nidentity = \"carol\"\n"] {
        let mut world = restarted_with(text);
        world.pass(30 * MINUTE);
        assert_eq!(world.saved.len(), 3);
        world.handle(Event::Configured(config(CONFIG)));
        for (profile, session) in [("a", "ASIA2"), ("role", "ASIA3")] {
            let waiter = world.get(profile);
            assert_eq!(world.served(waiter), session);
        }
        assert!(world.status("a").renew_at.is_some(), "it is as warm as it was");
    }
}

#[test]
fn sessions_without_a_profile_leave_the_vault_when_they_end() {
    let mut world = restarted_with("");
    world.pass(HOUR);
    assert_eq!(world.saved.len(), 1);
    world.pass(11 * HOUR);
    assert!(world.saved.is_empty());
    assert!(world.ticks < 10, "{} wake-ups", world.ticks);
}

#[test]
fn sessions_without_a_profile_are_forgotten_when_a_person_says_so() {
    let identity = |name: &str| name.parse::<keyfob_shared::IdentityName>().unwrap();
    let alice_only = CONFIG.split("[profile.plain]").next().unwrap();
    for (event, left) in [
        (Event::Logout(Scope::All), 0),
        (Event::Logout(Scope::Identity(identity("bob"))), 2),
        (Event::KeyChanged { identity: identity("alice"), replaced: Replaced::OtherKey }, 1),
    ] {
        let mut world = restarted_with("");
        world.handle(event);
        assert_eq!(world.saved.len(), left);
    }
    // An older definition of a profile may have left one.
    let mut world = restarted_with(&alice_only.replace("role/A", "role/Q"));
    world.handle(Event::Logout(Scope::Profile("a".parse().unwrap())));
    world.handle(Event::Configured(config(CONFIG)));
    let waiter = world.get("a");
    assert!(world.answer(waiter).is_none());
    // What is said before the vault is read counts too.
    let mut before = World::new(CONFIG);
    before.get("role");
    before.succeed(HOUR);
    let mut world = before.restarted("", "boot");
    world.handle(Event::KeyChanged { identity: identity("bob"), replaced: Replaced::OtherKey });
    let items = world.saved.clone().into_iter().collect();
    world.loaded(Ok(items));
    assert!(world.saved.is_empty());
}
