//! People: sign-in, logout, keys, lock.

use super::super::world::{CONFIG, HOUR, MINUTE, World, config, many};
use super::super::*;
use crate::mint::MintErrorKind;
use keyfob_shared::{FailureKind, IdentityName, Secret};
use std::str::FromStr;

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
    world.loaded(Ok(world.saved.clone().into_iter().collect()));
    assert_eq!(world.served(waiter), "ASIA1");
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
fn a_second_sign_in_fails_only_itself() {
    let mut world = World::new(CONFIG);
    let first = world.login("alice", Some("111111"));
    let second = world.login("alice", Some("222222"));
    assert_eq!(world.failure(second).hint.as_deref(), Some("keyfob login alice"));
    assert!(world.answer(first).is_none());
    world.succeed(HOUR);
    assert!(matches!(world.answer(first), Some(Answer::SignedIn { .. })));
}

#[test]
fn logout_during_a_chained_renewal_stays_logged_out() {
    let mut world = World::new(CONFIG);
    world.get("chain");
    world.succeed(HOUR);
    world.succeed(HOUR);
    world.pass(40 * MINUTE);
    assert!(matches!(world.mints[0].from, From::Identity));
    world.handle(Event::Logout(Scope::Profile("chain".parse().unwrap())));
    world.succeed(HOUR);
    assert!(world.mints.is_empty());
}

#[test]
fn logout_during_a_mint_is_told_with_a_command_and_is_no_refusal() {
    let mut world = World::new(CONFIG);
    let (chain, role) = (world.get("chain"), world.get("role"));
    world.handle(Event::Logout(Scope::Profile("role".parse().unwrap())));
    assert_eq!(world.failure(role).hint.as_deref(), Some("keyfob get role"));
    assert_eq!(world.failure(chain).hint.as_deref(), Some("keyfob get chain"));
    assert_eq!(world.status("chain").last_error, None);
    world.mints.clear();
    world.get("chain");
    assert_eq!(world.mints.len(), 1);
}

#[test]
fn another_key_ends_the_memory_also_of_children_that_wait() {
    for _ in 0..20 {
        let mut world = World::new(CONFIG);
        world.get("chain");
        world.handle(Event::KeyChanged { identity: "bob".parse().unwrap(), replaced: Replaced::OtherKey });
        world.mints.clear();
        world.get("chain");
        assert_eq!(world.mints.len(), 1);
    }
}

#[test]
fn the_same_key_again_abandons_what_is_minted_with_its_old_secret() {
    let mut world = World::new(CONFIG);
    world.get("plain");
    world.succeed(HOUR);
    let waiter = world.get("role");
    world.handle(Event::KeyChanged { identity: "bob".parse().unwrap(), replaced: Replaced::SameKey });
    assert!(world.failure(waiter).message.contains("key was changed"));
    world.fail(MintErrorKind::Final);
    let again = world.get("role");
    world.succeed(HOUR);
    world.served(again);
    assert_eq!(world.state("plain"), "ready", "sessions of the same key live on");
}

#[test]
fn logout_and_another_key_hold_while_the_vault_is_read() {
    let mut before = World::new(CONFIG);
    before.get("role");
    before.succeed(HOUR);
    let bob = || IdentityName::from_str("bob").unwrap();
    let profile = |name: &str| Event::Logout(Scope::Profile(name.parse().unwrap()));
    for (event, ends) in [
        (Event::Logout(Scope::All), true),
        (Event::Logout(Scope::Identity(bob())), true),
        (Event::Logout(Scope::Identity("alice".parse().unwrap())), false),
        (profile("role"), true),
        (profile("plain"), false),
        (Event::KeyChanged { identity: bob(), replaced: Replaced::OtherKey }, true),
        (Event::KeyChanged { identity: bob(), replaced: Replaced::SameKey }, false),
    ] {
        let mut after = World::unloaded(CONFIG);
        let what = format!("{event:?}");
        after.handle(event);
        after.loaded(Ok(before.saved.clone().into_iter().collect()));
        let waiter = after.get("role");
        assert_eq!(after.answer(waiter).is_none(), ends, "{what}");
    }
}

#[test]
fn a_logout_holds_though_the_vault_still_has_the_session_after_an_unlock() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.succeed(HOUR);
    let stale: Vec<_> = world.saved.clone().into_iter().collect();
    world.handle(Event::Logout(Scope::All));
    world.handle(Event::Lock);
    world.handle(Event::Unlock);
    world.loaded(Ok(stale));
    let waiter = world.get("role");
    assert!(world.answer(waiter).is_none());
}

