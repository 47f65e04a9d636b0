//! Scripts of the AWS CLI, run against an IAM that others wrote, and read back with another client.

use super::{FUNCTIONS, json, template};
use crate::moto::Moto;
use keyfob_tests::{Run, World, parts};
use serde_json::Value;
use std::path::PathBuf;

const ALICE: &str = "arn:aws:iam::123456789012:user/alice";

/// Prints all roles, with what is attached to them.
const READ_BACK: &str = r#"
import boto3, json, sys
iam = boto3.client("iam", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
roles = {}
for role in iam.list_roles()["Roles"]:
    name = role["RoleName"]
    role = iam.get_role(RoleName=name)["Role"]
    policies = [policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]]
    profiles = [profile["InstanceProfileName"] for profile in iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]]
    roles[name] = {"trust": role["AssumeRolePolicyDocument"], "seconds": role["MaxSessionDuration"], "policies": policies, "profiles": profiles, "description": role["Description"]}
print(json.dumps(roles))
"#;

/// Makes a user who may call STS, has all checked from now on, and prints the user's key.
const ADD_USER: &str = r#"
import boto3, json, sys, urllib.request
url = sys.argv[1]
iam = boto3.client("iam", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
iam.create_user(UserName="alice")
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}
iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=json.dumps(policy))
key = iam.create_access_key(UserName="alice")["AccessKey"]
urllib.request.urlopen(urllib.request.Request(url + "/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"}))
print(key["AccessKeyId"], key["SecretAccessKey"])
"#;

struct Kit {
    moto: Moto,
    aws: PathBuf,
    python: PathBuf,
}

impl Kit {
    fn start(world: &mut World) -> Option<Self> {
        world.environment.insert("MOTO_IAM_LOAD_MANAGED_POLICIES".into(), "true".into());
        let moto = Moto::start(world)?;
        Some(Self { moto, aws: parts::find("aws")?, python: parts::python("boto3")? })
    }

    /// Runs the script of a template.
    fn run(&self, world: &World, script: &str) -> Run {
        let path =
            format!("{}:{}", self.aws.parent().unwrap().display(), world.environment["PATH"].display());
        let mut bash = world.command("bash");
        bash.args(["-c", script]).env("PATH", path).env("AWS_ENDPOINT_URL", &self.moto.url);
        bash.env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "x")
            .env("AWS_SECRET_ACCESS_KEY", "x");
        Run::from(bash.output().unwrap())
    }

    fn python(&self, world: &World, script: &str) -> String {
        let run = world.command(&self.python).args(["-c", script, &self.moto.url]).output().unwrap();
        Run::from(run).ok().to_owned()
    }
}

#[test]
fn the_script_of_each_job_function_makes_its_roles_and_may_be_run_again() {
    let mut world = World::new();
    let Some(kit) = Kit::start(&mut world) else { return };
    let trust = ["--trust-account", "123456789012", "--external-id", "it:1", "--mfa", "--max-duration", "4h"];
    let mut expected = 0;
    for (function, service_roles) in FUNCTIONS {
        let script = template(&world, function, "cli", &trust);
        let document = template(&world, function, "cloudformation", &trust);
        let first = kit.run(&world, script.ok());
        assert!(first.ok().contains(&format!("created role keyfob-{function}\n")), "{first:?}");
        let made = json(&kit.python(&world, READ_BACK));
        let resources = json(document.ok())["Resources"].clone();
        let roles = resources.as_object().unwrap().values();
        let roles: Vec<&Value> = roles.filter(|resource| resource["Type"] == "AWS::IAM::Role").collect();
        assert_eq!(roles.len(), 1 + service_roles);
        for role in roles.iter().map(|role| &role["Properties"]) {
            let found = &made[role["RoleName"].as_str().unwrap()];
            assert_eq!(found["trust"], role["AssumeRolePolicyDocument"]);
            assert_eq!(found["description"], role["Description"]);
            let policies = role.get("ManagedPolicyArns").cloned().unwrap_or(Value::Array(Vec::new()));
            assert_eq!(found["policies"], policies);
            let for_instances =
                role["AssumeRolePolicyDocument"].to_string().contains("\"ec2.amazonaws.com\"");
            let profiles = found["profiles"].as_array().unwrap();
            assert_eq!(profiles.first(), for_instances.then_some(&role["RoleName"]));
        }
        assert_eq!(made[format!("keyfob-{function}")]["seconds"], 14_400);
        if function == "system-administrator" {
            // It has roles of every kind.
            kit.run(&world, script.ok()).ok();
            assert_eq!(json(&kit.python(&world, READ_BACK)), made, "a second run changes nothing");
        }
        // The role that RDS uses is the same for both who have service roles.
        expected += 1 + service_roles - usize::from(function == "database-administrator");
        assert_eq!(made.as_object().unwrap().len(), expected);
    }
    let script =
        template(&world, "billing", "cli", &["--trust-account", "999988887777", "--max-duration", "1h"]);
    assert!(kit.run(&world, script.ok()).ok().starts_with("updated role keyfob-billing\n"));
    let billing = json(&kit.python(&world, READ_BACK))["keyfob-billing"].clone();
    assert_eq!(billing["seconds"], 3_600);
    assert_eq!(billing["trust"]["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::999988887777:root");
    assert_eq!(billing["trust"]["Statement"][0].get("Condition"), None);
}

#[test]
fn a_script_stops_at_the_first_refusal() {
    let mut world = World::new();
    let Some(kit) = Kit::start(&mut world) else { return };
    let script = template(&world, "billing", "cli", &["--trust-account", ALICE]);
    let script = script.ok().replace("policy/job-function/Billing", "policy/job-function/Absent");
    let run = kit.run(&world, &format!("{script}\necho went on\n"));
    assert!(run.status != 0 && !run.stdout.contains("went on"), "{run:?}");
}

#[test]
fn a_role_of_a_template_is_assumed_by_whom_it_trusts_and_by_nobody_else() {
    let mut world = World::new();
    let Some(kit) = Kit::start(&mut world) else { return };
    let trust = ["--trust-account", ALICE, "--external-id", "right"];
    kit.run(&world, template(&world, "power-user", "cli", &trust).ok()).ok();
    let user = kit.python(&world, ADD_USER);
    let (id, secret) = user.trim().split_once(' ').unwrap();
    world.add_secret(secret);
    let profile = |name: &str, external_id: &str| {
        format!(
            "[profile.{name}]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::123456789012:role/keyfob-power-user\"\nexternal_id = \"{external_id}\"\n"
        )
    };
    world.config_text(&format!(
        "[daemon]\nvault = \"memory\"\n[endpoints]\nsts = \"{}\"\n[identity.alice]\ntype = \"iam-user\"\n{}{}",
        kit.moto.url,
        profile("careful", "right"),
        profile("careless", "wrong"),
    ));
    world.keyfob_with_input(&["key", "add", "alice", "--access-key-id", id], secret).ok();
    world.get("careful").ok();
    world.get("careless").failed(1);
}
