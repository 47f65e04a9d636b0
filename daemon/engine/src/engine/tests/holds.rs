//! Holds: a program that runs keeps its profile renewed, until it ends or its lease does.

use super::super::world::{CONFIG, HOUR, MINUTE, World};
use super::super::*;
use crate::mint::MintErrorKind;

fn hold(world: &mut World, id: u64, profile: &str, lease: Option<i64>) {
    world.handle(Event::Hold { id: HoldId(id), profile: profile.parse().unwrap(), lease });
}

/// A world in which nothing is renewed unasked, and `role` has a session.
fn on_demand() -> World {
    let mut world = World::new(&format!("[daemon]\nrenew = \"on-demand\"\n{CONFIG}"));
    world.get("role");
    world.succeed(HOUR);
    world
}

#[test]
fn a_held_profile_is_renewed_until_it_is_released() {
    let mut world = on_demand();
    hold(&mut world, 1, "role", None);
    hold(&mut world, 2, "role", None);
    for _ in 0..30 {
        world.pass(41 * MINUTE);
        assert_eq!(world.mints.len(), 1);
        world.succeed(HOUR);
    }
    assert_eq!((world.status("role").programs, world.status("role").renewals), (2, 30));
    world.handle(Event::Release(HoldId(1)));
    world.pass(41 * MINUTE);
    world.succeed(HOUR);
    world.handle(Event::Release(HoldId(2)));
    world.pass(5 * HOUR);
    assert!(world.mints.is_empty());
    assert_eq!(world.status("role").programs, 0);
}

#[test]
fn a_lease_ends_renewal_and_is_told() {
    let mut world = on_demand();
    let start = world.now.wall.millis();
    hold(&mut world, 1, "role", Some(100 * MINUTE));
    assert_eq!(world.status("role").leased_until.unwrap().millis(), start + 100 * MINUTE);
    for _ in 0..2 {
        world.pass(41 * MINUTE);
        world.succeed(HOUR);
    }
    world.pass(41 * MINUTE);
    assert!(world.mints.is_empty(), "the lease ended before this renewal");
    // A second lease goes on, and the longest counts.
    hold(&mut world, 2, "role", None);
    world.pass(MINUTE);
    assert_eq!(world.mints.len(), 1);
    assert_eq!(world.status("role").leased_until, None);
}

#[test]
fn a_session_that_could_not_be_renewed_is_minted_as_soon_as_that_works() {
    let mut world = on_demand();
    hold(&mut world, 1, "role", None);
    world.pass(41 * MINUTE);
    for _ in 0..500 {
        if world.mints.is_empty() {
            world.pass(MINUTE);
        } else {
            world.fail(MintErrorKind::Transient);
        }
    }
    assert_eq!(world.state("role"), "failed");
    world.pass(MINUTE);
    world.succeed(HOUR);
    assert_eq!(world.state("role"), "ready");
}

#[test]
fn what_a_person_logged_out_is_not_minted_for_a_hold() {
    let mut world = on_demand();
    hold(&mut world, 1, "role", None);
    world.handle(Event::Logout(Scope::All));
    world.pass(5 * HOUR);
    assert!(world.mints.is_empty());
    world.get("role");
    world.succeed(HOUR);
    world.pass(41 * MINUTE);
    assert_eq!(world.mints.len(), 1, "asked for again");
}

#[test]
fn a_sign_in_that_ends_before_the_lease_is_foreseen() {
    let mut world = World::new(CONFIG);
    let a = "a".parse().unwrap();
    let missing = world.engine.obstacles(&a, Some(HOUR));
    assert!(missing[0].message.contains("is not signed in"), "{missing:?}");
    world.login("alice", Some("123456"));
    world.succeed(12 * HOUR);
    assert_eq!(world.engine.obstacles(&a, Some(11 * HOUR)), []);
    let foreseen = world.engine.obstacles(&a, Some(13 * HOUR));
    assert!(foreseen[0].message.contains("the sign-in of identity alice ends at 2026-"), "{foreseen:?}");
    assert_eq!(foreseen[0].hint, "keyfob login alice");
    assert_eq!(world.engine.obstacles(&a, None).len(), 1, "some day it ends");
    assert_eq!(world.engine.obstacles(&"role".parse().unwrap(), None), []);
}

#[test]
fn a_profile_with_a_lease_is_renewed_within_it_and_begins_another_when_it_is_asked_for() {
    for renew in ["active", "always"] {
        let config = CONFIG.replace("duration = \"4h\"", "lease = \"100m\"");
        let mut world = World::new(&format!("[daemon]\nrenew = \"{renew}\"\n{config}"));
        for _ in 0..2 {
            world.get("role");
            world.succeed_step("role/R", HOUR);
            for _ in 0..2 {
                world.pass(41 * MINUTE);
                world.get("role");
                world.succeed_step("role/R", HOUR);
            }
            world.pass(41 * MINUTE);
            let within = world.get("role");
            assert!(world.served(within).starts_with("ASIA"), "used to its end");
            world.pass(30 * MINUTE);
            assert!(!world.mints.iter().any(|mint| mint.step.describe().contains("role/R")), "{renew}");
            assert_eq!(world.state("role"), "expired");
        }
    }
}

#[test]
fn what_a_program_asks_for_is_no_use_that_outlives_its_lease() {
    let mut world = World::new(CONFIG);
    let profile: ProfileName = "role".parse().unwrap();
    hold(&mut world, 1, "role", Some(100 * MINUTE));
    let ask = |world: &mut World| {
        let waiter = world.waiter();
        world.handle(Event::GetHeld { waiter, profile: profile.clone() });
        waiter
    };
    let first = ask(&mut world);
    world.succeed(HOUR);
    world.served(first);
    for _ in 0..2 {
        world.pass(41 * MINUTE);
        world.succeed(HOUR);
        let waiter = ask(&mut world);
        world.served(waiter);
    }
    world.pass(59 * MINUTE);
    assert!(world.mints.is_empty(), "active, and yet not renewed after the lease");
    // It is minted again when it is asked for.
    world.pass(2 * MINUTE);
    let waiter = ask(&mut world);
    world.succeed(HOUR);
    world.served(waiter);
}
