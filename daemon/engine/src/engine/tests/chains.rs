//! Chains of roles, and failures in the middle of them.

use super::super::world::{CONFIG, HOUR, MINUTE, World};
use super::super::*;
use crate::mint::MintErrorKind;

#[test]
fn a_chain_mints_its_source_first_and_once() {
    let mut world = World::new(CONFIG);
    let (chain, role) = (world.get("chain"), world.get("role"));
    assert_eq!(world.mints.len(), 1);
    world.succeed(HOUR);
    assert_eq!(world.served(role), "ASIA1");
    let From::Session(credentials) = &world.mints[0].from else { panic!() };
    assert_eq!(credentials.access_key_id, "ASIA1");
    world.succeed(HOUR);
    assert_eq!(world.served(chain), "ASIA2");
}

#[test]
fn a_chain_shares_the_failure_of_its_source() {
    let mut world = World::new(CONFIG);
    let chain = world.get("chain");
    world.fail(MintErrorKind::Final);
    assert_eq!(world.failure(chain).message, "Final");
    assert!(world.mints.is_empty());
}

#[test]
fn an_ended_source_is_renewed_and_tried_once_more() {
    let mut world = World::new(CONFIG);
    let chain = world.get("chain");
    world.succeed(HOUR);
    world.fail(MintErrorKind::SourceExpired);
    assert!(matches!(world.mints[0].from, From::Identity));
    world.succeed(HOUR);
    world.fail(MintErrorKind::SourceExpired);
    assert_eq!(world.failure(chain).message, "SourceExpired");
}

#[test]
fn a_source_serves_on_while_it_is_renewed_for_the_sake_of_its_chain() {
    let mut world = World::new(CONFIG);
    world.get("chain");
    world.succeed(HOUR);
    world.fail(MintErrorKind::SourceExpired);
    let during = world.get("role");
    assert_eq!(world.served(during), "ASIA1");
    world.fail(MintErrorKind::Transient);
    assert_eq!(world.state("role"), "ready");
}

#[test]
fn one_bad_profile_does_not_cost_the_others_their_sign_in() {
    let mut world = World::new(CONFIG);
    world.login("alice", Some("123456"));
    world.succeed(12 * HOUR);
    let bad = world.get("a");
    world.fail(MintErrorKind::SourceExpired);
    assert_eq!(world.failure(bad).hint.as_deref(), Some("keyfob login alice"));
    assert_eq!(world.saved.len(), 1, "the session of the sign-in stays in the vault");
    let good = world.get("b");
    world.succeed(HOUR);
    world.served(good);
}

#[test]
fn a_source_that_is_refused_for_ever_costs_few_calls() {
    let mut world = World::new(CONFIG);
    world.get("chain");
    world.succeed(HOUR);
    world.succeed(HOUR);
    let mut calls = 0;
    for _ in 0..55 {
        world.pass(MINUTE);
        world.get("chain");
        while let Some(mint) = world.mints.first() {
            calls += 1;
            match mint.from {
                From::Identity => world.succeed(HOUR),
                From::Session(_) => world.fail(MintErrorKind::SourceExpired),
            }
        }
    }
    assert!(calls <= 10, "{calls} calls");
}

#[test]
fn a_refusal_is_remembered_for_thirty_seconds_also_by_a_child() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.fail(MintErrorKind::Final);
    world.pass(29_000);
    world.get("chain");
    assert!(world.mints.is_empty());
    world.pass(2_000);
    world.get("chain");
    assert_eq!(world.mints.len(), 1);
}

const DEEP: &str = r#"
[identity.bob]
type = "iam-user"
[profile.one]
identity = "bob"
role_arn = "arn:aws:iam::111122223333:role/One"
[profile.two]
source = "one"
role_arn = "arn:aws:iam::111122223333:role/Two"
[profile.three]
source = "two"
role_arn = "arn:aws:iam::111122223333:role/Three"
[profile.four]
source = "three"
role_arn = "arn:aws:iam::111122223333:role/Four"
"#;

#[test]
fn a_failure_in_the_middle_of_a_chain_is_shared_by_all_behind_it_and_by_none_before() {
    let mut world = World::new(DEEP);
    let waiters = ["four", "three", "two", "one"].map(|profile| world.get(profile));
    assert_eq!(world.mints.len(), 1);
    world.succeed(HOUR);
    world.fail(MintErrorKind::Final);
    assert!(world.mints.is_empty());
    for waiter in &waiters[..3] {
        assert_eq!(world.failure(*waiter).message, "Final");
    }
    assert_eq!(world.served(waiters[3]), "ASIA1");
}

#[test]
fn a_chain_goes_on_from_the_sessions_it_has_after_a_failure_in_its_middle() {
    let mut world = World::new(DEEP);
    world.get("four");
    world.succeed(HOUR);
    world.fail(MintErrorKind::Transient);
    world.pass(1_001);
    let waiter = world.get("four");
    for _ in 0..3 {
        assert!(matches!(world.mints[0].from, From::Session(_)));
        world.succeed(HOUR);
    }
    assert_eq!(world.served(waiter), "ASIA4");
}

#[test]
fn a_renewal_that_fails_in_the_middle_leaves_the_end_of_the_chain_served() {
    let mut world = World::new(DEEP);
    world.get("four");
    (0..4).for_each(|_| world.succeed(HOUR));
    world.get("two");
    for _ in 0..57 {
        world.pass(MINUTE);
        while let Some(mint) = world.mints.first() {
            match mint.step.describe().contains("role/Two") {
                true => world.fail(MintErrorKind::Final),
                false => world.succeed(HOUR),
            }
        }
        let waiter = world.get("four");
        world.served(waiter);
    }
    let status = world.status("four");
    assert_eq!((status.state.as_str(), status.last_error.as_deref()), ("ready", Some("Final")));
}

#[test]
fn status_tells_that_the_renewal_of_a_source_fails() {
    let mut world = World::new(&CONFIG.replace("mfa/alice\"", "mfa/alice\"\nmfa_command = [\"code\"]"));
    world.get("a");
    world.succeed(2 * HOUR);
    world.succeed(HOUR);
    for _ in 0..118 {
        world.pass(MINUTE);
        while let Some(mint) = world.mints.first() {
            match mint.from {
                From::Identity => world.fail(MintErrorKind::Final),
                From::Session(_) => world.succeed(HOUR),
            }
        }
    }
    assert_eq!(world.status("a").last_error.as_deref(), Some("Final"));
    assert_eq!(world.engine.identities()[0].state, "failed");
}
