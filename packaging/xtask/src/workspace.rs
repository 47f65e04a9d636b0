//! Where the project lies, and how cargo is called from within cargo.

use serde_json::Value;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

/// Answers a call of the cargo that runs this program.
///
/// `cargo run` describes this package in the environment. Build scripts of dependencies watch some of these variables:
/// left in place, they would be built anew on every change between `cargo xtask` and plain cargo.
pub(crate) fn cargo() -> Command {
    cargo_at(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Answers a call of another cargo.
pub(crate) fn cargo_at(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_NAME"].iter().any(|start| text.starts_with(start)) {
            command.env_remove(&name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end; what went wrong names it by `what`.
pub(crate) fn run(command: &mut Command, what: &str) -> Result<(), String> {
    match status(command, what)? {
        status if status.success() => Ok(()),
        status => Err(format!("{what}: {status}")),
    }
}

/// Runs a command to its end and answers how it ended.
pub(crate) fn status(command: &mut Command, what: &str) -> Result<ExitStatus, String> {
    command.status().map_err(|cause| format!("run {what}: {cause}"))
}

/// Where things are.
pub(crate) struct Places {
    /// The top level of the project.
    pub(crate) root: PathBuf,
    /// Where cargo builds; `CARGO_TARGET_DIR` and cargo's configuration can move it.
    pub(crate) target: PathBuf,
}

/// Asks cargo where things are.
pub(crate) fn places() -> Result<Places, String> {
    let metadata = metadata(&["--no-deps"])?;
    let place = |key: &str| {
        metadata[key].as_str().map(PathBuf::from).ok_or_else(|| format!("read cargo metadata: no {key}"))
    };
    Ok(Places { root: place("workspace_root")?, target: place("target_directory")? })
}

/// Answers what cargo knows about the packages.
pub(crate) fn metadata(arguments: &[&str]) -> Result<Value, String> {
    let mut command = cargo();
    command.args(["metadata", "--format-version=1", "--locked"]).args(arguments).stderr(Stdio::inherit());
    let output = command.output().map_err(|cause| format!("run cargo metadata: {cause}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", output.status));
    }
    serde_json::from_slice(&output.stdout).map_err(|cause| format!("read cargo metadata: {cause}"))
}
