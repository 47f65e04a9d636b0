//! Restricted sockets: less than the person has, and nobody signs in for them.

use super::super::world::*;
use super::super::*;
use keyfob_shared::FailureKind;

const SOCKETS: &str = r#"
[identity.alice]
type = "iam-user"
mfa_serial = "arn:aws:iam::111122223333:mfa/alice"
mfa_command = ["code"]
[identity.bob]
type = "iam-user"
[profile.ci]
identity = "bob"
role_arn = "arn:aws:iam::111122223333:role/Ci"
[profile.prod]
identity = "bob"
role_arn = "arn:aws:iam::111122223333:role/Production"
[profile.behind]
identity = "alice"
role_arn = "arn:aws:iam::111122223333:role/Behind"
[profile.token]
identity = "alice"
[socket.agent]
profiles = ["ci", "behi*"]
policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
[socket.plain]
profiles = ["ci", "behind", "token"]
"#;

fn served_by(world: &mut World, socket: &str, profile: &str) -> WaiterId {
    let waiter = world.waiter();
    let (socket, profile) = (socket.parse().unwrap(), profile.parse().unwrap());
    world.handle(Event::GetRestricted { waiter, socket, profile });
    waiter
}

fn policies(mint: &Mint) -> Vec<String> {
    match &mint.step {
        crate::plan::Step::AssumeRole(role) => role.policy_arns.clone(),
        _ => Vec::new(),
    }
}

#[test]
fn its_sessions_are_its_own_and_scoped_down() {
    let mut world = World::new(SOCKETS);
    let own = world.get("ci");
    world.succeed(HOUR);
    let agent = served_by(&mut world, "agent", "ci");
    assert_eq!(policies(&world.mints[0]), ["arn:aws:iam::aws:policy/ReadOnlyAccess"]);
    world.succeed(HOUR);
    assert_ne!(world.served(own), world.served(agent));
    let again = served_by(&mut world, "agent", "ci");
    assert_eq!(world.served(again), world.served(agent));
    let plain = served_by(&mut world, "plain", "ci");
    assert_eq!(world.served(plain), world.served(own), "without policies the person's own are served");
}

#[test]
fn what_is_not_on_its_list_is_refused_like_what_is_not_there() {
    let mut world = World::new(SOCKETS);
    let mut told = Vec::new();
    for profile in ["prod", "absent", "ci*", "c", "cі", "../ci", "ci ", "behi*", "behi", "behi-absent"] {
        let waiter = served_by(&mut world, "agent", profile);
        told.push(world.failure(waiter));
    }
    assert!(
        told.iter().all(|failure| *failure == told[0] && failure.kind == FailureKind::Refused),
        "{told:?}"
    );
    let waiter = served_by(&mut world, "gone", "ci");
    assert_eq!(world.failure(waiter).kind, FailureKind::Refused);
    assert!(world.mints.is_empty());
}

#[test]
fn nobody_signs_in_for_it() {
    for socket in ["agent", "plain"] {
        let mut world = World::new(SOCKETS);
        let refused = served_by(&mut world, socket, "behind");
        assert_eq!(world.failure(refused).kind, FailureKind::Person);
        assert!(world.mints.is_empty(), "{socket}: the command for codes is not run");
        let own = world.get("behind");
        let joined = served_by(&mut world, socket, "behind");
        assert_eq!(world.mints.len(), 1, "{socket}: for the person it is");
        world.succeed(12 * HOUR);
        while !world.mints.is_empty() {
            world.succeed(HOUR);
        }
        world.served(own);
        world.served(joined);
    }
}

