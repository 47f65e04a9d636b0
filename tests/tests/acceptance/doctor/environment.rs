//! Variables that lead AWS tools past keyfob, and places where a person can't be asked.

use super::{find, found, gone, pick, shell};
use keyfob_tests::World;

#[test]
fn variables_that_win_over_the_profile_are_told_and_unset() {
    let mut world = World::with_profile();
    for (variables, subject) in [
        (
            &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] as &[&str],
            "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN",
        ),
        (&["AWS_SESSION_TOKEN"], "AWS_SESSION_TOKEN"),
        (&["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"], "AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN"),
        (&["AWS_CONTAINER_CREDENTIALS_FULL_URI"], "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        (&["AWS_CONFIG_FILE"], "AWS_CONFIG_FILE"),
        (&["AWS_SHARED_CREDENTIALS_FILE"], "AWS_SHARED_CREDENTIALS_FILE"),
        (&["AWS_PROFILE"], "AWS_PROFILE"),
    ] {
        gone(&world, subject, "");
        for name in variables {
            world.environment.insert((*name).into(), "/nowhere/value-of-it".into());
        }
        let told = found(&world, subject, "");
        assert_eq!(told.severity, "warning", "{told:?}");
        let mended = shell(&world, &format!("{}; keyfob doctor --json", told.hint));
        assert!(pick(&mended, subject, "").is_none(), "{subject}: {mended:?}");
        for name in variables {
            world.environment.remove(*name);
        }
    }
}

#[test]
fn values_of_variables_are_not_shown() {
    let mut world = World::with_profile();
    world.add_secret("hunter2hunter2");
    world.environment.insert("AWS_SECRET_ACCESS_KEY".into(), "hunter2hunter2".into());
    // The hunt at the end of the world looks through all that was said.
    assert!(find(&world, "AWS_SECRET_ACCESS_KEY", "").is_some());
    world.environment.remove("AWS_SECRET_ACCESS_KEY");
    world.kill_daemons();
}

#[test]
fn a_program_of_exec_sees_nothing_that_is_wrong() {
    let world = World::with_profile();
    let run = shell(&world, "keyfob exec p -- keyfob doctor --json");
    assert!(run.ok().contains("\"note\"") && !run.stdout.contains("AWS_"), "{run:?}");
}

#[test]
fn a_vault_that_is_sealed_is_opened_over_ssh() {
    let mut world = World::new();
    world.config("[daemon]\nvault = \"file\"\n[identity.alice]\ntype = \"iam-user\"\n");
    world.keyfob_with_input(&["unlock"], "open sesame\nopen sesame").ok();
    world.environment.insert("SSH_CONNECTION".into(), "192.0.2.1 5 192.0.2.2 22".into());
    gone(&world, "vault over SSH", "");
    world.keyfob(&["daemon", "restart"]).ok();
    let told = found(&world, "vault over SSH", "the passphrase can be given here");
    assert_eq!((told.severity.as_str(), told.hint.as_str()), ("error", "keyfob unlock"));
    world.keyfob_with_input(&["unlock"], "open sesame").ok();
    gone(&world, "vault over SSH", "");
}

#[test]
fn wsl_without_a_keyring_is_told_of_a_vault_that_lasts() {
    let mut world = World::new();
    world.config("[identity.alice]\ntype = \"iam-user\"\n");
    gone(&world, "vault in WSL", "");
    world.environment.insert("WSL_DISTRO_NAME".into(), "Debian".into());
    let told = found(&world, "vault in WSL", "WSL without a keyring: memory");
    assert!(told.hint.starts_with("set vault = \"file\" in [daemon]"), "{told:?}");
    world.config("[daemon]\nvault = \"file\"\n[identity.alice]\ntype = \"iam-user\"\n");
    world.keyfob(&["daemon", "restart"]).ok();
    world.keyfob_with_input(&["unlock"], "open sesame\nopen sesame").ok();
    gone(&world, "vault in WSL", "");
}
