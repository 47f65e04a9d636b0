//! What people type, and what they get.

use keyfob_tests::world::eventually;
use keyfob_tests::{Run, World};
use std::time::Duration;

#[test]
fn get_prints_the_document_of_credential_process() {
    let world = World::with_profile();
    let run = world.get("p");
    let document = run.json();
    assert_eq!(document["Version"], 1);
    assert_eq!(document["AccountId"], "111122223333");
    for name in ["AccessKeyId", "SecretAccessKey", "SessionToken"] {
        assert!(document[name].as_str().is_some_and(|text| !text.is_empty()), "{name}");
    }
    let expiration = document["Expiration"].as_str().unwrap();
    assert!(expiration.ends_with('Z') && expiration.len() == 20, "{expiration}");
    assert!(run.stdout.ends_with("}\n") && run.stderr.is_empty());
}

#[test]
fn the_status_is_the_contract() {
    let world = World::with_profile();
    world.get("p").ok();
    let status = world.status();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for name in ["version", "pid", "vault"] {
        assert!(keys(&status["daemon"]).contains(&name.to_owned()), "{name}");
    }
    for name in ["kind", "state", "reason"] {
        assert!(keys(&status["daemon"]["vault"]).contains(&name.to_owned()), "{name}");
    }
    for name in ["name", "state", "expires_at", "renew_at", "last_used_at", "last_error"] {
        assert!(keys(&status["profiles"][0]).contains(&name.to_owned()), "{name}");
    }
    for name in ["name", "type", "state", "sign_in_needed_by"] {
        assert!(keys(&status["identities"][0]).contains(&name.to_owned()), "{name}");
    }
    let profile = &status["profiles"][0];
    assert_eq!((profile["name"].as_str(), profile["state"].as_str()), (Some("p"), Some("ready")));
    assert!(profile["expires_at"].as_str() > profile["renew_at"].as_str());
    assert_eq!(profile["last_error"], serde_json::Value::Null);
    assert_eq!(status["identities"][0]["type"], "iam-user");
    assert_eq!(status["daemon"]["pid"], world.daemons()[0]);
    let people = world.keyfob(&["status"]);
    assert!(
        people.ok().contains("p        ready  in 5") && people.stdout.contains("vault memory"),
        "{people:?}"
    );
}

#[test]
fn env_prints_what_each_shell_reads_and_says_that_it_ends() {
    let world = World::with_profile();
    let id = world.get("p").access_key_id();
    let run = world.keyfob(&["env", "p", "--shell", "bash"]);
    assert!(run.ok().contains(&format!("export AWS_ACCESS_KEY_ID='{id}'\n")));
    assert!(run.stdout.contains("export AWS_REGION='eu-west-1'\n"));
    assert!(run.stderr.contains("do not renew"));
    let script = format!("{}printf %s \"$AWS_ACCESS_KEY_ID $AWS_SESSION_TOKEN\"", run.stdout);
    let output = Run::from(world.command("sh").args(["-c", &script]).output().unwrap());
    assert!(output.ok().starts_with(&format!("{id} s3cr")));
    for (shell, start) in
        [("fish", "set -gx "), ("powershell", "$Env:"), ("cmd", "set \""), ("zsh", "export ")]
    {
        assert!(world.keyfob(&["env", "p", "--shell", shell]).ok().starts_with(start), "{shell}");
    }
    world.keyfob(&["env", "absent"]).failed(2);
}

#[test]
fn logout_forgets_and_the_next_get_mints_anew() {
    let world = World::with_profile();
    let first = world.get("p").access_key_id();
    assert!(world.keyfob(&["logout", "p"]).ok().contains("profile p"));
    let second = world.get("p").access_key_id();
    assert_ne!(first, second);
    world.keyfob(&["logout", "alice"]).ok();
    assert_ne!(world.get("p").access_key_id(), second);
    world.keyfob(&["logout", "--all"]).ok();
    assert_eq!(world.profile("p")["expires_at"], serde_json::Value::Null);
    world.keyfob(&["logout", "absent"]).failed(2);
    assert_eq!(world.keyfob(&["logout"]).status, 2);
}

#[test]
fn keys_are_added_listed_imported_and_removed_without_being_shown() {
    let world = World::with_profile();
    let list = world.keyfob(&["key", "list", "--json"]).json();
    assert_eq!(list[0]["identity"], "alice");
    world.keyfob(&["key", "remove", "alice"]).ok();
    let run = world.get("p");
    assert!(run.failed(3).contains("hint: keyfob key add alice"), "{run:?}");
    world.keyfob(&["key", "remove", "alice"]).failed(2);
    let key = world.aws.add_user("alice");
    let aws = world.path("credentials");
    std::fs::write(
        &aws,
        format!(
            "[work]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            key.access_key_id, key.secret_access_key
        ),
    )
    .unwrap();
    let file = aws.to_str().unwrap();
    let wrong = world.keyfob(&["key", "add", "alice", "--import", "absent", "--file", file]);
    assert!(wrong.failed(2).contains("no such profile"), "{wrong:?}");
    world.keyfob(&["key", "add", "alice", "--import", "work", "--file", file]).ok();
    std::fs::remove_file(&aws).unwrap();
    world.get("p").ok();
    assert_eq!(world.aws.mints().last().unwrap().access_key_id, key.access_key_id);
    let temporary =
        world.keyfob_with_input(&["key", "add", "alice", "--access-key-id", "ASIA0000000000000000"], "x");
    assert!(temporary.failed(2).contains("long-term one begins with AKIA"), "{temporary:?}");
    let unknown = world.keyfob_with_input(
        &["key", "add", "bob", "--access-key-id", "AKIA0000000000000000"],
        "secretsecretsecret",
    );
    assert!(
        unknown.failed(2).contains("no identity bob") && unknown.stderr.contains("hint: add [identity.bob]")
    );
}