#[test]
fn its_use_keeps_no_sign_in_renewed() {
    for (socket, profile) in [("agent", "behind"), ("plain", "behind"), ("plain", "token")] {
        let mut world = World::new(SOCKETS);
        world.get("behind");
        world.succeed(12 * HOUR);
        world.succeed(HOUR);
        // The person has gone; the container goes on.
        for _ in 0..100 {
            world.pass(HOUR / 4);
            served_by(&mut world, socket, profile);
            while let Some(index) = world.mints.iter().position(|mint| mint.step.mfa_serial().is_none()) {
                world.succeed_at(index, HOUR, 0);
            }
            let asks = |mint: &Mint| mint.step.mfa_serial().is_some();
            let person_is_warm = world.now.monotonic.0 < 1_000 + 12 * HOUR;
            if person_is_warm {
                while !world.mints.is_empty() {
                    world.succeed(12 * HOUR);
                }
            }
            assert!(!world.mints.iter().any(asks), "{socket} {profile}: a sign-in was begun");
        }
        assert!(world.ticks < 2_000, "{} ticks", world.ticks);
        let end = served_by(&mut world, socket, profile);
        assert_eq!(world.failure(end).kind, FailureKind::Person, "{socket} {profile}");
        world.get(profile);
        assert_eq!(world.mints.len(), 1, "the person's own get does it");
    }
}

#[test]
fn an_edited_policy_never_serves_the_old_session() {
    let mut world = World::new(SOCKETS);
    let first = served_by(&mut world, "agent", "ci");
    world.succeed(HOUR);
    world.handle(Event::Configured(config(&SOCKETS.replace("ReadOnlyAccess", "SecurityAudit"))));
    let second = served_by(&mut world, "agent", "ci");
    world.succeed(HOUR);
    assert_ne!(world.served(first), world.served(second));
    world.handle(Event::Configured(config(&SOCKETS.replace("[\"ci\", \"behi*\"]", "[\"behi*\"]"))));
    let third = served_by(&mut world, "agent", "ci");
    assert_eq!(world.failure(third).kind, FailureKind::Refused);
}

#[test]
fn its_sessions_are_renewed_and_outlive_a_restart() {
    let mut world = World::new(SOCKETS);
    served_by(&mut world, "agent", "ci");
    world.succeed(HOUR);
    world.pass(45 * MINUTE);
    assert_eq!(world.mints.len(), 1, "renewed unasked");
    world.succeed(HOUR);
    let before = served_by(&mut world, "agent", "ci");
    let before = world.served(before);
    let saved: Vec<_> = world.saved.clone().into_iter().collect();
    let mut world = world.restarted(SOCKETS, "boot");
    world.loaded(Ok(saved));
    let after = served_by(&mut world, "agent", "ci");
    assert_eq!(world.served(after), before);
}

#[test]
fn status_tells_them_apart_and_a_logout_ends_both() {
    let mut world = World::new(SOCKETS);
    world.get("ci");
    world.succeed(HOUR);
    served_by(&mut world, "agent", "ci");
    world.succeed(HOUR);
    let named = |world: &World| {
        let all = world.engine.profiles().into_iter();
        let ready = all.filter(|status| status.state == "ready");
        ready
            .map(|status| (status.name.to_string(), status.socket.map(|socket| socket.to_string())))
            .collect::<Vec<_>>()
    };
    assert_eq!(named(&world), [("ci".into(), None), ("ci".into(), Some("agent".into()))]);
    let seen = |socket: &str| {
        let all = world.engine.restricted_profiles(&socket.parse().unwrap()).into_iter();
        all.map(|status| status.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!((seen("agent"), seen("gone")), (vec!["behind".into(), "ci".into()], Vec::<String>::new()));
    assert_eq!(seen("plain"), ["behind", "ci", "token"]);
    world.handle(Event::Logout(Scope::Profile("ci".parse().unwrap())));
    assert!(named(&world).is_empty());
    assert!(world.saved.is_empty());
}

#[test]
fn a_locked_agent_serves_nothing_there_either() {
    let mut world = World::new(SOCKETS);
    served_by(&mut world, "agent", "ci");
    world.succeed(HOUR);
    world.handle(Event::Lock);
    let locked = served_by(&mut world, "agent", "ci");
    assert!(world.failure(locked).message.contains("locked"));
}
