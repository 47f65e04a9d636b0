//! `cargo xtask deb`: the Debian package, through cargo-deb.
//!
//! What no program holds in a file (manual, completions, the link that enables the socket) is made first, in the
//! directory `package` where cargo puts releases: the metadata in `daemon/Cargo.toml` takes it from there.

use crate::{install, manual, usage, workspace};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

/// Where `cargo xtask test` puts it.
const PART: &str = "test-parts/cargo-deb/bin/cargo-deb";

/// Where completions go, by shell, as the metadata names them.
const COMPLETIONS: &[(&str, &str)] =
    &[("bash", "bash/keyfob"), ("zsh", "zsh/_keyfob"), ("fish", "fish/keyfob.fish")];

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let (from, size) = match arguments {
        [] => (None, "--compress-type=xz"),
        [option, directory] if option == "--from" => (Some(PathBuf::from(directory)), "--compress-type=xz"),
        // For tests: the programs that they have are large.
        [option, directory, fast] if option == "--from" && fast == "--fast" => {
            (Some(PathBuf::from(directory)), "--fast")
        }
        _ => return usage("`deb` takes --from DIR, where built programs lie, and after it --fast"),
    };
    match make(from.as_deref(), size) {
        Ok(path) => {
            println!("{path}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("xtask: deb: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Makes the package and answers where it is.
fn make(from: Option<&Path>, compression: &str) -> Result<String, String> {
    let places = workspace::places()?;
    let programs = install::programs(from)?;
    let package = places.target.join("release").join("package");
    // Absent the first time.
    let _ = fs::remove_dir_all(&package);
    stage(&places.root, &package, &programs)?;
    let installed = places.target.join(PART);
    let program = if installed.exists() { installed.into_os_string() } else { OsString::from("cargo-deb") };
    let mut command = workspace::cargo_at(program);
    // Called by cargo it would get its name first.
    command.args(["deb", "--no-build", "--no-strip", "--locked", "--package", "keyfobd", compression]);
    command.current_dir(&places.root).stderr(Stdio::inherit());
    let output = command.output().map_err(|cause| {
        format!(
            "run cargo-deb: {cause}\nhint: cargo install --locked cargo-deb --version {}",
            crate::parts::CARGO_DEB
        )
    })?;
    if !output.status.success() {
        return Err(format!("cargo-deb: {}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn stage(root: &Path, package: &Path, programs: &[PathBuf; 2]) -> Result<(), String> {
    let failed = |path: &Path, cause: std::io::Error| format!("write {}: {cause}", path.display());
    for program in programs {
        let path = package.join("bin").join(program.file_name().unwrap_or_default());
        directory_of(&path).and_then(|()| strip(program, &path)).map_err(|cause| failed(&path, cause))?;
    }
    let changelog = package.join("changelog");
    fs::copy(root.join("packaging/debian/changelog"), &changelog)
        .map_err(|cause| failed(&changelog, cause))?;
    let mut texts = manual::write(&package.join("man"))?;
    texts.push(changelog);
    // As Debian wants them, without the time.
    workspace::run(Command::new("gzip").arg("-9n").args(texts), "gzip")?;
    for (shell, place) in COMPLETIONS {
        let path = package.join(place);
        let script = install::script(&programs[1], shell)?;
        directory_of(&path).and_then(|()| fs::write(&path, script)).map_err(|cause| failed(&path, cause))?;
    }
    let link = package.join("wants/keyfobd.socket");
    directory_of(&link)
        .and_then(|()| symlink("../keyfobd.socket", &link))
        .map_err(|cause| failed(&link, cause))
}

fn directory_of(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))
}

/// Copies a program without what only debuggers read; releases have none of it.
fn strip(from: &Path, to: &Path) -> std::io::Result<()> {
    let program = env::var_os("STRIP").unwrap_or_else(|| "strip".into());
    let mut strip = Command::new(program);
    strip.args(["--remove-section=.comment", "--remove-section=.note", "-o"]).args([to, from]);
    match strip.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) | Err(_) => fs::copy(from, to).map(drop),
    }
}

#[cfg(unix)]
fn symlink(target: &str, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn symlink(_target: &str, _path: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
