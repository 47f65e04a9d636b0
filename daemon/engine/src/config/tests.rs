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
        host: "laptop",
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
    assert_eq!(role.session_name.as_deref(), Some("keyfob-alice@laptop"));
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
    assert_eq!((config.daemon.audit_keep, config.daemon.audit_size), (None, 60 << 20));
    let config = parsed("[daemon]\naudit_keep = \"90d\"\naudit_size = \"1GiB\"\n").unwrap();
    assert_eq!((config.daemon.audit_keep, config.daemon.audit_size), (Some(90 * 86_400_000), 1 << 30));
    assert!(refused("[daemon]\naudit_keep = \"1h\"\n").starts_with("2:14: audit_keep: "));
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

#[test]
fn partitions_must_agree() {
    let role = |line: &str| refused(&format!("{ALICE}[profile.p]\nidentity = \"alice\"\n{ROLE}{line}\n"));
    let china = ROLE.replace("arn:aws:", "arn:aws-cn:");
    assert_eq!(role("region = \"cn-north-1\""), "6:10: region: cn-north-1 is in aws-cn, and the role in aws");
    assert!(
        role("policy_arns = [\"arn:aws-cn:iam::aws:policy/X\"]")
            .contains("is in aws-cn, and the role in aws")
    );
    assert!(
        role("policy_arns = [\"arn:aws:iam::444455556666:policy/X\"]").contains("in account 444455556666")
    );
    assert_eq!(
        refused(&format!("{ALICE}{MFA}[profile.p]\nidentity = \"alice\"\n{china}")),
        "6:12: role_arn: the role is in aws-cn, and the identity in aws"
    );
    assert_eq!(
        refused(&format!(
            "{ALICE}[profile.a]\nidentity = \"alice\"\n{ROLE}[profile.p]\nsource = \"a\"\n{china}"
        )),
        "7:10: profile \"p\": its role is in aws-cn, and source \"a\" in aws"
    );
    assert!(
        refused(&format!("{ALICE}{MFA}[profile.p]\nidentity = \"alice\"\nregion = \"us-gov-west-1\"\n"))
            .contains("region: us-gov-west-1 is in aws-us-gov, and the identity in aws")
    );
    let moon = ROLE.replace("arn:aws:", "arn:aws-moon:");
    assert!(
        refused(&format!("{ALICE}[profile.p]\nidentity = \"alice\"\n{moon}")).contains("no partition of AWS")
    );
}

#[test]
fn mixes_that_have_no_effect_are_told() {
    assert_eq!(
        refused(&format!("{ALICE}[profile.p]\nidentity = \"alice\"\nmfa = true\n{ROLE}")),
        "5:7: profile \"p\": mfa = true, and its identity has no mfa_serial"
    );
    assert!(
        refused(&format!(
            "{ALICE}{MFA}[profile.a]\nidentity = \"alice\"\n{ROLE}[profile.b]\nsource = \"a\"\nmfa = false\n{ROLE}"
        ))
        .starts_with("9:7: profile \"b\": mfa has no effect beside source")
    );
}

#[test]
fn tags_and_policies_are_within_the_limits_of_sts() {
    let role = |line: &str| refused(&format!("{ALICE}[profile.p]\nidentity = \"alice\"\n{ROLE}{line}\n"));
    assert!(role("transitive_tags = [\"\"]").contains("not a key of session_tags"));
    assert!(role("session_tags = { a = \"1\" }\ntransitive_tags = [\"a\", \"a\"]").contains("there twice"));
    assert!(role("session_tags = { Team = \"a\", team = \"b\" }").contains("there twice"));
    assert!(role("session_tags = { \"AWS:x\" = \"a\" }").contains("belong to AWS"));
    assert!(role("policy = \"{ }\"").contains("not a policy"));
    assert!(role("policy_arns = [\"arn:aws:iam::aws:policy/\"]").contains("ends in policy/NAME"));
    assert!(role("region = \"--\"").contains("is not a region"));
}

#[test]
fn only_devices_that_show_codes_are_mfa_devices_of_sts() {
    let serial = |text: &str| parsed(&format!("{ALICE}mfa_serial = \"{text}\"\n"));
    let told = |text: &str| serial(text).unwrap_err()[0].message.clone();
    assert!(
        serial("arn:aws-us-gov:iam::111122223333:mfa/team/alice").is_ok() && serial("GAHT12345678").is_ok()
    );
    assert!(told("arn:aws:iam::111122223333:role/alice").contains("is not an MFA device"));
    assert!(told("arn:aws:iam::111122223333:u2f/user/alice/x").contains("no place in STS"));
}

