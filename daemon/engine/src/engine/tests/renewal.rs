//! Renewal: ahead of the end, unasked, and not more often than it helps.

use super::super::world::{CONFIG, HOUR, MINUTE, START, World, credentials, many};
use super::super::*;
use crate::mint::{MintErrorKind, Minted};

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
fn an_idle_engine_asks_for_no_wake_up_but_the_next_renewal() {
    let mut world = World::new(CONFIG);
    assert_eq!(world.engine.poll_timeout(), None);
    world.get("role");
    world.succeed(12 * HOUR);
    let before = world.ticks;
    world.pass(8 * HOUR);
    assert_eq!(world.ticks, before);
}

#[test]
fn a_refused_renewal_is_tried_again_within_the_life_left() {
    let mut world = World::new(CONFIG);
    world.get("role");
    world.succeed(15 * MINUTE);
    world.pass(10 * MINUTE + 30_000);
    world.fail(MintErrorKind::Final);
    world.pass(MINUTE + 15_000);
    assert_eq!(world.mints.len(), 1);
}

#[test]
fn errors_that_more_tries_do_not_mend_cost_few_calls_an_hour() {
    for (kind, most) in [
        (MintErrorKind::SourceExpired, 40),
        (MintErrorKind::ClockSkew, 80),
        (MintErrorKind::DurationTooLong, 40),
        (MintErrorKind::MfaRefused, 40),
        (MintErrorKind::Final, 40),
        (MintErrorKind::Transient, 250),
    ] {
        let mut world = World::new(CONFIG);
        world.get("role");
        world.succeed(HOUR);
        world.pass(30 * MINUTE);
        let mut calls = 0;
        for _ in 0..28 {
            world.pass(MINUTE);
            let waiter = world.get("role");
            world.served(waiter);
            while !world.mints.is_empty() {
                calls += 1;
                world.fail(kind);
            }
        }
        assert!(calls <= most, "{kind:?}: {calls}");
    }
}

#[test]
fn nobody_waits_for_short_sessions_when_a_mint_takes_a_second() {
    for (lifetime, phase) in
        [3_000, 6_000, 10_000].into_iter().flat_map(|life| [0, 350, 999].map(|phase| (life, phase)))
    {
        let mut world = World::new(CONFIG);
        world.pass(phase);
        world.get("plain");
        world.succeed(lifetime);
        let mut due: Option<i64> = None;
        for _ in 0..5 * lifetime / 50 {
            world.pass(50);
            let waiter = world.get("plain");
            world.served(waiter);
            let moment = world.now.monotonic.0;
            match due {
                None if !world.mints.is_empty() => due = Some(moment + 1_000),
                Some(answer) if answer <= moment => {
                    world.succeed(lifetime);
                    due = None;
                }
                Some(_) | None => {}
            }
        }
        assert!((5..20).contains(&world.minted), "{lifetime}: {} mints", world.minted);
    }
}

#[test]
fn renewal_is_never_at_once_after_a_mint() {
    for lifetime in [1_100, 1_500, 2_000, 3_000, 60_000, HOUR] {
        let mut world = World::new(CONFIG);
        world.get("plain");
        world.succeed(lifetime);
        world.pass(lifetime / 10 - 1);
        assert!(world.mints.is_empty(), "{lifetime}");
    }
}

#[test]
fn short_sessions_are_renewed_well_before_they_stop_being_served() {
    for phase in (0..1_000).step_by(10) {
        let mut world = World::new(CONFIG);
        world.pass(phase);
        world.get("role");
        let end = (world.now.wall.millis() + 3_000) / 1_000 * 1_000;
        let mint = world.mints.remove(0);
        let expires = Timestamp::from_millis(end);
        let result = Ok(Minted {
            credentials: credentials("ASIA1"),
            expires,
            server_date: None,
            signed_in_until: None,
        });
        world.handle(Event::Minted { mint: mint.id, sent: world.now, result });
        let (renewal, _) = world.engine.poll_timeout().unwrap();
        assert!(end - 1_000 - world.engine.clock.wall(renewal).millis() >= 500, "{phase}");
    }
}

#[test]
fn status_tells_the_moment_of_a_renewal_only_where_one_will_come() {
    let text = format!("[daemon]\nkeep_warm = \"30m\"\n{CONFIG}[profile.mfa]\nidentity = \"alice\"\n");
    let mut world = World::new(&text);
    world.login("alice", Some("123456"));
    world.succeed(12 * HOUR);
    for profile in ["mfa", "role", "plain"] {
        world.get(profile);
    }
    while !world.mints.is_empty() {
        world.succeed(HOUR);
    }
    assert_eq!(world.status("mfa").renew_at, None, "it needs a person");
    assert_eq!(world.status("role").renew_at, None, "it is not warm any more then");
    world.pass(20 * MINUTE);
    world.get("role");
    let told = world.status("role").renew_at.unwrap().millis();
    assert!((START + 36 * MINUTE..START + 39 * MINUTE).contains(&told));
    world.pass(told - world.now.wall.millis() - 1);
    assert!(world.mints.is_empty());
    world.pass(1);
    assert_eq!(world.mints.len(), 1);
    assert_eq!(world.status("role").renew_at, None, "it is under way");
}

#[test]
fn renew_always_leaves_a_profile_alone_after_its_logout_until_it_is_wanted() {
    let mut world = World::new(&format!("[daemon]\nrenew = \"always\"\n{CONFIG}"));
    world.get("role");
    world.succeed(HOUR);
    world.mints.clear();
    world.handle(Event::Logout(Scope::Profile("role".parse().unwrap())));
    world.pass(HOUR);
    assert!(!world.mints.iter().any(|mint| mint.step.describe().contains("role/R")));
    world.get("role");
    world.succeed_step("role/R", HOUR);
    world.pass(45 * MINUTE);
    assert!(world.mints.iter().any(|mint| mint.step.describe().contains("role/R")));
}

#[test]
fn many_renewals_that_are_due_at_one_moment_are_spread_and_callers_are_not_delayed() {
    let mut world = World::new(&many(100));
    let names: Vec<String> = (0..100).map(|index| format!("p{index}")).collect();
    for name in &names {
        world.get(name);
    }
    (0..100).for_each(|_| world.succeed(HOUR));
    world.sleep(9 * HOUR);
    assert!(world.mints.len() <= 10, "{} at once", world.mints.len());
    let before = world.mints.len();
    for name in &names {
        world.get(name);
    }
    assert_eq!(world.mints.len(), 100, "{before} before");
    (0..100).for_each(|_| world.succeed(HOUR));
    world.sleep(45 * MINUTE);
    world.pass(1_000);
    assert_eq!(world.mints.len(), 100);
}
