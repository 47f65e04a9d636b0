//! Clocks that are wrong, that step, that sleep.

use super::super::world::{CONFIG, HOUR, MINUTE, START, World, credentials, many};
use super::super::*;
use crate::mint::{MintErrorKind, Minted};

#[test]
fn a_wrong_clock_is_corrected_and_the_call_tried_once_more() {
    let mut world = World::new(CONFIG);
    let waiter = world.get("role");
    world.fail(MintErrorKind::ClockSkew);
    assert_eq!(world.mints.len(), 1);
    world.fail(MintErrorKind::ClockSkew);
    world.failure(waiter);
}

#[test]
fn callers_live_by_their_own_clock_however_wrong_it_is() {
    let mut world = World::new(CONFIG);
    let waiter = world.get("role");
    world.succeed_at(0, HOUR, -2 * HOUR);
    let Some(Answer::Served { reply, .. }) = world.answer(waiter) else { panic!() };
    let told = Timestamp::from_millis(START + 59 * MINUTE - 1_000);
    assert!(
        reply.expose().contains(&told.to_string()) || reply.expose().contains(":59:00Z"),
        "{}",
        reply.expose()
    );
    world.pass(30 * MINUTE);
    let later = world.get("role");
    world.served(later);
}

#[test]
fn a_resume_after_the_end_renews_at_once() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.succeed(HOUR);
    world.now =
        Now { wall: Timestamp::from_millis(START + 9 * HOUR), monotonic: Monotonic(1_000 + 9 * HOUR) };
    world.handle(Event::Tick);
    world.pass(1_000);
    assert_eq!(world.mints.len(), 1);
    let waiter = world.get("role");
    assert!(world.answer(waiter).is_none());
}

#[test]
fn a_wall_clock_that_jumps_forward_renews_at_once_and_serves_nothing_expired() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.succeed(HOUR);
    world.step_wall_clock(2 * HOUR);
    world.pass(1_000);
    assert_eq!(world.mints.len(), 1);
    let waiter = world.get("role");
    assert!(world.answer(waiter).is_none());
}

#[test]
fn a_corrected_clock_needs_no_correction_any_more() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.succeed_at(0, HOUR, HOUR);
    world.step_wall_clock(HOUR);
    world.login("alice", Some("123456"));
    assert_eq!(world.mints.last().unwrap().skew, 0);
}

#[test]
fn sessions_end_by_the_latest_clock_that_the_date_allows() {
    for ahead in (60_000..61_000).step_by(100) {
        for phase in (0..1_000).step_by(100) {
            let mut world = World::new(CONFIG);
            world.pass(phase);
            world.get("role");
            let server = world.now.wall.millis() + ahead;
            let end = (server + 5_000) / 1_000 * 1_000;
            let mint = world.mints.remove(0);
            let server_date = Some(Timestamp::from_millis(server / 1_000 * 1_000));
            let expires = Timestamp::from_millis(end);
            let result =
                Ok(Minted { credentials: credentials("ASIA1"), expires, server_date, signed_in_until: None });
            world.handle(Event::Minted { mint: mint.id, sent: world.now, result });
            world.pass(end - server);
            let waiter = world.get("role");
            assert!(world.answer(waiter).is_none(), "{ahead} {phase}");
        }
    }
}

#[test]
fn an_answer_that_agrees_with_the_known_skew_plans_nothing_anew() {
    let mut world = World::new(&many(100));
    for index in 0..100 {
        world.get(&format!("p{index}"));
    }
    world.succeed_at(0, HOUR, 10_500);
    let before = world.engine.planned;
    for phase in 0..98 {
        world.pass(phase);
        world.succeed_at(0, HOUR, 10_500);
    }
    assert!(world.engine.planned - before <= 4 * 98, "{}", world.engine.planned - before);
}
