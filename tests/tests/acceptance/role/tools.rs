//! Templates as the linter of CloudFormation and the parser of Terraform read them.

use super::{ACCOUNT, FUNCTIONS, OIDC, SAML, json, template};
use keyfob_tests::{Run, World, parts};
use serde_json::Value;
use std::path::PathBuf;

/// Writes a template of each job function, with another trust each.
fn written(world: &World, format: &str, file: &str) -> Vec<PathBuf> {
    let trusts = [ACCOUNT, SAML, OIDC, &["--trust-account", "arn:aws:iam::123456789012:role/team/x"]];
    let write = |(index, (function, _)): (usize, &(&str, usize))| {
        let trust = trusts[index % trusts.len()];
        let marks = ["--max-duration", "12h", "--session-tags", "--source-identity"];
        let marks = if index % 2 == 0 { &marks[..] } else { &[] };
        let run = template(world, function, format, &[trust, marks].concat());
        let directory = world.path(&format!("home/{function}"));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(file), run.ok()).unwrap();
        directory.join(file)
    };
    FUNCTIONS.iter().enumerate().map(write).collect()
}

fn parsed(file: &PathBuf) -> Value {
    json(&std::fs::read_to_string(file).unwrap())
}

#[test]
fn the_linter_of_cloudformation_finds_nothing_in_any_template() {
    let world = World::new();
    if parts::python("cfnlint").is_none() {
        return;
    }
    let Some(linter) = parts::find("cfn-lint") else { return };
    let lint = |files: &[PathBuf]| {
        let mut command = world.command(&linter);
        // Warnings are findings too.
        Run::from(command.args(["--non-zero-exit-code", "informational", "--"]).args(files).output().unwrap())
    };
    let files = written(&world, "cloudformation", "template.json");
    let run = lint(&files);
    assert_eq!((run.ok(), run.stderr.as_str()), ("", ""));
    let mut broken = parsed(&files[0]);
    broken["Resources"]["JobFunctionRole"]["Properties"]["MaxSessionDuration"] = 99.into();
    let file = world.path("home/broken.json");
    std::fs::write(&file, broken.to_string()).unwrap();
    let run = lint(&[file]);
    assert!(run.status != 0 && run.stdout.contains("99"), "the linter looks at roles: {run:?}");
}

#[test]
fn the_parser_of_terraform_reads_what_cloudformation_would_make() {
    let world = World::new();
    let parser = match parts::part("terraform/parse") {
        Ok(parser) => parser,
        Err(why) => return skipped(&why),
    };
    let files = written(&world, "terraform", "main.tf.json");
    let templates = written(&world, "cloudformation", "template.json");
    for (file, expected) in files.iter().zip(&templates) {
        let run = Run::from(world.command(&parser).arg(file).output().unwrap());
        let found = json(run.ok());
        assert_eq!(roles_of_terraform(&found), roles_of_cloudformation(&parsed(expected)));
        assert_eq!(found["output"]["role_arn"]["value"], "arn of job_function_role");
    }
    for (index, right, wrong) in [(4, "{aws_iam_role.ec2", "{aws_iam_role.absent"), (2, "%%{", "%{")] {
        let text = std::fs::read_to_string(&files[index]).unwrap();
        assert!(text.contains(right));
        std::fs::write(&files[index], text.replace(right, wrong)).unwrap();
        let run = Run::from(world.command(&parser).arg(&files[index]).output().unwrap());
        assert!(run.status != 0, "the parser follows references and reads templates: {run:?}");
    }
}

/// What both tools say of a role: name, description, trust, duration, policy, and whether it has an instance profile.
type Role = (String, Value, Value, Value, Value, bool);

fn roles_of_cloudformation(template: &Value) -> Vec<Role> {
    let resources = template["Resources"].as_object().unwrap();
    let of = |kind: &'static str| {
        resources.values().filter(move |resource| resource["Type"] == kind).map(|found| &found["Properties"])
    };
    let mut roles: Vec<Role> = of("AWS::IAM::Role")
        .map(|role| {
            let profile = of("AWS::IAM::InstanceProfile")
                .any(|profile| profile["InstanceProfileName"] == role["RoleName"]);
            (
                role["RoleName"].as_str().unwrap().to_owned(),
                role["Description"].clone(),
                role["AssumeRolePolicyDocument"].clone(),
                role["MaxSessionDuration"].clone(),
                role["ManagedPolicyArns"][0].clone(),
                profile,
            )
        })
        .collect();
    roles.sort_by(|one, other| one.0.cmp(&other.0));
    roles
}

fn roles_of_terraform(found: &Value) -> Vec<Role> {
    let of =
        |kind: &str| found[kind].as_object().into_iter().flat_map(|all| all.values()).collect::<Vec<_>>();
    let attachments = of("aws_iam_role_policy_attachment");
    let profiles = of("aws_iam_instance_profile");
    let mut roles: Vec<Role> = of("aws_iam_role")
        .into_iter()
        .map(|role| {
            let attached = attachments.iter().find(|attachment| attachment["role"] == role["name"]);
            let profile = profiles.iter().find(|profile| profile["role"] == role["name"]);
            assert!(profile.is_none_or(|profile| profile["name"] == role["name"]));
            (
                role["name"].as_str().unwrap().to_owned(),
                role["description"].clone(),
                json(role["assume_role_policy"].as_str().unwrap()),
                role["max_session_duration"].clone(),
                attached.map_or(Value::Null, |attached| attached["policy_arn"].clone()),
                profile.is_some(),
            )
        })
        .collect();
    roles.sort_by(|one, other| one.0.cmp(&other.0));
    roles
}

/// Not to be had without Go, which is not asked for.
#[allow(clippy::print_stderr, reason = "the runner shows it with --nocapture")]
fn skipped(why: &str) {
    eprintln!("skipped: the parser of Terraform: {why}");
}
