//! What configurations are understood, and how wrong ones are told.

use super::*;
use crate::plan::Step;

fn parsed(text: &str) -> Result<Config, Vec<Finding>> {
    let read = |path: &Path| match path.to_str() {
        Some("/etc/keyfob/policy.json") => Ok(r#"{ "Version": "2012-10-17", "Statement": [] }"#.to_owned()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    };
    let around = Surroundings {
        directory: Path::new("/etc/keyfob"),
        home: Some(Path::new("/home/alice")),
        user: "alice",
        read: &read,
    };
    parse(text, &around)
}

fn refused(text: &str) -> String {
    let findings = parsed(text).expect_err(text);
    format!("{}: {}", findings[0].subject, findings[0].message)
}

const ALICE: &str = "[identity.alice]\ntype = \"iam-user\"\n";
const MFA: &str = "mfa_serial = \"arn:aws:iam::111122223333:mfa/alice\"\n";
const ROLE: &str = "role_arn = \"arn:aws:iam::111122223333:role/Reader\"\n";

#[test]
fn an_empty_file_is_a_configuration() {
    assert_eq!(parsed("").unwrap(), Config::default());
}

#[test]
fn a_role_is_assumed_with_the_long_term_key() {
    let config =
        parsed(&format!("{ALICE}[profile.prod]\nidentity = \"alice\"\nduration = \"4h\"\n{ROLE}")).unwrap();
    let plan = &config.profiles["prod"];
    let [Step::AssumeRole(role)] = plan.steps.as_slice() else { panic!("{plan:?}") };
    assert_eq!((role.duration, role.region.as_deref()), (Some(14_400), Some("us-east-1")));
    assert_eq!(role.session_name.as_deref(), Some("keyfob-alice"));
}

#[test]
fn one_mfa_session_stands_before_every_profile_of_the_identity() {
    let config = parsed(&format!(
        "{ALICE}{MFA}[profile.a]\nidentity = \"alice\"\nregion = \"eu-west-1\"\n{ROLE}[profile.b]\nidentity = \"alice\"\n\
         [profile.c]\nidentity = \"alice\"\nmfa = false\n{ROLE}[profile.d]\nsource = \"a\"\n{ROLE}"
    ))
    .unwrap();
    let first = config.profiles["a"].steps[0].clone();
    assert_eq!(first.mfa_serial(), Some("arn:aws:iam::111122223333:mfa/alice"));
    assert_eq!(config.profiles["a"].steps.len(), 2);
    assert_eq!(config.profiles["b"].steps, std::slice::from_ref(&first));
    assert!(matches!(config.profiles["c"].steps.as_slice(), [Step::AssumeRole(_)]));
    assert_eq!(config.profiles["d"].steps[..2], config.profiles["a"].steps[..]);
    assert_eq!(config.profiles["d"].steps.len(), 3);
}

#[test]
fn every_parameter_of_a_role_reaches_the_plan() {
    let config = parsed(&format!(
        "{ALICE}[profile.p]\nidentity = \"alice\"\n{ROLE}external_id = \"x-1\"\nsession_tags = {{ team = \"data\" }}\n\
         transitive_tags = [\"team\"]\nsource_identity = \"alice\"\nsession_name = \"nightly\"\npolicy = \"policy.json\"\n\
         policy_arns = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]\nregion = \"eu-west-1\"\n"
    ))
    .unwrap();
    let [Step::AssumeRole(role)] = config.profiles["p"].steps.as_slice() else { panic!() };
    assert_eq!(role.external_id.as_deref(), Some("x-1"));
    assert_eq!(role.session_tags["team"], "data");
    assert_eq!(role.transitive_tags, ["team"]);
    assert_eq!(role.source_identity.as_deref(), Some("alice"));
    assert_eq!(role.session_name.as_deref(), Some("nightly"));
    assert_eq!(role.policy.as_deref(), Some(r#"{"Statement":[],"Version":"2012-10-17"}"#));
    assert_eq!(role.policy_arns, ["arn:aws:iam::aws:policy/ReadOnlyAccess"]);
    assert_eq!(role.region.as_deref(), Some("eu-west-1"));
}

#[test]
fn chaining_beyond_an_hour_is_advised_about() {
    let config = parsed(&format!(
        "{ALICE}[profile.a]\nidentity = \"alice\"\n{ROLE}[profile.b]\nsource = \"a\"\nduration = \"4h\"\n{ROLE}"
    ))
    .unwrap();
    assert_eq!(config.findings.len(), 1);
    assert!(config.findings[0].message.contains("one hour"));
}

#[test]
fn daemon_settings_have_units_and_paths() {
    let config = parsed(
        "[daemon]\nkeep_warm = \"30m\"\nrenew = \"on-demand\"\nvault = \"file\"\nvault_key_file = \"~/k\"\n",
    )
    .unwrap();
    assert_eq!((config.daemon.keep_warm, config.daemon.renew), (1_800_000, Renew::OnDemand));
    assert_eq!(config.daemon.vault_key_file, Some(PathBuf::from("/home/alice/k")));
}

#[test]
fn an_unknown_key_names_its_place_and_the_nearest_known_one() {
    let text = format!("{ALICE}[profile.p]\nidentity = \"alice\"\nrol_arn = \"x\"\n");
    assert_eq!(refused(&text), "5:1: unknown key `rol_arn`: did you mean `role_arn`?");
}

#[test]
fn broken_toml_names_its_place() {
    assert!(refused("[daemon]\nvault = \n").starts_with("2:9: "), "{}", refused("[daemon]\nvault = \n"));
}

#[test]
fn loops_and_absent_sources_are_found() {
    let text = format!("[profile.a]\nsource = \"b\"\n{ROLE}[profile.b]\nsource = \"a\"\n{ROLE}");
    assert_eq!(refused(&text), "2:10: profile \"a\": the sources form a loop: a → b → a");
    assert!(refused(&format!("[profile.a]\nsource = \"zz\"\n{ROLE}")).contains("no such profile"));
    assert!(
        refused(&format!("[profile.a]\nidentity = \"zz\"\n{ROLE}")).contains("there is no such [identity")
    );
}

#[test]
fn impossible_values_are_refused_with_their_place() {
    let role = |line: &str| refused(&format!("{ALICE}[profile.p]\nidentity = \"alice\"\n{ROLE}{line}\n"));
    assert!(role("duration = \"13h\"").starts_with("6:12: duration: "));
    assert!(role("session_name = \"a b\"").starts_with("6:16: session_name: "));
    assert!(role("policy = \"absent.json\"").contains("read /etc/keyfob/absent.json"));
    assert!(role("source = \"q\"").contains("either identity or source"));
    assert!(
        refused(&format!("{ALICE}[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:s3:::b\"\n"))
            .contains("not a role ARN")
    );
    assert!(
        refused(&format!("{ALICE}{MFA}[profile.p]\nidentity = \"alice\"\nduration = \"2h\"\n"))
            .contains("one MFA session")
    );
}

#[test]
fn control_characters_are_refused_in_every_field() {
    for key in ["external_id", "session_name", "source_identity", "region", "policy", "role_arn", "duration"]
    {
        let role = if key == "role_arn" { "" } else { ROLE };
        let message =
            refused(&format!("{ALICE}[profile.p]\nidentity = \"alice\"\n{role}{key} = \"ab\\u001b[31m\"\n"));
        assert!(!message.contains('\u{1b}'), "{message}");
    }
    assert!(!refused("[identity.\"a\\nb\"]\ntype = \"iam-user\"\n").contains('\n'));
    assert!(!refused("[profile.\"a\\u0007b\"]\nidentity = \"\\u0007\"\n").contains('\u{7}'));
}

#[test]
fn a_huge_file_is_refused_before_it_is_parsed() {
    assert!(refused(&"#".repeat(MAX_CONFIG + 1)).contains("are allowed"));
}

#[test]
fn the_failure_names_the_file_and_how_many_findings_there_are() {
    let findings = parsed("[profile.a]\n[profile.b]\n").unwrap_err();
    let failure = failure(Path::new("/c.toml"), &findings);
    assert!(
        failure.message.starts_with("read config /c.toml:1:1: profile \"a\": neither identity nor source"),
        "{failure}"
    );
    assert!(failure.message.ends_with("(and 1 more)"), "{failure}");
}
