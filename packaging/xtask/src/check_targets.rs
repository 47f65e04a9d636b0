//! `cargo xtask check-targets [TARGET…]`: type-checks the workspace for Windows and macOS, without their toolchains.
//!
//! Debian's Rust brings the source of the standard library, which is checked along. Nothing is linked, so C code is
//! compiled only where there is a compiler: mingw for Windows, a stand-in for macOS that makes empty files.

use crate::{parts, workspace};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const TARGETS: &[&str] = &["x86_64-pc-windows-gnu", "aarch64-apple-darwin"];
const PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "gcc-mingw-w64-x86-64"];
/// Where these packages put their programs; others of the same name may come before in the path.
const CARGO: &str = "/usr/bin/cargo";
const RUSTC: &str = "/usr/bin/rustc";
/// They run on Unix only: real processes in a sealed world, and these chores.
const UNIX_ONLY: &[&str] = &["keyfob-tests", "xtask"];
/// What `cargo run` and other toolchains leave in the environment.
const FOREIGN: &[&str] =
    &["LD_LIBRARY_PATH", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "CARGO_TARGET_DIR"];
const STAND_IN: &str = r#"#!/bin/sh
# A C compiler and archiver for type checks: makes the files it is asked for, empty.
output=
while [ $# -gt 0 ]; do
    case "$1" in
        -o) shift; output=$1 ;;
        *.a) output=$1 ;;
    esac
    shift
done
[ -z "$output" ] || : > "$output"
"#;

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    match try_run(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("xtask: check-targets: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Answers whether all targets are fine.
fn try_run(arguments: &[String]) -> Result<bool, String> {
    let targets = chosen(arguments)?;
    provide()?;
    let places = workspace::places()?;
    let directory = places.target.join("check-targets");
    let stand_in = stand_in(&directory.join("stand-in"))
        .map_err(|cause| format!("make a stand-in compiler in {}: {cause}", directory.display()))?;
    let mut results = Vec::new();
    for target in targets {
        eprintln!("check-targets: {target}");
        let mut command = check(&places.root, &directory, &stand_in, target);
        let status = workspace::status(&mut command, CARGO)?;
        results.push((target, status.success()));
    }
    for (target, fine) in &results {
        println!("{target}: {}", if *fine { "ok" } else { "failed" });
    }
    Ok(results.iter().all(|(_, fine)| *fine))
}

fn chosen(arguments: &[String]) -> Result<Vec<&'static str>, String> {
    if arguments.is_empty() {
        return Ok(TARGETS.to_vec());
    }
    let known = |name: &String| TARGETS.iter().copied().find(|target| target == name);
    let unknown = |name| format!("{name} is not checked; the targets are {}", TARGETS.join(" and "));
    arguments.iter().map(|name| known(name).ok_or_else(|| unknown(name))).collect()
}

/// Installs the packages that are missing, or says how to.
fn provide() -> Result<(), String> {
    let missing: Vec<&str> =
        PACKAGES.iter().copied().filter(|package| !parts::is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    let left = |why: &str| format!("missing: {list} ({why})\nhint: apt-get install {list}");
    if !parts::is_root() {
        return Err(left("only root can install them"));
    }
    eprintln!("check-targets: installing {list}");
    parts::apt(&["update"]).map_err(|failure| left(&failure))?;
    // A Rust of the distribution that stands in the way is not ours to remove.
    let install = ["install", "--yes", "--no-install-recommends", "--no-remove"];
    parts::apt(&[&install, missing.as_slice()].concat()).map_err(|failure| left(&failure))
}

/// Writes the stand-in compiler and answers its path.
fn stand_in(directory: &Path) -> io::Result<PathBuf> {
    let path = directory.join("cc");
    fs::create_dir_all(directory)?;
    fs::write(&path, STAND_IN)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

fn check(root: &Path, directory: &Path, stand_in: &Path, target: &str) -> Command {
    let mut command = workspace::cargo_at(CARGO);
    for name in FOREIGN {
        command.env_remove(name);
    }
    command.current_dir(root).env("RUSTC", RUSTC);
    // A released compiler builds the standard library only if it is told that this is meant.
    command.env("RUSTC_BOOTSTRAP", "1");
    // The compiler of macOS is looked for through its developer tools, unless all this is given.
    command.env("CC_aarch64_apple_darwin", stand_in).env("AR_aarch64_apple_darwin", stand_in);
    command.env("SDKROOT", directory);
    command.args(["check", "--locked", "-Zbuild-std=std,panic_abort,panic_unwind", "--keep-going"]);
    command.args(["-Zwarnings", "--config", "build.warnings=\"deny\""]);
    command.args(["--workspace", "--lib", "--bins", "--target", target, "--target-dir"]).arg(directory);
    for package in UNIX_ONLY {
        command.args(["--exclude", package]);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_targets_are_checked_unless_some_are_named() {
        assert_eq!(chosen(&[]).unwrap(), TARGETS);
        assert_eq!(chosen(&["aarch64-apple-darwin".into()]).unwrap(), ["aarch64-apple-darwin"]);
        assert!(chosen(&["vax-dec-vms".into()]).unwrap_err().contains("x86_64-pc-windows-gnu and"));
    }

    #[test]
    fn the_stand_in_makes_the_files_it_is_asked_for() {
        let directory = std::env::temp_dir().join(format!("keyfob-stand-in-{}", std::process::id()));
        let compiler = stand_in(&directory).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = Command::new(&compiler);
            command.args(arguments).current_dir(&directory).status().unwrap().success()
        };
        let fine =
            run(&["-O2", "-o", "x.o", "-c", "x.c"]) && run(&["cq", "libx.a", "x.o"]) && run(&["-E", "x.c"]);
        let made = ["x.o", "libx.a"].map(|name| directory.join(name).exists());
        fs::remove_dir_all(&directory).unwrap();
        assert!(fine);
        assert_eq!(made, [true, true]);
    }
}
