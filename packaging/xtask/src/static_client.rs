//! `cargo xtask static-client`: a client that needs nothing around it, for containers and other hosts.

use crate::{usage, workspace};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    if let Some(argument) = arguments.first() {
        return usage(&format!("`static-client` takes no arguments, not `{argument}`"));
    }
    match build("release") {
        Ok(path) => {
            println!("{}", path.display());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("xtask: static-client: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Builds the client with the C library in it, and answers where it is.
pub(crate) fn build(profile: &str) -> Result<PathBuf, String> {
    let (places, host) = (workspace::places()?, host()?);
    let directory = if profile == "dev" { "debug" } else { profile };
    let mut build = workspace::cargo();
    build.args(["build", "--locked", "--package", "keyfob", "--profile", profile]);
    // With a target named, what runs during the build is left as it is: it can't be static.
    build
        .args(["--target", &host])
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .current_dir(&places.root);
    workspace::run(&mut build, "cargo build")?;
    Ok(places.target.join(host).join(directory).join("keyfob"))
}

fn host() -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().map_err(|cause| format!("run rustc: {cause}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not tell its host".into())
}