#[test]
fn an_identity_lives_in_the_partition_of_its_profiles() {
    let china = ROLE.replace("arn:aws:", "arn:aws-cn:");
    let config =
        parsed(&format!("{ALICE}mfa_serial = \"GAHT12345678\"\n[profile.p]\nidentity = \"alice\"\n{china}"))
            .unwrap();
    let Step::SessionToken(token) = &config.profiles["p"].steps[0] else { panic!() };
    assert_eq!(token.region.as_deref(), Some("cn-north-1"));
}

#[test]
fn words_of_a_closed_list_are_told_with_the_list() {
    assert_eq!(
        refused("[daemon]\nrenew = \"sometimes\"\n"),
        "2:9: renew: \"sometimes\" is not one of active, always, on-demand"
    );
    assert_eq!(
        refused("[daemon]\nvault = \"fiel\"\n"),
        "2:9: vault: \"fiel\" is not one of auto, secret-service, keyutils, keychain, credential-manager, file, memory"
    );
}

#[test]
fn what_later_versions_bring_is_told_as_such() {
    let told = refused(&format!("{ALICE}[profile.p]\nidentity = \"alice\"\n{ROLE}confirm = true\n"));
    assert!(told.ends_with(": profile \"p\": confirm is not in this version"), "{told}");
    let told = refused(&format!("{ALICE}start_url = \"https://x\"\n"));
    assert!(
        told.ends_with("identity \"alice\": start_url has no meaning with type = \"iam-user\""),
        "{told}"
    );
}

#[test]
fn an_identity_of_another_type_is_told_by_its_type_first() {
    for keys in ["provider = \"adfs\"\nurl = \"https://x\"", "frobnicate = 1"] {
        let findings = parsed(&format!("{ALICE}[identity.corp]\ntype = \"kerberos\"\n{keys}\n")).unwrap_err();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].subject, "4:8");
        assert_eq!(
            findings[0].message,
            "identity type \"kerberos\": this version knows iam-user, saml, oidc, identity-center, web-identity, process"
        );
    }
    assert!(refused(&format!("{ALICE}frobnicate = 1\n")).contains("unknown key `frobnicate`"));
}

#[test]
fn a_loop_is_told_once_and_not_for_profiles_that_lead_into_it() {
    let from = |name: &str, source: &str| format!("[profile.{name}]\nsource = \"{source}\"\n{ROLE}");
    let text = ["a", "c", "d", "b", "e"]
        .iter()
        .zip(["b", "d", "c", "c", "zz"])
        .map(|(name, source)| from(name, source))
        .collect::<String>();
    let findings = parsed(&text).unwrap_err();
    let messages: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "profile \"c\": the sources form a loop: c → d → c",
            "profile \"e\": source \"zz\": there is no such profile"
        ]
    );
}

#[test]
fn advice_speaks_of_mfa_only_where_there_is_one() {
    let advice = |text: &str| parsed(text).unwrap().findings[0].message.clone();
    let long = format!("duration = \"4h\"\n{ROLE}");
    assert!(advice(&format!("{ALICE}{MFA}[profile.p]\nidentity = \"alice\"\n{long}")).contains("MFA"));
    let plain = format!("{ALICE}[profile.a]\nidentity = \"alice\"\n[profile.b]\nsource = \"a\"\n{long}");
    assert!(!advice(&plain).contains("MFA"));
}

#[test]
fn sessions_are_named_by_everything_they_are_minted_from() {
    let text = format!("{ALICE}{MFA}[profile.p]\nidentity = \"alice\"\n{ROLE}");
    let config = parsed(&text).unwrap();
    let keys = &config.profiles["p"].keys;
    assert_eq!((keys.len(), keys[0]), (2, config.sign_ins["alice"]));
    let elsewhere = parsed(&format!("[endpoints]\nsts = \"https://x\"\n{text}")).unwrap();
    assert!(elsewhere.profiles["p"].keys.iter().all(|key| !keys.contains(key)));
}

#[test]
fn a_chain_of_any_length_and_a_loop_of_any_length_are_told() {
    let link =
        |number: usize, source: usize| format!("[profile.p{number:05}]\nsource = \"p{source:05}\"\n{ROLE}");
    let chain = |count| {
        (1..count).fold(format!("{ALICE}[profile.p00000]\nidentity = \"alice\"\n"), |text, number| {
            text + &link(number, number - 1)
        })
    };
    assert!(parsed(&chain(16)).is_ok());
    for count in [17, 18, 19, 20_000] {
        let findings = parsed(&chain(count)).unwrap_err();
        assert_eq!(findings.len(), 1, "{count}");
        assert_eq!(findings[0].message, "profile \"p00016\": more than 16 hops");
    }
    for count in [2, 16, 17, 18, 19, 100] {
        let round =
            (0..count).fold(ALICE.to_owned(), |text, number| text + &link(number, (number + 1) % count));
        let findings = parsed(&round).unwrap_err();
        assert_eq!(findings.len(), 1, "{count}");
        assert!(findings[0].message.contains("loop") || findings[0].message.contains("hops"), "{findings:?}");
    }
}