#[test]
fn another_key_ends_the_sessions_of_the_old_one() {
    let world = World::with_profile();
    let first = world.get("p").access_key_id();
    world.add_key("alice");
    assert_ne!(world.get("p").access_key_id(), first);
}

#[test]
fn profiles_are_shown_as_the_calls_that_they_are() {
    let world = World::new();
    world.config("[identity.alice]\ntype = \"iam-user\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/alice\"\n[profile.one]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/One\"\n[profile.two]\nsource = \"one\"\nrole_arn = \"arn:aws:iam::111122223333:role/Two\"\n");
    let list = world.keyfob(&["profile", "list"]);
    assert!(
        list.ok().contains("one") && list.stdout.contains("AssumeRole arn:aws:iam::111122223333:role/Two")
    );
    let show = world.keyfob(&["profile", "show", "two", "--json"]).json();
    let hops: Vec<&str> =
        show[0]["hops"].as_array().unwrap().iter().map(|hop| hop.as_str().unwrap()).collect();
    assert_eq!(
        hops,
        [
            "GetSessionToken with MFA device arn:aws:iam::111122223333:mfa/alice",
            "AssumeRole arn:aws:iam::111122223333:role/One",
            "AssumeRole arn:aws:iam::111122223333:role/Two"
        ]
    );
    world.keyfob(&["profile", "show", "absent"]).failed(2);
}

#[test]
fn the_daemon_is_started_stopped_and_started_again() {
    let world = World::with_profile();
    let pid = world.daemons();
    world.keyfob(&["daemon", "start"]).ok();
    assert_eq!(world.daemons(), pid);
    world.keyfob(&["daemon", "restart"]).ok();
    assert!(world.daemons() != pid && world.daemons().len() == 1);
    world.keyfob(&["daemon", "stop"]).ok();
    assert!(world.daemons().is_empty() && !world.socket().exists());
    assert!(world.keyfob(&["daemon", "stop"]).ok().contains("no daemon runs"));
    assert_eq!(world.daemons().len(), 0);
    world.keyfob(&["status"]).ok();
    assert_eq!(world.daemons().len(), 1);
}

#[test]
fn a_socket_that_was_removed_makes_room_for_a_new_daemon() {
    let world = World::with_profile();
    world.get("p").ok();
    let first = world.daemons();
    std::fs::remove_file(world.socket()).unwrap();
    eventually("the old one has ended", Duration::from_secs(5), || {
        world.keyfob(&["status"]).status == 0 && world.daemons() != first
    });
    assert_eq!(world.daemons().len(), 1);
}

#[test]
fn doctor_finds_what_does_not_work_and_names_the_command() {
    let world = World::new();
    world.config("[identity.alice]\ntype = \"iam-user\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/alice\"\n[profile.p]\nidentity = \"alice\"\n");
    let findings = |run: &Run| run.stdout.clone();
    let run = world.keyfob(&["doctor"]);
    assert_eq!(run.status, 2, "{run:?}");
    assert!(findings(&run).contains("hint: keyfob key add alice"), "{run:?}");
    world.add_key("alice");
    let run = world.keyfob(&["doctor"]);
    assert!(run.status == 0 && findings(&run).contains("hint: keyfob login alice"), "{run:?}");
    world.keyfob_with_input(&["login", "alice"], "123456").ok();
    let run = world.keyfob(&["doctor", "--json"]);
    assert!(run.json().as_array().unwrap().iter().all(|finding| finding["severity"] == "note"), "{run:?}");
    world.keyfob(&["lock"]).ok();
    let run = world.keyfob(&["doctor"]);
    assert!(run.status == 2 && findings(&run).contains("hint: keyfob unlock"), "{run:?}");
}

#[test]
fn the_command_line_is_explained() {
    let world = World::new();
    for arguments in [&["--help"] as &[_], &["get", "--help"], &["--version"]] {
        assert!(!world.keyfob(arguments).ok().is_empty());
    }
    for arguments in [&[] as &[_], &["gett"], &["get"], &["get", "a", "b"], &["daemon"]] {
        let run = world.keyfob(arguments);
        assert!(run.status == 2 && run.stdout.is_empty() && !run.stderr.is_empty(), "{arguments:?}: {run:?}");
    }
}

#[test]
fn logout_does_not_say_forgotten_before_the_vault_has() {
    let world = World::new();
    world.config(&format!(
        "[daemon]\nvault = \"file\"\nvault_key_file = \"{}\"\n[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\n",
        world.path("config/key").display()
    ));
    world.add_key("alice");
    let first = world.get("p").access_key_id();
    let (vault, away) = (world.path("state/vault"), world.path("state/away"));
    let records = || std::fs::read_dir(&vault).map(Iterator::count).unwrap_or_default();
    eventually("the session is written", Duration::from_secs(5), || records() == 3);
    std::fs::rename(&vault, &away).unwrap();
    std::fs::write(&vault, "in the way").unwrap();
    let logout = world.keyfob(&["logout", "--all"]);
    assert!(logout.failed(1).contains("could not be removed from the vault"), "{logout:?}");
    std::fs::remove_file(&vault).unwrap();
    std::fs::rename(&away, &vault).unwrap();
    world.keyfob(&["logout", "--all"]).ok();
    world.kill_daemons();
    assert_ne!(world.get("p").access_key_id(), first);
}
