//! One folder = one response; adding a case needs no code.
//!
//! `why.txt` says why the case is there, `response.xml` or `response.txt` (its base64) what was received,
//! `expected.json` when it is read and what must come of it.

use super::{MAX_ENCODED, Problem, read};
use base64::Engine as _;
use keyfob_shared::{Secret, Timestamp};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    now: Timestamp,
    #[serde(default)]
    roles: Vec<(String, String)>,
    session_name: Option<String>,
    session_duration: Option<u32>,
    session_not_on_or_after: Option<String>,
    not_on_or_after: Option<String>,
    issued_at: Option<String>,
    partition: Option<String>,
    unusable: Option<String>,
    stale: Option<String>,
    refused: Option<String>,
}

fn encoded(xml: &[u8]) -> Secret {
    Secret::new(base64::engine::general_purpose::STANDARD.encode(xml))
}

fn folders(kind: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(kind);
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn check(folder: &Path) -> Result<(), String> {
    let text = |name: &str| fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"));
    if text("why.txt")?.trim_ascii().len() < 10 {
        return Err("why.txt does not say why".into());
    }
    let expected: Expected =
        serde_json::from_slice(&text("expected.json")?).map_err(|error| error.to_string())?;
    let received = match text("response.txt") {
        Ok(raw) => Secret::new(String::from_utf8_lossy(&raw)),
        Err(_) => encoded(&text("response.xml")?),
    };
    let result = read(&received, expected.now);
    let (name, told, wanted) = match &result {
        Ok(assertion) => {
            let roles: Vec<(String, String)> = assertion
                .roles
                .iter()
                .map(|role| (role.role_arn.to_string(), role.provider_arn.clone()))
                .collect();
            let time = |time: Timestamp| Some(time.to_string());
            let is_right = roles == expected.roles
                && Some(&assertion.session_name) == expected.session_name.as_ref()
                && assertion.session_duration == expected.session_duration
                && assertion.session_not_on_or_after.and_then(time) == expected.session_not_on_or_after
                && time(assertion.not_on_or_after) == expected.not_on_or_after
                && time(assertion.issued_at) == expected.issued_at
                && Some(assertion.partition) == expected.partition.as_deref()
                && !assertion.encoded.expose().contains(char::is_whitespace);
            return if is_right { Ok(()) } else { Err(format!("{assertion:?}")) };
        }
        Err(Problem::Unusable(told)) => ("unusable", told, &expected.unusable),
        Err(Problem::Stale(told)) => ("stale", told, &expected.stale),
        Err(Problem::Refused(told)) => ("refused", told, &expected.refused),
    };
    match wanted {
        Some(wanted) if told.contains(wanted.as_str()) => Ok(()),
        Some(_) | None => Err(format!("{name}: {told}")),
    }
}

#[test]
fn every_response_comes_out_as_its_case_says() {
    let folders = folders("assertions");
    let wrong: Vec<String> = folders
        .iter()
        .filter_map(|folder| check(folder).err().map(|wrong| format!("{}: {wrong}", folder.display())))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(folders.len() >= 40, "only {} cases were found", folders.len());
}

fn refused(received: &Secret) -> String {
    match read(received, Timestamp::from_millis(0)) {
        Err(Problem::Unusable(told)) => told,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_longer_than_aws_takes_is_not_decoded() {
    for length in [MAX_ENCODED + 1, 3 * MAX_ENCODED, 20_000_000] {
        let told = refused(&Secret::new("A".repeat(length)));
        assert!(told.contains("more than the 100000 characters"), "{told}");
    }
    assert!(!refused(&Secret::new("A".repeat(MAX_ENCODED))).contains("more than"));
}

#[test]
fn nothing_that_fits_exhausts_the_stack_or_the_memory() {
    let deep = format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
    let wide = format!("<a>{}</a>", "<b/>".repeat(18_000));
    let attributes: String = (0..6_000).map(|number| format!(" a{number}=\"\"")).collect();
    for xml in [deep, wide, format!("<a{attributes}/>"), "<a>".repeat(24_000), "<!-- ".repeat(15_000)] {
        refused(&encoded(xml.as_bytes()));
    }
}

#[test]
fn an_assertion_is_not_shown() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/assertions/one-role");
    let received = encoded(&fs::read(folder.join("response.xml")).unwrap());
    let assertion = read(&received, Timestamp::parse("2026-01-02T03:04:06Z").unwrap()).unwrap();
    assert!(!format!("{assertion:?}").contains(&received.expose()[..40]));
}

proptest::proptest! {
    #[test]
    fn no_change_of_a_response_does_worse_than_spoil_it(at in 0_usize..3_000, cut in 0_usize..40, put in ".{0,12}") {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/assertions/many-roles");
        let mut xml = fs::read_to_string(folder.join("response.xml")).unwrap();
        let boundary = |at: usize| (0..=at.min(xml.len())).rev().find(|at| xml.is_char_boundary(*at)).unwrap();
        let range = boundary(at)..boundary(at + cut);
        xml.replace_range(range, &put);
        let result = read(&encoded(xml.as_bytes()), Timestamp::parse("2026-01-02T03:04:06Z").unwrap());
        assert!(result.is_err() || result.is_ok_and(|assertion| !assertion.roles.is_empty()));
    }
}
