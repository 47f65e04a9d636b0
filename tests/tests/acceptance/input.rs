//! Bad input: one clear error with the place, and the last good configuration goes on serving.

use keyfob_tests::World;
use keyfob_tests::world::eventually;
use std::time::Duration;

const GOOD: &str = "[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n";

/// What stands in the file, where the error is, and a part of its text.
fn broken() -> Vec<(String, &'static str, &'static str)> {
    let with = |line: &str| format!("{GOOD}{line}\n");
    let identity = |line: &str| GOOD.replace("\"iam-user\"\n", &format!("\"iam-user\"\n{line}\n"));
    vec![
        ("[profile.p\n".into(), "1:", "key"),
        ("x = \n".into(), "1:", "value"),
        (with("role_arm = \"x\""), "6:1", "did you mean `role_arn`?"),
        (with("[demon]"), "6:2", "did you mean `daemon`?"),
        (with("duration = 3600"), "6:12", "string"),
        (with("duration = \"soon\""), "6:12", "45m, 4h or 1h 30m"),
        (with("duration = \"13h\""), "6:12", "lasts ¼ to 12 hours"),
        (with("external_id = \"x\""), "6:15", "2 to 1224 characters"),
        (with("session_name = \"a b\""), "6:16", "' ' is not allowed"),
        (with("region = \"mars\""), "6:10", "is not a region"),
        (with("policy = \"{\""), "6:10", "not JSON"),
        (with("policy_arns = [\"x\"]"), "6:15", "managed policy"),
        (with("session_tags = { \"\" = \"x\" }"), "6:16", "no tag key"),
        (with("identity = \"alice\""), "6:1", "duplicate"),
        (GOOD.replace("identity = \"alice\"", "identity = \"bob\""), "4:12", "no such [identity.…]"),
        (GOOD.replace("identity = \"alice\"", "source = \"q\""), "4:10", "no such profile"),
        (
            with("[profile.q]\nsource = \"q\"\nrole_arn = \"arn:aws:iam::111122223333:role/Q\""),
            "7:10",
            "loop: q → q",
        ),
        (
            with(
                "[profile.a]\nsource = \"b\"\nrole_arn = \"arn:aws:iam::111122223333:role/A\"\n[profile.b]\nsource = \"a\"\nrole_arn = \"arn:aws:iam::111122223333:role/B\"",
            ),
            "7:10",
            "loop: a → b → a",
        ),
        (GOOD.replace("111122223333", "1111"), "5:12", "12 digits"),
        (
            GOOD.replace("arn:aws:iam::111122223333:role/R", "arn:aws:s3:::bucket/key-of-some-length"),
            "5:12",
            "is not a role ARN",
        ),
        (identity("mfa_serial = \"short\""), "3:14", "9 to 256 characters"),
        (identity("mfa_command = [\"x\"]"), "1:", "mfa_command without mfa_serial"),
        (GOOD.replace("iam-user", "iam-usr"), "2:8", "identity type \"iam-usr\""),
        ("[endpoints]\nsts = \"http://sts.example.com\"\n".into(), "2:7", "http is for loopback only"),
        ("[daemon]\nkeep_warm = \"forever\"\n".into(), "2:13", "duration"),
        ("[daemon]\nrenew = \"sometimes\"\n".into(), "2:9", "sometimes"),
        (GOOD.replace("[profile.p]", "[profile.\"a\\nb\"]"), "3:", "control characters"),
        (GOOD.replace("[profile.p]", "[profile.\"-p\"]"), "3:", "dash"),
        (format!("{GOOD}{}", "# padding\n".repeat(1_100_000)), "", "bytes"),
    ]
}

