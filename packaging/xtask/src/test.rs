//! `cargo xtask test`: installs what the tests need, builds the programs they run, and runs them all.
//!
//! What can't be installed is said and left out: the tests that need it skip themselves with that reason.

use crate::{parts, static_client, workspace};
use std::process::{Command, ExitCode};

/// Tells the tests where their parts lie.
const TEST_PARTS: &str = "KEYFOB_TEST_PARTS";

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
    let mut test = workspace::cargo();
    test.args(["test", "--locked", "--workspace"]);
    if !arguments.iter().any(|argument| argument == "--no-fail-fast") {
        test.arg("--no-fail-fast");
    }
    test.args(arguments).env(TEST_PARTS, &directory).current_dir(&places.root);
    let status = workspace::status(colours(&mut test), "cargo test")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn colours(command: &mut Command) -> &mut Command {
    match std::env::var_os("CI") {
        Some(ci) if ci == "true" => command.env("CARGO_TERM_COLOR", "never"),
        Some(_) | None => command,
    }
}
