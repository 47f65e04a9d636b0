//! Profiles of AWS tools that do not ask keyfob, though it looks as if they did.

use super::{found, gone, shell};
use keyfob_tests::World;
use std::fs;

const SUBJECT: &str = "AWS profile p";
const KEY: &str = "aws_access_key_id = AKIAABCDEFGHIJKLMNOP\naws_secret_access_key = none\n";

fn write(world: &World, file: &str, text: &str) {
    fs::write(world.path("home/.aws").join(file), text).unwrap();
}

/// A profile as `keyfob import` writes it, with a program that is there.
fn ours(world: &World) -> String {
    format!("[profile p]\ncredential_process = {} get p\n", world.program("keyfob").display())
}

#[test]
fn what_stands_beside_credential_process_is_to_be_removed() {
    let world = World::with_profile();
    let ours = ours(&world);
    write(&world, "config", &ours);
    gone(&world, SUBJECT, "");
    for (more, names) in [
        (KEY, "aws_access_key_id, aws_secret_access_key"),
        ("role_arn = arn:aws:iam::111122223333:role/Q\nsource_profile = other\n", "role_arn, source_profile"),
        ("sso_session = corp\n", "sso_session"),
        ("web_identity_token_file = /x\n", "web_identity_token_file"),
    ] {
        write(&world, "config", &format!("{ours}{more}"));
        let told = found(&world, SUBJECT, names);
        assert_eq!(told.severity, "error");
        assert!(told.hint.starts_with(&format!("remove {names} from [profile p] in ")), "{told:?}");
        // What the hint says.
        write(&world, "config", &ours);
        gone(&world, SUBJECT, "");
    }
    write(&world, "credentials", &format!("[q]\n{KEY}"));
    gone(&world, SUBJECT, "");
    write(&world, "credentials", &format!("[q]\n{KEY}[p]\n{KEY}"));
    let told = found(&world, SUBJECT, "aws_access_key_id");
    assert!(told.hint.contains("from [p] in ") && told.hint.ends_with("/.aws/credentials"), "{told:?}");
    write(&world, "credentials", &format!("[q]\n{KEY}[p]\n"));
    gone(&world, SUBJECT, "");
}

#[test]
fn a_program_that_is_not_there_is_replaced_by_the_one_that_asks() {
    let mut world = World::with_profile();
    world.environment.insert("PATH".into(), "/usr/bin:/bin".into());
    for program in ["/nowhere/keyfob", "keyfob"] {
        write(&world, "config", &format!("[profile p]\ncredential_process = {program} get p\n"));
        let told = found(&world, SUBJECT, &format!("runs {program}, which is not there"));
        let line = told.hint.strip_prefix("set ").unwrap().split(" in /").next().unwrap();
        write(&world, "config", &format!("[profile p]\n{line}\n"));
        gone(&world, SUBJECT, "");
        let command = line.split_once("= ").unwrap().1;
        assert!(shell(&world, command).ok().contains("AccessKeyId"), "{command}");
    }
    // One that the shell finds needs no path.
    write(&world, "config", "[profile p]\ncredential_process = keyfob get p\n");
    let bin = world.program("keyfob").parent().unwrap().display().to_string();
    world.environment.insert("PATH".into(), format!("/usr/bin:{bin}").into());
    gone(&world, SUBJECT, "");
}

#[test]
fn a_profile_that_keyfob_does_not_have_is_added() {
    let world = World::with_profile();
    let program = world.program("keyfob");
    write(&world, "config", &format!("[profile q]\ncredential_process = {} get q\n", program.display()));
    let told = found(&world, "AWS profile q", "asks for profile q, which keyfob does not have");
    assert!(told.hint.starts_with("add [profile.q] to the configuration"), "{told:?}");
    world.config("[identity.alice]\ntype = \"iam-user\"\n[profile.q]\nidentity = \"alice\"\n");
    world.keyfob(&["daemon", "reload"]).ok();
    gone(&world, "AWS profile q", "");
}

#[test]
fn a_chosen_profile_has_to_ask_keyfob() {
    let mut world = World::with_profile();
    world.environment.insert("AWS_PROFILE".into(), "p".into());
    write(&world, "credentials", &format!("[p]\n{KEY}"));
    found(&world, "AWS_PROFILE", "whose key does not renew");
    write(&world, "credentials", "");
    write(&world, "config", "[profile p]\nregion = eu-west-1\n");
    found(&world, "AWS_PROFILE", "which does not ask keyfob");
    write(&world, "config", &ours(&world));
    gone(&world, "AWS_PROFILE", "");
}
