//! The vault: slow, unreachable, stale.

use super::super::world::{CONFIG, HOUR, MINUTE, World};
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
