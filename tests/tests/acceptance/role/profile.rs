//! A trust policy for whoever a profile comes from.

use super::{json, template};
use keyfob_tests::{Run, World};
use serde_json::{Value, json as value};

const CONFIG: &str = r#"
[identity.alice]
type = "iam-user"
mfa_serial = "arn:aws:iam::999922223333:mfa/alice"
[identity.login]
type = "oidc"
issuer = "https://login.corp.example"
client_id = "keyfob"
[identity.corp]
type = "saml"
provider = "adfs"
url = "https://adfs.corp.example/"
[identity.pod]
type = "web-identity"
token_file = "/token"
[identity.helper]
type = "process"
command = ["helper"]
[profile.mfa]
identity = "alice"
role_arn = "arn:aws:iam::111122223333:role/R"
duration = "4h"
external_id = "cafe"
[profile.chain]
source = "mfa"
role_arn = "arn:aws:iam::444455556666:role/Q"
session_tags = { team = "data" }
[profile.login]
identity = "login"
role_arn = "arn:aws-us-gov:iam::111122223333:role/R"
[profile.corp]
identity = "corp"
role_arn = "arn:aws:iam::111122223333:role/R"
[profile.pod]
identity = "pod"
role_arn = "arn:aws:iam::111122223333:role/R"
[profile.helper]
identity = "helper"
role_arn = "arn:aws:iam::111122223333:role/R"
[profile.session]
identity = "alice"
"#;

fn of(world: &World, profile: &str) -> Run {
    template(world, "power-user", "cloudformation", &["--profile", profile])
}

fn role(world: &World, profile: &str) -> Value {
    json(of(world, profile).ok())["Resources"]["JobFunctionRole"]["Properties"].clone()
}

#[test]
fn a_profile_says_who_is_trusted() {
    let world = World::new();
    world.config(CONFIG);
    let mfa = role(&world, "mfa");
    assert_eq!(mfa["MaxSessionDuration"], 14_400);
    assert_eq!(
        mfa["AssumeRolePolicyDocument"]["Statement"],
        value!([{
            "Effect": "Allow",
            "Principal": { "AWS": "arn:aws:iam::999922223333:root" },
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": { "sts:ExternalId": "cafe" },
                "Bool": { "aws:MultiFactorAuthPresent": "true" },
            },
        }])
    );
    let chain = role(&world, "chain");
    assert_eq!(chain["MaxSessionDuration"], 3_600);
    let principal = value!({ "AWS": "arn:aws:iam::111122223333:role/R" });
    assert_eq!(
        chain["AssumeRolePolicyDocument"]["Statement"],
        value!([
            { "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" },
            { "Effect": "Allow", "Principal": principal, "Action": ["sts:TagSession"] },
        ])
    );
    let login = role(&world, "login");
    let provider = "arn:aws-us-gov:iam::111122223333:oidc-provider/login.corp.example";
    assert_eq!(
        login["AssumeRolePolicyDocument"]["Statement"],
        value!([{
            "Effect": "Allow",
            "Principal": { "Federated": provider },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": { "StringEquals": { "login.corp.example:aud": "keyfob" } },
        }])
    );
    assert_eq!(login["ManagedPolicyArns"], value!(["arn:aws-us-gov:iam::aws:policy/PowerUserAccess"]));
}

#[test]
fn what_a_profile_does_not_tell_is_asked_for_by_its_flag() {
    let world = World::new();
    world.config(CONFIG);
    for (profile, hint) in [
        ("corp", "--trust-saml arn:aws:iam::111122223333:saml-provider/NAME"),
        ("pod", "--trust-oidc arn:aws:iam::111122223333:oidc-provider/HOST --audience AUDIENCE"),
        ("helper", "--trust-account ID_OR_ARN"),
        ("session", "--trust-account"),
        ("absent", "keyfob profile list"),
    ] {
        let run = of(&world, profile);
        assert!(run.failed(2).contains(hint) && run.stdout.is_empty(), "{profile}: {run:?}");
    }
}

#[test]
fn the_role_of_a_profile_is_shown_for_one_and_not_for_all() {
    let world = World::new();
    world.config(CONFIG);
    let one = world.keyfob(&["profile", "show", "chain", "--json"]).json();
    assert_eq!(one[0]["role"]["assumed_by"]["role"]["arn"], "arn:aws:iam::111122223333:role/R");
    let all = world.keyfob(&["profile", "list", "--json"]).json();
    assert!(all.as_array().unwrap().iter().all(|profile| profile.get("role").is_none()), "{all}");
}
