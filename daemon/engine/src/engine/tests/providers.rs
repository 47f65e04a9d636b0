//! Identities that sign in at a provider: what is known of the end of a sign-in, and what a person is told of it.

use super::super::world::{HOUR, MINUTE, World, credentials};
use super::super::*;
use crate::mint::{MintError, MintErrorKind, Minted};
use keyfob_shared::FailureKind;
use keyfob_shared::wire::IdentityStatus;

const PROVIDERS: &str = r#"
[identity.corp]
type = "saml"
provider = "adfs"
url = "https://adfs.corp.example/adfs/ls/"
[identity.window]
type = "saml"
provider = "browser"
url = "https://idp.corp.example/start"
[identity.helper]
type = "saml"
provider = "command"
command = ["assertion"]
[profile.p]
identity = "corp"
role_arn = "arn:aws:iam::111122223333:role/P"
[profile.w]
identity = "window"
role_arn = "arn:aws:iam::111122223333:role/W"
[profile.h]
identity = "helper"
role_arn = "arn:aws:iam::111122223333:role/H"
[profile.h2]
source = "h"
role_arn = "arn:aws:iam::444455556666:role/H"
[socket.ci]
profiles = ["h", "h2"]
"#;

fn identity(world: &World, name: &str) -> IdentityStatus {
    world.engine.identities().into_iter().find(|identity| identity.name.as_str() == name).unwrap()
}

fn signed_in(world: &mut World, name: &str, after: i64) {
    let until = Some(Timestamp::from_millis(world.now.wall.millis() + after));
    world.handle(Event::SignedIn { identity: name.parse().unwrap(), until });
}

/// Ends the mint of a session well, with what the provider says of its own.
fn grant(world: &mut World, life: i64, provider: Option<i64>) {
    let mint = world.mints.remove(0);
    let at = |after: i64| Timestamp::from_millis(world.now.wall.millis() + after);
    let result = Ok(Minted {
        credentials: credentials("ASIA1"),
        expires: at(life),
        server_date: None,
        signed_in_until: provider.map(at),
    });
    world.handle(Event::Minted { mint: mint.id, sent: world.now, result });
}

fn refuse(world: &mut World, kind: MintErrorKind, of: FailureKind) {
    let mint = world.mints.remove(0);
    let result = Err(MintError { kind, failure: Failure::new(of, "refused"), server_date: None });
    world.handle(Event::Minted { mint: mint.id, sent: world.now, result });
}

#[test]
fn a_sign_in_whose_end_has_come_is_told_with_the_end_of_its_sessions() {
    let mut world = World::new(PROVIDERS);
    signed_in(&mut world, "corp", 8 * HOUR);
    let start = world.now.wall.millis();
    world.get("p");
    grant(&mut world, 12 * HOUR, None);
    let status = identity(&world, "corp");
    assert_eq!(status.state, "ready");
    assert_eq!(status.sign_in_needed_by.unwrap().millis(), start + 8 * HOUR);
    world.pass(8 * HOUR);
    let status = identity(&world, "corp");
    assert_eq!(status.state, "sign-in-needed");
    assert_eq!(
        status.sign_in_needed_by.unwrap().millis(),
        start + 12 * HOUR - MINUTE,
        "and not what is past"
    );
    assert_eq!(world.state("p"), "ready");
}

#[test]
fn a_logout_forgets_what_was_known_of_the_sign_in() {
    for scope in [Scope::All, Scope::Identity("corp".parse().unwrap())] {
        let mut world = World::new(PROVIDERS);
        signed_in(&mut world, "corp", 8 * HOUR);
        world.handle(Event::Logout(scope));
        assert_eq!(identity(&world, "corp").sign_in_needed_by, None);
    }
    let mut world = World::new(PROVIDERS);
    signed_in(&mut world, "corp", 8 * HOUR);
    world.handle(Event::Logout(Scope::Profile("p".parse().unwrap())));
    assert!(identity(&world, "corp").sign_in_needed_by.is_some(), "a profile alone has no sign-in");
}

