//! `cargo xtask try` and `cargo xtask bench`: programs of the tests package, built with the programs that they run.

use crate::workspace;
use std::process::ExitCode;

pub(crate) fn demonstrate(arguments: &[String]) -> ExitCode {
    end("try", build_and_run("keyfob-try", &[], arguments))
}

pub(crate) fn bench(arguments: &[String]) -> ExitCode {
    end("bench", build_and_run("keyfob-bench", &["--release"], arguments))
}

/// Builds the programs under test beside the one that runs them.
fn build_and_run(program: &str, profile: &[&str], arguments: &[String]) -> Result<ExitCode, String> {
    let places = workspace::places()?;
    let mut build = workspace::cargo();
    build.args([
        "build",
        "--locked",
        "--package",
        "keyfob",
        "--package",
        "keyfobd",
        "--package",
        "keyfob-tests",
    ]);
    build.args(profile).current_dir(&places.root);
    workspace::run(&mut build, "cargo build")?;
    let directory = places.target.join(if profile.is_empty() { "debug" } else { "release" });
    let mut run = std::process::Command::new(directory.join(program));
    run.args(arguments).current_dir(&places.root);
    run.env("KEYFOB_PICTURES", places.root.join("packaging"));
    let status = workspace::status(&mut run, program)?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn end(name: &str, result: Result<ExitCode, String>) -> ExitCode {
    result.unwrap_or_else(|failure| {
        eprintln!("xtask: {name}: {failure}");
        ExitCode::FAILURE
    })
}
