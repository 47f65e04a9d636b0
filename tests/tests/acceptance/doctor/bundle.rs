//! The support file holds what helps, and nothing that is a secret or names somebody.

use keyfob_tests::world::is_private;
use keyfob_tests::{World, leaks};
use serde_json::Value;
use std::fs;

/// What the configuration and the files of AWS tools have, and the support file must not.
const PRIVATE: &[&str] = &[
    "hunter2-argument",
    "hunter2-external",
    "hunter2-proxy",
    "hunter2-query",
    "hunter2-comment",
    "hunter2-policy",
    "hunter2-tag",
    "hunter2-key",
    "alice.b@corp.example",
    "AKIAABCDEFGHIJKLMNOP",
    "111122223333",
    "444455556666",
];

fn world() -> World {
    let mut world = World::new();
    let command = world.path("home/code");
    fs::write(&command, "#!/bin/sh\necho '{\"Version\":1}'\n").unwrap();
    world.config(&format!(
        "# hunter2-comment\n[identity.alice]\ntype = \"iam-user\"\n[identity.corp]\ntype = \"saml\"\nprovider = \"adfs\"\nurl = \"https://idp.example/adfs/ls/IdpInitiatedSignOn.aspx?loginToRp=hunter2-query\"\nusername = \"alice.b@corp.example\"\n[identity.tool]\ntype = \"process\"\ncommand = [\"/bin/sh\", \"{}\", \"--token\", \"hunter2-argument\"]\n[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\nexternal_id = \"hunter2-external\"\nsession_tags = {{ a = \"hunter2-tag\" }}\npolicy = '''\n{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Sid\":\"x\",\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::hunter2-policy\"}}]}}\n'''\nregion = \"eu-west-1\"\n[profile.bad]\nidentity = \"tool\"\nregion = \"eu-west-1\"\n[profile.mfa]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::444455556666:role/Q\"\nregion = \"eu-west-1\"\n",
        command.display()
    ));
    world.environment.insert("HTTPS_PROXY".into(), "http://bob:hunter2-proxy@127.0.0.1:1".into());
    fs::write(
        world.path("home/.aws/credentials"),
        "[q]\naws_access_key_id = AKIAABCDEFGHIJKLMNOP\naws_secret_access_key = hunter2-key\n",
    )
    .unwrap();
    world.add_key("alice");
    world
}

#[test]
fn the_support_file_helps_and_holds_no_secret() {
    let world = world();
    world.get("p").ok();
    world.get("bad");
    world.aws.fault(keyfob_tests::Fault::Error(
        "AccessDenied",
        "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: sts:AssumeRole",
    ));
    world.get("mfa");
    world.aws.fault(keyfob_tests::Fault::None);
    let file = world.path("home/support.json");
    let name = file.to_str().unwrap();
    assert!(world.keyfob(&["doctor", "--bundle", name]).ok().contains("look through it"));
    assert!(is_private(&file));
    let bytes = fs::read(&file).unwrap();
    let secrets: Vec<String> =
        world.secrets().into_iter().chain(PRIVATE.iter().map(ToString::to_string)).collect();
    assert!(world.secrets().len() >= 3, "the ledger has the key and the session");
    let found = leaks::in_bytes(name, &bytes, &secrets);
    assert!(found.is_empty(), "{found:?}");
    let told: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(told["versions"]["client"], told["versions"]["daemon"]);
    assert!(
        told["findings"].as_array().unwrap().iter().any(|finding| finding["subject"] == "profile mfa"),
        "{told:#}"
    );
    assert!(told["status"]["profiles"].as_array().unwrap().iter().any(|profile| profile["name"] == "p"));
    let shape: Vec<&str> =
        told["configuration"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for line in [
        "[profile.p]",
        "region = \"eu-west-1\"",
        "policy = <several lines>",
        "type = \"saml\"",
        "command = [\"/bin/sh\", <arguments>]",
    ] {
        assert!(shape.contains(&line), "{line}: {shape:?}");
    }
    assert!(told["log"].as_array().unwrap().len() > 3);
    assert!(
        told["aws_credentials"][0].as_str().unwrap().contains("[q] aws_access_key_id, aws_secret_access_key")
    );
    assert!(told["variables_that_are_set"].as_array().unwrap().iter().any(|name| name == "HTTPS_PROXY"));
}

#[test]
fn one_account_has_one_mark_in_the_whole_file() {
    let world = world();
    world.get("p").ok();
    let file = world.path("home/support.json");
    world.keyfob(&["doctor", "--bundle", file.to_str().unwrap()]).ok();
    let text = fs::read_to_string(&file).unwrap();
    let marks: std::collections::BTreeSet<&str> =
        text.split("<account ").skip(1).filter_map(|rest| rest.split('>').next()).collect();
    assert!((1..=3).contains(&marks.len()), "{marks:?}");
}

#[test]
fn a_file_that_is_there_is_not_written_over() {
    let world = World::with_profile();
    let file = world.path("home/precious");
    fs::write(&file, "precious").unwrap();
    let link = world.path("home/link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for name in [&file, &link] {
        let run = world.keyfob(&["doctor", "--bundle", name.to_str().unwrap()]);
        assert!(run.failed(2).contains("name another file"), "{run:?}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert!(!world.path("home/support.json").exists());
}

#[test]
fn a_bundle_is_written_without_a_daemon_too() {
    let world = World::new();
    world.config("");
    fs::set_permissions(world.path("state"), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let file = world.path("home/support.json");
    world.keyfob(&["doctor", "--bundle", file.to_str().unwrap()]).ok();
    let told: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(told["status"], Value::Null);
    assert_eq!(told["findings"][0]["subject"], "daemon");
}
