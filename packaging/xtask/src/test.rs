//! `cargo xtask test`: installs what the tests need, builds the programs they run, and runs them all.
//!
//! What can't be installed is said and left out: the tests that need it skip themselves with that reason.

use crate::{parts, static_client, workspace};
use std::path::Path;
use std::process::{Command, ExitCode};

/// Tells the tests where their parts lie.
const TEST_PARTS: &str = "KEYFOB_TEST_PARTS";

/// The package of the acceptance tests.
const ACCEPTANCE: &str = "keyfob-tests";

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    match try_run(arguments) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("xtask: test: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn try_run(arguments: &[String]) -> Result<ExitCode, String> {
    let places = workspace::places()?;
    let directory = places.target.join("test-parts");
    for missing in parts::install(&places.root, &directory) {
        eprintln!("test: {missing}");
    }
    // The tests find the programs beside their own.
    let mut build = workspace::cargo();
    build.args(["build", "--locked", "--workspace"]).current_dir(&places.root);
    workspace::run(colours(&mut build), "cargo build")?;
    if let Err(failure) = static_client::build("dev") {
        eprintln!("test: no static client ({failure}); tests that need it are skipped");
    }
    // The acceptance tests come last: they need the longest, and what has failed of them ends the output.
    let rest = test(&places.root, &directory, &["--workspace", "--exclude", ACCEPTANCE], arguments)?;
    let acceptance = test(&places.root, &directory, &["--package", ACCEPTANCE], arguments)?;
    Ok(if rest == 0 { acceptance } else { rest }.into())
}

/// Runs the tests of some packages to their end and answers the status of `cargo test`.
fn test(root: &Path, parts: &Path, packages: &[&str], arguments: &[String]) -> Result<u8, String> {
    let mut test = workspace::cargo();
    test.args(["test", "--locked"]).args(packages);
    if !arguments.iter().any(|argument| argument == "--no-fail-fast") {
        test.arg("--no-fail-fast");
    }
    test.args(arguments).env(TEST_PARTS, parts).current_dir(root);
    let status = workspace::status(colours(&mut test), "cargo test")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn colours(command: &mut Command) -> &mut Command {
    match std::env::var_os("CI") {
        Some(ci) if ci == "true" => command.env("CARGO_TERM_COLOR", "never"),
        Some(_) | None => command,
    }
}
