//! What the engine does, claim by claim.

use super::world::{CONFIG, HOUR, START, World, config};
use super::*;
use crate::mint::MintErrorKind;
use keyfob_shared::FailureKind;

const MINUTE: i64 = 60_000;

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
fn a_session_is_renewed_before_its_margin_and_nobody_waits() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.succeed(HOUR);
    world.pass(37 * MINUTE);
    assert!(world.mints.is_empty());
    world.pass(3 * MINUTE + 1_000);
    assert_eq!(world.mints.len(), 1);
    let during = world.get("role");
    assert_eq!(world.served(during), "ASIA1");
    assert_eq!(world.state("role"), "renewing");
    world.succeed(HOUR);
    let after = world.get("role");
    assert_eq!(world.served(after), "ASIA2");
}

#[test]
fn an_outage_shorter_than_the_margin_is_invisible() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.succeed(HOUR);
    for _ in 0..58 {
        world.pass(MINUTE);
        while !world.mints.is_empty() {
            world.fail(MintErrorKind::Transient);
        }
        let waiter = world.get("role");
        world.served(waiter);
    }
    world.pass(MINUTE);
    world.succeed(HOUR);
    let waiter = world.get("role");
    assert_eq!(world.served(waiter), "ASIA2");
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
fn one_code_serves_every_profile_of_the_identity() {
    let mut world = World::new(CONFIG);
    let early = world.get("a");
    let failure = world.failure(early);
    assert_eq!((failure.kind, failure.hint.as_deref()), (FailureKind::Person, Some("keyfob login alice")));
    assert_eq!(world.state("a"), "sign-in-needed");
    let person = world.login("alice", Some("123456"));
    assert_eq!(world.mints[0].code.as_ref().map(Secret::expose), Some("123456"));
    world.succeed(12 * HOUR);
    assert!(matches!(world.answer(person), Some(Answer::SignedIn { .. })));
    let (a, b) = (world.get("a"), world.get("b"));
    // The profile that was asked for before the sign-in is minted behind it.
    while !world.mints.is_empty() {
        assert!(world.mints[0].code.is_none());
        assert!(matches!(world.mints[0].from, From::Session(_)));
        world.succeed(HOUR);
    }
    world.served(a);
    world.served(b);
}

#[test]
fn a_wrong_code_is_told_with_the_command_and_not_sent_again() {
    let mut world = World::new(CONFIG);
    let person = world.login("alice", Some("123456"));
    world.fail(MintErrorKind::MfaRefused);
    assert_eq!(world.failure(person).hint.as_deref(), Some("keyfob login alice"));
    world.get("a");
    world.pass(HOUR);
    assert!(world.mints.is_empty());
}

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
    assert!(matches!(world.mints[0].from, From::LongTermKey));
    world.succeed(HOUR);
    world.fail(MintErrorKind::SourceExpired);
    assert_eq!(world.failure(chain).message, "SourceExpired");
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
fn a_locked_agent_serves_nothing_and_unlock_reads_the_vault() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.succeed(HOUR);
    let waiting = world.get("plain");
    world.handle(Event::Lock);
    assert_eq!(world.failure(waiting).kind, FailureKind::Refused);
    let refused = world.get("role");
    assert_eq!(world.failure(refused).kind, FailureKind::Refused);
    world.succeed(HOUR);
    world.pass(HOUR / 2);
    assert!(world.mints.is_empty() && world.saved.len() == 1);
    world.handle(Event::Unlock);
    let waiter = world.get("role");
    assert!(world.answer(waiter).is_none());
    world.handle(Event::Loaded(Ok(world.saved.clone().into_iter().collect())));
    assert_eq!(world.served(waiter), "ASIA1");
}

#[test]
fn a_restart_serves_sessions_of_the_vault_without_a_mint() {
    let mut before = World::new(CONFIG);
    before.get("role");
    before.succeed(HOUR);
    let mut after = World::unloaded(CONFIG);
    let waiter = after.get("role");
    assert!(after.mints.is_empty());
    after.handle(Event::Loaded(Ok(before.saved.clone().into_iter().collect())));
    assert_eq!(after.served(waiter), "ASIA1");
    after.pass(40 * MINUTE);
    assert_eq!(after.mints.len(), 1);
}

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
fn an_unreachable_vault_fails_cold_callers_and_is_read_again_when_asked() {
    let mut world = World::unloaded(CONFIG);
    let first = world.get("role");
    world.handle(Event::Loaded(Err(Failure::new(FailureKind::Upstream, "the keychain does not answer"))));
    assert!(world.failure(first).message.contains("keychain"));
    world.pass(1_001);
    let second = world.get("role");
    assert_eq!(world.loads, 2);
    world.handle(Event::Loaded(Ok(Vec::new())));
    world.succeed(HOUR);
    world.served(second);
}

#[test]
fn a_profile_that_nobody_uses_is_not_renewed() {
    let mut world = World::new(&format!("[daemon]\nkeep_warm = \"30m\"\n{CONFIG}"));
    world.get("role");
    world.succeed(HOUR);
    world.pass(2 * HOUR);
    assert!(world.mints.is_empty());
    assert!(world.saved.is_empty(), "an ended session is forgotten");
    assert_eq!(world.state("role"), "expired");
}

#[test]
fn renew_always_mints_unasked_and_on_demand_only_behind_a_caller() {
    let mut always = World::new(&format!("[daemon]\nrenew = \"always\"\n{CONFIG}"));
    always.pass(MINUTE);
    assert_eq!(always.mints.len(), 2, "plain and role; a and b need a person, chain waits for role");
    let mut on_demand = World::new(&format!("[daemon]\nrenew = \"on-demand\"\n{CONFIG}"));
    on_demand.get("role");
    on_demand.succeed(HOUR);
    on_demand.pass(45 * MINUTE);
    assert!(on_demand.mints.is_empty());
    let waiter = on_demand.get("role");
    on_demand.served(waiter);
    assert_eq!(on_demand.mints.len(), 1);
}

#[test]
fn logout_forgets_sessions_here_and_in_the_vault() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.succeed(HOUR);
    world.handle(Event::Logout(Scope::All));
    assert!(world.saved.is_empty());
    world.pass(HOUR);
    assert!(world.mints.is_empty(), "nothing is minted until someone asks");
    world.get("role");
    assert_eq!(world.mints.len(), 1);
}

#[test]
fn another_key_ends_the_sessions_of_the_old_one() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.fail(MintErrorKind::Final);
    let identity: IdentityName = "bob".parse().unwrap();
    world.handle(Event::KeyChanged { identity: identity.clone(), replaced: Replaced::SameKey });
    world.get("role");
    assert_eq!(world.mints.len(), 1, "a new key ends the memory of a refusal");
    world.succeed(HOUR);
    world.handle(Event::KeyChanged { identity, replaced: Replaced::OtherKey });
    let waiter = world.get("role");
    assert!(world.answer(waiter).is_none());
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
fn an_idle_engine_asks_for_no_wake_up_but_the_next_renewal() {
    let mut world = World::new(CONFIG);
    assert_eq!(world.engine.poll_timeout(), None);
    world.get("role");
    world.succeed(12 * HOUR);
    let before = world.ticks;
    world.pass(8 * HOUR);
    assert_eq!(world.ticks, before);
}
