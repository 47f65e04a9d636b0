//! `cargo xtask check`: everything that can be said about the tree without running it.
//!
//! All steps run, whatever the earlier ones find. It changes nothing and installs nothing.

use crate::{dependencies, tidy, usage, workspace};
use std::path::Path;
use std::process::{ExitCode, Stdio};

struct Step {
    name: &'static str,
    run: fn(&Path) -> Result<(), String>,
}

/// The quick ones first.
const STEPS: &[Step] = &[
    Step { name: "formatting", run: formatting },
    Step { name: "tidiness", run: tidiness },
    Step { name: "dependencies", run: dependency_rules },
    Step { name: "lints", run: lints },
    Step { name: "documentation", run: documentation },
];

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    if let Some(argument) = arguments.first() {
        return usage(&format!("`check` takes no arguments, not `{argument}`"));
    }
    let root = match workspace::places() {
        Ok(places) => places.root,
        Err(failure) => {
            eprintln!("xtask: check: {failure}");
            return ExitCode::FAILURE;
        }
    };
    let mut failures = Vec::new();
    for Step { name, run } in STEPS {
        eprintln!("check: {name}");
        if let Err(failure) = run(&root) {
            failures.push(format!("check: {name}: {failure}"));
        }
    }
    for failure in &failures {
        eprintln!("{failure}");
    }
    if failures.is_empty() {
        eprintln!("check: all is well");
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

fn formatting(root: &Path) -> Result<(), String> {
    present("fmt", "rustfmt")?;
    let mut command = workspace::cargo();
    workspace::run(
        command.args(["fmt", "--all", "--check"]).current_dir(root),
        "cargo fmt (mend it with `cargo fmt --all`)",
    )
}

fn lints(root: &Path) -> Result<(), String> {
    present("clippy", "clippy")?;
    let mut command = workspace::cargo();
    command.args(["clippy", "--quiet", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    workspace::run(command.current_dir(root), "cargo clippy")
}

fn documentation(root: &Path) -> Result<(), String> {
    let mut command = workspace::cargo();
    command.args(["doc", "--quiet", "--locked", "--no-deps", "--workspace", "--document-private-items"]);
    workspace::run(command.env("RUSTDOCFLAGS", "-D warnings").current_dir(root), "cargo doc")
}

fn tidiness(root: &Path) -> Result<(), String> {
    let tree = tidy::Tree::read(root).map_err(|cause| format!("read the tree: {cause}"))?;
    told(&tidy::findings(&tree))
}

fn dependency_rules(_root: &Path) -> Result<(), String> {
    told(&dependencies::findings(&workspace::metadata(&[])?))
}

fn told(findings: &[impl std::fmt::Display]) -> Result<(), String> {
    for finding in findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => Err("1 finding".to_owned()),
        count => Err(format!("{count} findings")),
    }
}

/// Makes sure that a component of the toolchain is there.
fn present(subcommand: &str, component: &str) -> Result<(), String> {
    let mut command = workspace::cargo();
    command.args([subcommand, "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if workspace::status(&mut command, "cargo")?.success() {
        return Ok(());
    }
    Err(format!("{component} is not installed\nhint: rustup component add {component}"))
}
