//! Configurations and their plans: one folder of `cases` is one case, and adding one needs no code.
//!
//! A case has `why.txt`, `config.toml`, and either `expected.json` (plans and advice) or `expected-errors.txt`
//! (a line for each finding); further files are what its policies name.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use keyfob_engine::config::{Config, Socket, Surroundings, parse};
use keyfob_shared::wire::Finding;
use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const LEAST_WHY: usize = 20;

enum Expected {
    Plans(String),
    Errors(String),
}

fn folders() -> Vec<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut folders: Vec<PathBuf> = fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

/// Answers what a case expects, or what is missing in it.
fn expected(folder: &Path) -> Result<Expected, String> {
    let why = fs::read_to_string(folder.join("why.txt")).unwrap_or_default();
    if why.trim().len() < LEAST_WHY {
        return Err("why.txt does not say why the case is there".into());
    }
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    match (read("expected.json"), read("expected-errors.txt")) {
        (Some(plans), None) => Ok(Expected::Plans(plans)),
        (None, Some(errors)) => Ok(Expected::Errors(errors)),
        (None, None) => Err("neither expected.json nor expected-errors.txt".into()),
        (Some(_), Some(_)) => Err("both expected.json and expected-errors.txt".into()),
    }
}

fn parsed(folder: &Path) -> Result<Config, Vec<Finding>> {
    let text = fs::read_to_string(folder.join("config.toml")).unwrap();
    let read = |path: &Path| fs::read_to_string(path);
    let around = Surroundings { directory: folder, home: None, user: "alice", host: "laptop", read: &read };
    parse(&text, &around)
}

fn plans(config: &Config) -> Value {
    let advice: Vec<String> =
        config.findings.iter().map(|finding| format!("{}: {}", finding.subject, finding.message)).collect();
    let mut found = json!({ "profiles": config.profiles, "advice": advice });
    let scoped =
        |(name, socket): (&_, &Socket)| Some((ToString::to_string(name), json!(socket.scoped.as_ref()?)));
    let scoped: serde_json::Map<String, Value> = config.sockets.iter().filter_map(scoped).collect();
    if !config.sockets.is_empty() {
        found["scoped"] = scoped.into();
    }
    found
}

fn lines(findings: &[Finding]) -> String {
    let mut lines = String::new();
    for finding in findings {
        writeln!(lines, "{}: {}", finding.subject, finding.message).unwrap();
    }
    lines
}

fn run(folder: &Path) -> Result<(), String> {
    match (expected(folder)?, parsed(folder)) {
        (Expected::Plans(expected), Ok(config)) => {
            let found = plans(&config);
            let expected: Value =
                serde_json::from_str(&expected).map_err(|cause| format!("expected.json: {cause}"))?;
            (found == expected).then_some(()).ok_or_else(|| format!("found {found:#}"))
        }
        (Expected::Errors(expected), Err(findings)) => {
            let found = lines(&findings);
            (found == expected).then_some(()).ok_or_else(|| format!("found\n{found}"))
        }
        (Expected::Plans(_), Err(findings)) => Err(format!("found errors\n{}", lines(&findings))),
        (Expected::Errors(_), Ok(config)) => Err(format!("found no error but {:#}", plans(&config))),
    }
}

#[test]
fn every_case_is_understood_as_it_expects() {
    let mut wrong = String::new();
    for folder in folders() {
        if let Err(what) = run(&folder) {
            writeln!(wrong, "{}: {what}", folder.file_name().unwrap().display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn plans_of_one_definition_name_one_session() {
    let config =
        parsed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/one-role-under-two-names")).unwrap();
    assert_eq!(config.profiles["old"].keys, config.profiles["new"].keys);
    let config = parsed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/two-identities")).unwrap();
    assert_ne!(config.profiles["default"].keys, config.profiles["read only"].keys);
}

#[test]
fn a_socket_that_scopes_has_sessions_of_its_own() {
    let config = parsed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/restricted-sockets")).unwrap();
    let scoped = |socket: &str| config.sockets[socket].scoped.as_ref().unwrap();
    let (person, agent) = (&config.profiles["ci"].keys, &scoped("agent")["ci"].keys);
    assert_ne!(person, agent);
    let chain = (&config.profiles["build-chain"].keys, &scoped("agent")["build-chain"].keys);
    assert_eq!(chain.0[0], chain.1[0], "what is on the way is shared");
    assert_ne!(chain.0[1], chain.1[1]);
    let same = &config.profiles["same as scoped"].keys;
    assert_ne!(same, agent, "also where the person has a session of the same steps");
    assert_ne!(agent, &scoped("other")["ci"].keys, "each has its own");
    assert!(config.sockets["plain"].scoped.is_none());
}
