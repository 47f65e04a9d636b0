//! What is asked of STS, and what is made of its answers.

use keyfob_tests::world::session_name;
use keyfob_tests::{Fault, Run, World};
use std::time::Duration;

const ROLE: &str = "role_arn = \"arn:aws:iam::111122223333:role/R\"\n";

fn world(text: &str) -> World {
    let world = World::new();
    world.config(&format!("[identity.alice]\ntype = \"iam-user\"\n{text}"));
    world.add_key("alice");
    world
}

#[test]
fn every_parameter_of_a_role_reaches_sts() {
    let world = world(&format!(
        r#"[profile.p]
identity = "alice"
{ROLE}duration = "2h"
external_id = "x:1"
session_name = "me@work"
source_identity = "alice.a"
session_tags = {{ team = "data", cost = "7" }}
transitive_tags = ["team"]
policy = '{{"Version": "2012-10-17", "Statement": []}}'
policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
"#
    ));
    world.get("p").ok();
    let call = world.aws.mints().pop().unwrap();
    let parameter = |name: &str| call.parameters.get(name).map(String::as_str).unwrap_or_default();
    for (name, value) in [
        ("RoleArn", "arn:aws:iam::111122223333:role/R"),
        ("DurationSeconds", "7200"),
        ("ExternalId", "x:1"),
        ("RoleSessionName", "me@work"),
        ("SourceIdentity", "alice.a"),
        ("Tags.member.1.Key", "cost"),
        ("Tags.member.1.Value", "7"),
        ("Tags.member.2.Key", "team"),
        ("TransitiveTagKeys.member.1", "team"),
        ("Policy", r#"{"Statement":[],"Version":"2012-10-17"}"#),
        ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
    ] {
        assert_eq!(parameter(name), value, "{name}");
    }
}

#[test]
fn a_chain_of_roles_is_walked_hop_by_hop() {
    let world = world(&format!(
        "[profile.one]\nidentity = \"alice\"\n{ROLE}\n[profile.two]\nsource = \"one\"\nrole_arn = \"arn:aws:iam::444455556666:role/Two\"\n[profile.three]\nsource = \"two\"\nrole_arn = \"arn:aws:iam::444455556666:role/Three\"\n"
    ));
    world.get("three").ok();
    let roles: Vec<String> =
        world.aws.mints().iter().map(|call| call.parameters["RoleArn"].clone()).collect();
    assert_eq!(
        roles.iter().map(|role| role.rsplit('/').next().unwrap()).collect::<Vec<_>>(),
        ["R", "Two", "Three"]
    );
    assert_eq!(world.get("three").json()["AccountId"], "444455556666");
    // The sessions on the way are those of the other profiles.
    world.get("one").ok();
    world.get("two").ok();
    assert_eq!(world.aws.mints().len(), 3);
}

#[test]
fn a_role_that_allows_less_is_asked_once_more_and_the_answer_is_remembered() {
    let world = world(&format!("[profile.p]\nidentity = \"alice\"\n{ROLE}duration = \"4h\"\n"));
    world.aws.role_maximum(3_600);
    world.get("p").ok();
    let asked = || -> Vec<String> {
        world.aws.mints().iter().map(|call| call.parameters["DurationSeconds"].clone()).collect()
    };
    assert_eq!(asked(), ["14400", "3600"]);
    let note = world.profile("p")["note"].as_str().unwrap().to_owned();
    assert!(note.contains("14400 s") && note.contains("3600 s"), "{note}");
    world.keyfob(&["daemon", "reload"]).ok();
    assert_eq!(asked(), ["14400", "3600"]);
    // A person who logs out starts afresh: the role's maximum may have been raised.
    world.keyfob(&["logout", "p"]).ok();
    world.get("p").ok();
    assert_eq!(asked(), ["14400", "3600", "14400", "3600"]);
}

#[test]
fn role_chaining_is_capped_at_an_hour_and_said_so() {
    let world = world(&format!(
        "[profile.one]\nidentity = \"alice\"\n{ROLE}[profile.two]\nsource = \"one\"\nrole_arn = \"arn:aws:iam::444455556666:role/Two\"\nduration = \"8h\"\n"
    ));
    world.get("two").ok();
    let check = world.keyfob(&["profile", "check"]);
    assert!(check.ok().contains("role chaining at one hour"), "{check:?}");
    assert_eq!(world.aws.mints().len(), 3);
}

#[test]
fn a_clock_that_is_wrong_is_corrected_by_the_answer_of_sts() {
    let world = world(&format!("[profile.p]\nidentity = \"alice\"\n{ROLE}"));
    for minutes in [20, -20] {
        world.aws.ahead(minutes * 60);
        world.keyfob(&["logout", "--all"]).ok();
        let before = world.aws.mints().len();
        let document = world.get("p").json();
        assert_eq!(world.aws.mints().len() - before, 2, "one refusal, one mint");
        // An hour by our own clock, whatever the clock of AWS shows.
        let told = keyfob_shared::Timestamp::parse(document["Expiration"].as_str().unwrap()).unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let left = told.millis() / 1_000 - i64::try_from(now.as_secs()).unwrap();
        assert!((3_500..=3_545).contains(&left), "{left} s left");
    }
}

#[test]
fn a_refusal_is_told_with_its_cause_and_asked_once() {
    for (code, message, status, expected) in [
        (
            "AccessDenied",
            "User: arn:aws:iam::1:user/alice is not authorized to perform: sts:AssumeRole",
            1,
            "trust policy",
        ),
        (
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            3,
            "keyfob key add alice",
        ),
        (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match",
            3,
            "does not belong to the access key id",
        ),
        ("PackedPolicyTooLarge", "Packed policy consumes 103% of allotted space", 2, "shorten the policy"),
        ("RegionDisabledException", "STS is not activated in this region", 1, "another region"),
    ] {
        let world = world(&format!("[profile.p]\nidentity = \"alice\"\n{ROLE}"));
        world.aws.fault(Fault::Error(code, message));
        for _ in 0..2 {
            let run = world.get("p");
            assert!(run.failed(status).contains(expected), "{code}: {run:?}");
        }
        assert_eq!(world.aws.mints().len(), 1, "{code}");
    }
}

#[test]
fn an_mfa_command_gives_the_code_and_no_code_is_sent_twice() {
    let world = World::new();
    let codes = world.path("codes");
    let next = world.path("next-code");
    let script = format!(
        "#!/bin/sh\n[ -z \"$AWS_PROFILE\" ] || exit 9\necho x >> {0}\nprintf '%06d\\n' $(( 100000 + $(wc -l < {0}) / 2 ))\n",
        codes.display()
    );
    std::fs::write(&next, script).unwrap();
    std::fs::set_permissions(&next, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    world.config(&format!(
        "[identity.alice]\ntype = \"iam-user\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/alice\"\nmfa_command = [\"{}\"]\n[profile.p]\nidentity = \"alice\"\n{ROLE}[profile.q]\nidentity = \"alice\"\n",
        next.display()
    ));
    world.add_key("alice");
    world.get("p").ok();
    world.get("q").ok();
    let codes: Vec<String> =
        world.aws.mints().iter().filter_map(|call| call.parameters.get("TokenCode").cloned()).collect();
    assert_eq!(codes, ["100000"]);
    assert_eq!(world.keyfob(&["login", "alice"]).status, 0);
    let codes: Vec<String> =
        world.aws.mints().iter().filter_map(|call| call.parameters.get("TokenCode").cloned()).collect();
    assert_eq!(codes, ["100000", "100001"]);
}

#[test]
fn a_code_that_was_typed_before_is_not_sent() {
    let world = World::new();
    world.config(&format!(
        "[identity.alice]\ntype = \"iam-user\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/alice\"\n[profile.p]\nidentity = \"alice\"\n{ROLE}"
    ));
    world.add_key("alice");
    world.keyfob_with_input(&["login", "alice"], "123456").ok();
    let again = world.keyfob_with_input(&["login", "alice"], "123456");
    assert!(again.failed(3).contains("used already"), "{again:?}");
    assert_eq!(world.aws.mints().len(), 1);
    let wrong = world.keyfob_with_input(&["login", "alice"], "12345");
    assert!(wrong.failed(3).contains("six digits"), "{wrong:?}");
    let refused = world.keyfob_with_input(&["login", "alice"], "000000");
    assert!(refused.failed(3).contains("wrong or missing"), "{refused:?}");
    world.get("p").ok();
}

#[test]
fn a_call_that_is_slow_delays_only_its_own_profile() {
    let world = world(&format!(
        "[profile.p]\nidentity = \"alice\"\n{ROLE}[profile.slow]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/Slow\"\n"
    ));
    world.get("p").ok();
    world.aws.slow_role("arn:aws:iam::111122223333:role/Slow", Duration::from_secs(3));
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| world.get("slow"));
        let start = std::time::Instant::now();
        let mut served = 0;
        while start.elapsed() < Duration::from_millis(2_500) {
            world.get("p").ok();
            served += 1;
        }
        assert!(served > 50, "{served}");
        slow.join().unwrap().ok();
    });
}