#[test]
fn bad_configurations_are_told_with_their_place_while_the_last_good_one_serves() {
    let world = World::new();
    world.config(GOOD);
    world.add_key("alice");
    let id = world.get("p").access_key_id();
    for (text, place, expected) in broken() {
        let shown: String = text.chars().take(200).collect();
        world.config_text(&text);
        eventually("the broken file is seen", Duration::from_secs(3), || {
            world.status()["daemon"]["config_error"].as_str().is_some_and(|told| told.contains(expected))
        });
        let check = world.keyfob(&["profile", "check"]);
        assert_eq!(check.status, 2, "{check:?}");
        let lines: Vec<&str> = check.stdout.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(lines.len(), 1, "one error for {shown}: {check:?}");
        assert!(
            lines[0].contains(&format!("config.toml:{place}")) || place.is_empty(),
            "{place}: {lines:?} for {shown}"
        );
        assert!(lines[0].contains(expected), "{lines:?} for {shown}");
        assert_eq!(world.get("p").access_key_id(), id, "the last good one is served: {shown}");
    }
    world.config(GOOD);
    eventually("the good file is in force again", Duration::from_secs(3), || {
        world.status()["daemon"]["config_error"].is_null()
    });
    assert_eq!(world.get("p").access_key_id(), id);
    assert_eq!(world.aws.mints().len(), 1);
}

#[test]
fn a_cold_start_with_a_broken_configuration_is_told() {
    for (text, place, expected) in broken() {
        let world = World::new();
        world.config_text(&text);
        let run = world.get("p");
        let stderr = run.failed(2);
        assert!(stderr.contains(&format!("config.toml:{place}")) || place.is_empty(), "{stderr}");
        assert!(stderr.contains(expected) && stderr.contains("\nhint: "), "{stderr}");
        eventually("no daemon is left", Duration::from_secs(3), || world.daemons().is_empty());
    }
}

#[test]
fn control_characters_are_refused_in_every_field_and_never_shown() {
    let fields = [
        ("identity.alice", "mfa_serial"),
        ("profile.p", "role_arn"),
        ("profile.p", "duration"),
        ("profile.p", "region"),
        ("profile.p", "external_id"),
        ("profile.p", "session_name"),
        ("profile.p", "source_identity"),
        ("profile.p", "identity"),
        ("profile.p", "source"),
        ("profile.p", "policy"),
        ("daemon", "vault"),
        ("daemon", "vault_key_file"),
        ("daemon", "keep_warm"),
        ("endpoints", "sts"),
    ];
    for (table, field) in fields {
        let world = World::new();
        let mut text = String::new();
        for name in ["daemon", "endpoints", "identity.alice", "profile.p"] {
            text.push_str(&format!("[{name}]\n"));
            let fixed = match name {
                "identity.alice" => "type = \"iam-user\"\n",
                "profile.p" if field != "identity" && field != "source" => "identity = \"alice\"\n",
                _ => "",
            };
            text.push_str(fixed);
            if name == table {
                text.push_str(&format!("{field} = \"a\\u001b[31m\\nkeyfob: forged\"\n"));
            }
        }
        world.config_text(&text);
        let run = world.get("p");
        let stderr = run.failed(2);
        assert!(!stderr.contains('\u{1b}') && stderr.lines().count() <= 2, "{field}: {stderr}");
    }
}

#[test]
fn names_that_are_no_names_are_refused_without_asking_anybody() {
    let world = World::with_profile();
    for name in ["", "a\u{1b}[31mb", "-x", &"x".repeat(200)] {
        let run = world.keyfob(&["get", "--", name]);
        assert!(run.status == 2 && run.stdout.is_empty() && !run.stderr.contains('\u{1b}'), "{run:?}");
    }
    let absent = world.get("absent");
    assert!(absent.failed(2).starts_with("keyfob: absent: there is no such profile"), "{absent:?}");
    assert!(absent.stderr.contains("hint: keyfob profile list"));
    let odd = world.get("zürich \"x\"");
    assert!(odd.failed(2).contains("no such profile"), "{odd:?}");
}

#[test]
fn a_configuration_that_others_may_write_is_not_trusted() {
    let world = World::new();
    world.config(GOOD);
    let file = world.path("config/config.toml");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    let run = world.get("p");
    assert!(run.failed(2).contains("others may write to it"), "{run:?}");
    assert!(run.stderr.contains("hint: chmod go-w"), "{run:?}");
}