#[test]
fn what_a_browser_gave_is_a_sign_in_until_it_ends() {
    let mut world = World::new(PROVIDERS);
    assert_eq!(identity(&world, "window").state, "sign-in-needed");
    signed_in(&mut world, "window", 5 * MINUTE);
    assert_eq!(identity(&world, "window").state, "ready");
    world.get("w");
    grant(&mut world, HOUR, None);
    world.pass(5 * MINUTE);
    let status = identity(&world, "window");
    assert_eq!((status.state.as_str(), status.sign_in_needed_by.is_some()), ("sign-in-needed", true));
    // Another daemon knows nothing of it.
    let saved: Vec<_> = world.saved.clone().into_iter().collect();
    let mut world = world.restarted(PROVIDERS, "boot");
    world.loaded(Ok(saved));
    let status = identity(&world, "window");
    assert_eq!((status.state.as_str(), status.sign_in_needed_by.is_some()), ("sign-in-needed", true));
    assert_eq!(identity(&world, "corp").state, "ready");
}

#[test]
fn a_lease_that_outlives_sign_in_and_session_is_foreseen() {
    let mut world = World::new(PROVIDERS);
    let w = "w".parse().unwrap();
    assert!(world.engine.obstacles(&w, Some(HOUR))[0].message.contains("is not signed in"));
    signed_in(&mut world, "window", 5 * MINUTE);
    world.get("w");
    grant(&mut world, 4 * HOUR, Some(5 * MINUTE));
    let told = |world: &World, lease| world.engine.obstacles(&w, Some(lease));
    assert_eq!(told(&world, 3 * HOUR), [], "the session lasts longer");
    for past in [0, 10 * MINUTE] {
        world.pass(past);
        let foreseen = told(&world, 4 * HOUR);
        assert!(foreseen[0].message.contains("the sign-in of identity window ends at 2026-"), "{foreseen:?}");
        assert_eq!(foreseen[0].hint, "keyfob login window");
    }
}

#[test]
fn a_hiccup_of_the_provider_ends_no_renewal() {
    let mut world = World::new(PROVIDERS);
    signed_in(&mut world, "corp", 100 * HOUR);
    world.get("p");
    grant(&mut world, HOUR, None);
    world.pass(45 * MINUTE);
    refuse(&mut world, MintErrorKind::Final, FailureKind::Upstream);
    assert_eq!(identity(&world, "corp").state, "ready");
    world.pass(6 * MINUTE);
    grant(&mut world, HOUR, None);
    assert_eq!((world.status("p").last_error, world.told.len()), (None, 0));
    // A person is another matter.
    world.pass(45 * MINUTE);
    refuse(&mut world, MintErrorKind::SignInNeeded, FailureKind::Person);
    assert_eq!(identity(&world, "corp").state, "sign-in-needed");
    world.pass(10 * MINUTE);
    assert!(world.mints.is_empty());
    assert_eq!(world.told.len(), 1);
}

#[test]
fn a_container_makes_no_command_run_that_signs_in() {
    let mut world = World::new(PROVIDERS);
    let ask = |world: &mut World, profile: &str| {
        let waiter = world.waiter();
        let (socket, profile) = ("ci".parse().unwrap(), profile.parse().unwrap());
        world.handle(Event::GetRestricted { waiter, socket, profile });
        waiter
    };
    for profile in ["h", "h2"] {
        let refused = ask(&mut world, profile);
        assert_eq!(world.failure(refused).kind, FailureKind::Person, "{profile}");
        assert!(world.mints.is_empty(), "{profile}");
    }
    let own = world.get("h");
    let joined = ask(&mut world, "h");
    assert_eq!(world.mints.len(), 1, "for the person it is");
    world.succeed(HOUR);
    world.served(own);
    world.served(joined);
    let behind = ask(&mut world, "h2");
    world.succeed(HOUR);
    world.served(behind);
}

#[test]
fn a_duration_that_the_provider_wants_is_negotiated_like_one_of_the_profile() {
    let mut world = World::new(PROVIDERS);
    let waiter = world.get("p");
    assert_eq!(world.mints[0].duration, None);
    refuse(&mut world, MintErrorKind::DurationTooLong, FailureKind::Usage);
    assert_eq!(world.mints[0].duration, Some(3_600));
    grant(&mut world, HOUR, None);
    world.served(waiter);
    world.pass(45 * MINUTE);
    assert_eq!(world.mints[0].duration, Some(3_600), "and remembered");
    refuse(&mut world, MintErrorKind::DurationTooLong, FailureKind::Usage);
    assert!(world.mints.is_empty(), "an hour is all that is left to ask for");
}