#[test]
fn sessions_are_named_after_the_user_whoever_starts_the_daemon() {
    let name = |world: &World| world.aws.mints().last().unwrap().parameters["RoleSessionName"].clone();
    let mut world = World::with_profile();
    world.get("p").ok();
    assert_eq!(name(&world), session_name("tester"));
    world.keyfob(&["daemon", "stop"]).ok();
    world.environment.remove("USER");
    world.add_key("alice");
    world.get("p").ok();
    let user = Run::from(world.command("id").arg("-un").output().unwrap());
    assert_eq!(name(&world), session_name(user.stdout.trim()));
}

#[test]
fn a_name_of_an_identity_and_a_profile_logs_both_out() {
    let world = World::new();
    world.config("[identity.a]\ntype = \"iam-user\"\n[identity.b]\ntype = \"iam-user\"\n[profile.a]\nidentity = \"b\"\n[profile.p]\nidentity = \"a\"\n");
    world.add_key("a");
    world.add_key("b");
    let before = [world.get("a").access_key_id(), world.get("p").access_key_id()];
    let run = world.keyfob(&["logout", "a"]);
    assert!(run.ok().contains("of identity a and of profile a"), "{run:?}");
    assert!(world.get("a").access_key_id() != before[0] && world.get("p").access_key_id() != before[1]);
}