#[test]
fn logout_and_another_key_hold_for_profiles_that_are_absent_for_a_moment() {
    let profile = Scope::Profile("role".parse().unwrap());
    let bob = || IdentityName::from_str("bob").unwrap();
    for event in [
        Event::Logout(Scope::All),
        Event::Logout(Scope::Identity(bob())),
        Event::Logout(profile),
        Event::KeyChanged { identity: bob(), replaced: Replaced::OtherKey },
    ] {
        let mut world = World::new(CONFIG);
        world.get("role");
        world.succeed(HOUR);
        world.handle(Event::Configured(config(&CONFIG.replace("role/R", "role/Q"))));
        world.handle(event);
        assert!(world.saved.is_empty());
        world.handle(Event::Configured(config(CONFIG)));
        let waiter = world.get("role");
        assert!(world.answer(waiter).is_none());
    }
}

#[test]
fn twenty_profiles_behind_one_sign_in_cost_one_code_and_twenty_mints() {
    let mut text = String::from(
        "[identity.alice]\ntype = \"iam-user\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/alice\"\n",
    );
    for index in 0..20 {
        text += &format!(
            "[profile.p{index}]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R{index}\"\n"
        );
    }
    let mut world = World::new(&text);
    world.login("alice", Some("123456"));
    assert!(world.mints[0].code.is_some());
    world.succeed(12 * HOUR);
    let waiters: Vec<_> = (0..20).map(|index| world.get(&format!("p{index}"))).collect();
    assert_eq!(world.mints.len(), 20);
    assert!(world.mints.iter().all(|mint| mint.code.is_none() && matches!(mint.from, From::Session(_))));
    (0..20).for_each(|_| world.succeed(HOUR));
    waiters.into_iter().for_each(|waiter| drop(world.served(waiter)));
    assert_eq!(world.minted, 21);
}

#[test]
fn another_key_ends_a_session_whose_profile_was_edited_while_the_agent_was_locked() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.succeed(HOUR);
    world.handle(Event::Lock);
    world.handle(Event::Configured(config(&CONFIG.replace("role/R", "role/Q"))));
    world.handle(Event::KeyChanged { identity: "bob".parse().unwrap(), replaced: Replaced::OtherKey });
    assert!(world.saved.is_empty());
}

#[test]
fn a_failed_sign_in_beside_a_valid_one_leaves_no_trace() {
    for kind in [MintErrorKind::MfaRefused, MintErrorKind::Transient, MintErrorKind::Final] {
        let mut world = World::new(CONFIG);
        world.login("alice", Some("123456"));
        world.succeed(12 * HOUR);
        world.get("a");
        world.succeed(HOUR);
        let person = world.login("alice", Some("123456"));
        world.fail(kind);
        assert!(world.failure(person).message.contains(&format!("{kind:?}")));
        let status = world.status("a");
        assert_eq!((status.state.as_str(), status.last_error), ("ready", None));
        let b = world.get("b");
        world.succeed(HOUR);
        world.served(b);
        let again = world.login("alice", Some("234567"));
        world.succeed(12 * HOUR);
        assert!(matches!(world.answer(again), Some(Answer::SignedIn { .. })));
    }
}

#[test]
fn the_failure_of_a_profile_has_its_own_hint() {
    let mut world = World::new(CONFIG);
    world.get("a");
    let hint = |world: &World, profile: &str| {
        world.engine.failure(&profile.parse().unwrap()).and_then(|failure| failure.hint.clone())
    };
    assert_eq!(hint(&world, "a").as_deref(), Some("keyfob login alice"));
    assert_eq!(hint(&world, "role"), None);
}

#[test]
fn nobody_is_asked_to_sign_in_before_the_vault_was_read() {
    let mut world = World::unloaded(CONFIG);
    let states = |world: &World| (world.state("a"), world.engine.identities()[0].state.clone());
    assert_eq!(states(&world), ("cold".into(), "unknown".into()));
    world.loaded(Err(Failure::new(FailureKind::Person, "the vault is sealed")));
    assert_eq!(states(&world), ("cold".into(), "unknown".into()));
    world.handle(Event::Unlock);
    world.loaded(Ok(Vec::new()));
    assert_eq!(states(&world), ("sign-in-needed".into(), "sign-in-needed".into()));
}

#[test]
fn only_what_the_vault_may_hold_is_removed_from_it() {
    let forgets = |world: &mut World, event| {
        world.engine.handle(event, world.now);
        let commands = std::iter::from_fn(|| world.engine.poll_command());
        commands.filter(|command| matches!(command, Command::Forget { .. })).count()
    };
    let changed = || Event::KeyChanged { identity: "bob".parse().unwrap(), replaced: Replaced::OtherKey };
    let mut world = World::new(&many(100));
    world.get("p7");
    world.succeed(HOUR);
    assert_eq!(forgets(&mut world, changed()), 1);
    assert_eq!(forgets(&mut world, changed()), 0);
    let mut unread = World::unloaded(&many(100));
    assert!(forgets(&mut unread, changed()) >= 100, "who knows what is in it");
}
