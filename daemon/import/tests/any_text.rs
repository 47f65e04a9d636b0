//! Whatever stands in AWS files: what comes out is settled, and has every line that was not about credentials.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use keyfob_engine::config::Surroundings;
use keyfob_import::{Asked, Texts, plan};
use keyfob_shared::import::Import;
use keyfob_shared::{Failure, Secret};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::Config;
use std::path::Path;

fn run(config: &str, aws_config: &str, credentials: &str) -> Result<Import, Failure> {
    let around = Surroundings {
        directory: Path::new("/"),
        home: None,
        user: "alice",
        host: "laptop",
        read: &|_| Err(std::io::ErrorKind::NotFound.into()),
    };
    let asked = Asked { profiles: &[], config_file: Path::new("/config.toml") };
    let text = |text: &str| Some(Secret::new(text));
    let texts = Texts { config: text(config), aws_config: text(aws_config), credentials: text(credentials) };
    plan(&texts, &asked, &around)
}

/// Headers, settings, lines that go on, comments, and lines of nothing.
fn line(credentials: bool) -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("a"), Just("b"), Just("c"), Just("default")];
    let header = name.prop_map(move |name| match (credentials, name) {
        (false, "default") => "[default]".to_owned(),
        (false, name) => format!("[profile {name}]"),
        (true, name) => format!("[{name}]"),
    });
    let odd = prop_oneof![
        Just("[profile default]"),
        Just("[profile \"q\"]"),
        Just("[ profile  a ] # x"),
        Just("[sso-session s]"),
        Just("  # indented"),
        Just("\t; indented"),
        Just("# plain"),
        Just(""),
        Just("   "),
        Just("s3 ="),
        Just("  k = v"),
    ];
    let key = prop_oneof![
        Just("aws_access_key_id = AKIAIOSFODNN7EXAMPLE"),
        Just("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        Just("aws_access_key_id = AKIAI44QH8DHBEXAMPLE"),
        Just("aws_session_token ="),
    ];
    let role = prop_oneof![
        Just("role_arn = arn:aws:iam::111122223333:role/R"),
        Just("source_profile = a"),
        Just("source_profile=b # c"),
        Just("source_profile = default"),
        Just("mfa_serial = arn:aws:iam::111122223333:mfa/m"),
        Just("external_id = e-1"),
        Just("credential_process = keyfob get a"),
        Just("credential_process = other"),
        Just("sso_session = s"),
    ];
    let plain = prop_oneof![Just("region = eu-west-1"), Just("output=json"), Just("output = text ; x")];
    prop_oneof![
        3 => header,
        1 => odd.prop_map(str::to_owned),
        4 => key.prop_map(str::to_owned),
        4 => role.prop_map(str::to_owned),
        2 => plain.prop_map(str::to_owned),
    ]
}

fn file(credentials: bool) -> impl Strategy<Value = String> {
    let lines = proptest::collection::vec(line(credentials), 0..14);
    (lines, any::<bool>(), any::<bool>()).prop_map(|(lines, windows, ends)| {
        let end = if windows { "\r\n" } else { "\n" };
        lines.join(end) + if ends { end } else { "" }
    })
}

proptest! {
    #![proptest_config(Config { cases: 2_000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_files_come_out_right(aws_config in file(false), credentials in file(true)) {
        let import = match run("", &aws_config, &credentials) {
            Ok(import) => import,
            // The SDK refuses a setting without a section, and a line that goes on with nothing.
            Err(failure) => {
                assert!(failure.message.starts_with("read the AWS files: "), "{failure}");
                return Ok(());
            }
        };
        let texts = [&import.config, &import.aws_config, &import.credentials].map(|change| change.after.expose());
        let again = run(texts[0], texts[1], texts[2]).unwrap();
        assert!(again.profiles.is_empty() && again.keys.is_empty(), "{again:?}");
        assert!(again.config.is_none() && again.aws_config.is_none() && again.credentials.is_none());
        for (old, new) in [(&aws_config, texts[1]), (&credentials, texts[2])] {
            for line in old.lines().filter(|line| is_kept(line)) {
                let count = |text: &str| text.lines().filter(|known| known.trim_start() == line.trim_start()).count();
                assert!(count(new) == count(old), "{line:?} of\n{old}\nin\n{new}");
            }
        }
        // Every secret is still there: where it was, or on its way to the vault.
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let stays = texts[1].contains(secret) || texts[2].contains(secret);
        let goes = import.keys.iter().any(|key| key.secret_access_key.expose() == secret);
        assert_eq!(stays || goes, aws_config.contains(secret) || credentials.contains(secret));
    }
}

fn is_kept(line: &str) -> bool {
    let line = line.trim_start();
    // An indented setting may go on with one that is taken out.
    ["#", ";", "region", "output", "s3"].iter().any(|start| line.starts_with(start))
}
