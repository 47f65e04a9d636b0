//! Roles for job functions: what is told of them, and templates that other tools accept and that do what they say.

mod moto;
mod profile;
mod tools;

use keyfob_tests::{Run, World};
use serde_json::Value;

/// All of them, and how many service roles each has.
const FUNCTIONS: [(&str, usize); 6] = [
    ("administrator", 0),
    ("billing", 0),
    ("security-auditor", 0),
    ("power-user", 0),
    ("system-administrator", 4),
    ("database-administrator", 7),
];

const SAML: &[&str] = &["--trust-saml", "arn:aws:iam::123456789012:saml-provider/corp"];
const OIDC: &[&str] = &[
    "--trust-oidc",
    "arn:aws:iam::123456789012:oidc-provider/login.example.com/realms/x",
    "--audience",
    "%{keyfob",
];
const ACCOUNT: &[&str] = &["--trust-account", "123456789012", "--external-id", "cafe:1", "--mfa"];

fn template(world: &World, function: &str, format: &str, more: &[&str]) -> Run {
    world.keyfob(&[&["role", "template", function, "--format", format], more].concat())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_job_functions_are_listed_and_shown_without_a_daemon() {
    let world = World::new();
    let list = world.keyfob(&["role", "list", "--json"]).json();
    let listed: Vec<(&str, usize)> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|function| {
            (function["name"].as_str().unwrap(), function["service_roles"].as_array().unwrap().len())
        })
        .collect();
    assert_eq!(listed, FUNCTIONS);
    let people = world.keyfob(&["role", "list"]);
    assert!(people.ok().lines().count() == 7 && people.stdout.contains("job-function/Billing"), "{people:?}");
    for (index, (function, _)) in FUNCTIONS.iter().enumerate() {
        assert_eq!(world.keyfob(&["role", "show", function, "--json"]).json(), list[index]);
    }
    let shown = world.keyfob(&["role", "show", "database-administrator"]);
    for expected in [
        "managed policy  arn:aws:iam::aws:policy/job-function/DatabaseAdministrator\n",
        "service role      rds-monitoring-role\n",
        "RDS Enhanced Monitoring (monitoring.rds.amazonaws.com)\n",
        "Data Pipeline (datapipeline.amazonaws.com), EMR (elasticmapreduce.amazonaws.com)\n",
        "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole\n",
        "none; write one with what the pipelines need: https://docs.aws.amazon.com/",
    ] {
        assert!(shown.ok().contains(expected), "{expected}: {}", shown.stdout);
    }
    let unknown = world.keyfob(&["role", "show", "auditor"]);
    assert!(unknown.failed(2).contains("is not one of administrator, "), "{unknown:?}");
    template(&world, "billing", "cli", SAML).ok();
    assert!(world.daemons().is_empty(), "nothing of this needs a daemon");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let world = World::new();
    for (arguments, expected) in [
        (&[] as &[&str], "--trust-saml"),
        (&["--trust-account", "1"], "12 digits"),
        (&["--trust-account", "*"], "12 digits"),
        (&["--trust-account", "123456789012", "--subject", "x"], "cannot be used with"),
        (&["--trust-account", "123456789012", "--audience", "x"], "cannot be used with"),
        (&["--trust-saml", "arn:aws:iam::123456789012:role/corp"], "saml-provider/NAME"),
        (&["--trust-saml", SAML[1], "--mfa"], "cannot be used with"),
        (&["--trust-saml", SAML[1], "--external-id", "cafe"], "cannot be used with"),
        (&["--profile", "p", "--mfa"], "cannot be used with"),
        (&["--profile", "p", "--partition", "aws"], "cannot be used with"),
        (&["--trust-saml", SAML[1], "--trust-account", "123456789012"], "cannot be used with"),
        (&["--trust-oidc", OIDC[1]], "--audience"),
        (&["--trust-saml", SAML[1], "--partition", "aws-cn"], "can't trust"),
        (&["--trust-account", "123456789012", "--partition", "moon"], "no partition of AWS"),
        (&["--trust-account", "123456789012", "--max-duration", "30m"], "1 to 12 hours"),
        (&["--trust-account", "123456789012", "--max-duration", "13h"], "1 to 12 hours"),
        (&["--trust-account", "123456789012", "--max-duration", "4"], "1 to 12 hours"),
        (&["--trust-account", "123456789012", "--name", "$(id)"], "letters, digits"),
        (&["--trust-account", "123456789012", "--service-role", "x"], "no service role"),
    ] {
        let run = template(&world, "billing", "cli", arguments);
        assert!(run.failed(2).contains(expected) && run.stdout.is_empty(), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains("\nhint: "), "{run:?}");
    }
    let github =
        ["--trust-oidc", "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"];
    let run =
        template(&world, "billing", "cli", &[&github[..], &["--audience", "sts.amazonaws.com"]].concat());
    assert!(run.failed(2).contains("every workflow on GitHub"), "{run:?}");
}

#[test]
fn what_is_left_to_do_is_told_beside_the_template() {
    let world = World::new();
    let run = template(&world, "system-administrator", "cloudformation", SAML);
    assert!(run.stderr.starts_with("note: ec2-sysadmin-keyfob: may do nothing yet: "), "{run:?}");
    json(run.ok());
    let quiet = [SAML, &["--no-service-roles"]].concat();
    assert_eq!(template(&world, "system-administrator", "cloudformation", &quiet).stderr, "");
}
