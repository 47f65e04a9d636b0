//! Callers: one mint, one answer, one failure for all of them.

use super::super::world::{CONFIG, HOUR, MINUTE, START, World, credentials};
use super::super::*;
use crate::mint::{MintErrorKind, Minted};
use keyfob_shared::{FailureKind, Secret};

#[test]
fn many_callers_share_one_mint_and_its_answer() {
    let mut world = World::new(CONFIG);
    let waiters: Vec<_> = (0..200).map(|_| world.get("role")).collect();
    assert_eq!(world.mints.len(), 1);
    world.succeed(HOUR);
    assert!(waiters.iter().all(|waiter| world.served(*waiter) == "ASIA1"));
}

#[test]
fn many_callers_share_one_failure() {
    let mut world = World::new(CONFIG);
    let waiters: Vec<_> = (0..200).map(|_| world.get("role")).collect();
    world.fail(MintErrorKind::Final);
    assert!(waiters.iter().all(|waiter| world.failure(*waiter).message == "Final"));
    world.get("role");
    assert!(world.mints.is_empty(), "a refusal is remembered");
    world.pass(31_000);
    world.get("role");
    assert_eq!(world.mints.len(), 1);
}

#[test]
fn after_the_end_callers_get_the_failure_and_then_a_new_attempt() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.succeed(HOUR);
    while world.now.wall.millis() < START + 61 * MINUTE {
        world.pass(1_000);
        while !world.mints.is_empty() {
            world.fail(MintErrorKind::Transient);
        }
    }
    world.pass(70_000);
    while !world.mints.is_empty() {
        world.fail(MintErrorKind::Transient);
    }
    let at_once = world.get("role");
    assert_eq!(world.failure(at_once).kind, FailureKind::Upstream);
    assert!(world.mints.is_empty());
    world.pass(1_001);
    let later = world.get("role");
    assert_eq!(world.mints.len(), 1);
    world.succeed(HOUR);
    world.served(later);
}

#[test]
fn a_caller_waits_fifty_seconds_at_most() {
    let mut world = World::new(CONFIG);
    let waiter = world.get("role");
    world.pass(49_000);
    assert!(world.answer(waiter).is_none());
    world.pass(1_000);
    assert!(world.failure(waiter).message.contains("50 s"));
}

#[test]
fn a_duration_that_is_refused_falls_back_once_and_is_remembered() {
    let mut world = World::new(CONFIG);
    let waiter = world.get("role");
    assert_eq!(world.mints[0].duration, None);
    world.fail(MintErrorKind::DurationTooLong);
    assert_eq!(world.mints[0].duration, Some(3_600));
    world.succeed(HOUR);
    world.served(waiter);
    assert!(world.engine.profiles().iter().any(|status| status.note.is_some()));
    world.pass(40 * MINUTE);
    assert_eq!(world.mints[0].duration, Some(3_600));
}

#[test]
fn a_refused_duration_is_asked_for_anew_after_a_logout() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.fail(MintErrorKind::DurationTooLong);
    world.succeed(HOUR);
    world.handle(Event::Logout(Scope::All));
    world.get("role");
    assert_eq!(world.mints[0].duration, None);
}

#[test]
fn a_refused_duration_is_asked_for_anew_after_a_sign_in() {
    let mut world = World::new(&CONFIG.replace("role/A\"", "role/A\"\nduration = \"4h\""));
    world.login("alice", Some("123456"));
    world.succeed(12 * HOUR);
    world.get("a");
    world.fail(MintErrorKind::DurationTooLong);
    world.succeed(HOUR);
    world.login("alice", Some("123457"));
    world.succeed(12 * HOUR);
    world.pass(45 * MINUTE);
    assert_eq!(world.mints[0].duration, None);
}

#[test]
fn a_reply_that_fits_no_frame_fails_at_the_mint() {
    let mut world = World::new(CONFIG);
    let waiter = world.get("role");
    let mint = world.mints.remove(0);
    let mut credentials = credentials("ASIA1");
    credentials.session_token = Some(Secret::new("t".repeat(64 * 1024)));
    let expires = Timestamp::from_millis(START + HOUR);
    let result = Ok(Minted { credentials, expires, server_date: None, signed_in_until: None });
    world.handle(Event::Minted { mint: mint.id, sent: world.now, result });
    assert!(world.failure(waiter).message.contains("longer than a reply may be"));
    assert_eq!(world.state("role"), "failed");
}

#[test]
fn an_absurd_expiration_is_no_answer_of_sts() {
    for date in [None, Some(START - 2 * HOUR), Some(i64::MAX), Some(i64::MIN)] {
        let mut world = World::new(CONFIG);
        let waiter = world.get("role");
        let mint = world.mints.remove(0);
        let expires = Timestamp::parse("9999-12-31T23:59:59Z").unwrap();
        let server_date = date.map(Timestamp::from_millis);
        let result =
            Ok(Minted { credentials: credentials("ASIA1"), expires, server_date, signed_in_until: None });
        world.handle(Event::Minted { mint: mint.id, sent: world.now, result });
        assert!(world.failure(waiter).message.contains("not one of STS"));
        world.pass(1_001);
        world.get("plain");
        assert_eq!(world.mints.last().unwrap().skew, 0, "what is not of STS tells no time");
    }
}

#[test]
fn callers_without_a_session_cost_few_calls_an_hour_however_often_they_ask() {
    for (kind, most) in [
        (MintErrorKind::Transient, 3_600),
        (MintErrorKind::SourceExpired, 125),
        (MintErrorKind::ClockSkew, 250),
        (MintErrorKind::DurationTooLong, 125),
        (MintErrorKind::MfaRefused, 125),
        (MintErrorKind::Final, 125),
    ] {
        let mut world = World::new(CONFIG);
        let (mut calls, mut sources) = (0, 0);
        for _ in 0..3_600 {
            world.get("chain");
            while let Some(mint) = world.mints.first() {
                match mint.from {
                    From::Identity => {
                        sources += 1;
                        world.succeed(HOUR);
                    }
                    From::Session(_) => {
                        calls += 1;
                        world.fail(kind);
                    }
                }
            }
            world.pass(1_000);
        }
        assert!(calls <= most && sources <= 4, "{kind:?}: {calls} calls, {sources} for the source");
    }
}

#[test]
fn who_would_have_to_wait_is_known_before_the_engine_is_told() {
    let mut world = World::new(CONFIG);
    let would_wait = |world: &World, profile: &str| {
        let engine = &world.engine;
        engine.would_wait(&profile.parse().unwrap(), world.now)
    };
    assert!(would_wait(&world, "role") && !would_wait(&world, "absent"));
    world.get("role");
    assert!(would_wait(&world, "role"));
    world.succeed(HOUR);
    assert!(!would_wait(&world, "role"));
    world.handle(Event::Lock);
    assert!(!would_wait(&world, "role") && !would_wait(&world, "plain"));
}
