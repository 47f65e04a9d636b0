//! The real parts that tests use: Debian packages, Python packages in an environment of their own, and clients of AWS.
//!
//! Only what is missing is installed. Nothing here is fatal; the answer is what could not be had.

mod clients;

use crate::workspace;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Programs, and the Debian packages that bring them.
const DEBIAN: &[(&str, &str)] = &[
    ("dbus-run-session", "dbus"),
    ("dbus-launch", "dbus-x11"),
    ("gnome-keyring-daemon", "gnome-keyring"),
    ("secret-tool", "libsecret-tools"),
    ("gdbus", "libglib2.0-bin"),
    ("faketime", "faketime"),
    ("gdb", "gdb"),
    ("setpriv", "util-linux"),
    ("rclone", "rclone"),
    ("restic", "restic"),
    ("sshd", "openssh-server"),
    ("ssh", "openssh-client"),
    ("openssl", "openssl"),
    ("systemd-analyze", "systemd"),
    ("zsh", "zsh"),
    ("fish", "fish"),
    ("man", "man-db"),
    ("mandoc", "mandoc"),
    ("lintian", "lintian"),
];

/// Version 2; a program `aws` may be version 1.
const CLI: &str = "awscli";

/// What one client is built with. The Go and the Node.js of Debian 12 are too old for the SDKs, and not asked for.
const TOOLCHAINS: &[(&str, &str)] = &[("javac", "default-jdk-headless"), ("mvn", "maven")];

/// What one test is run in, and a machine may do without.
const BROWSERS: &[(&str, &str)] = &[("chromium", "chromium")];

/// A real identity provider. It asks for some web server: this one waits to be called, and nothing calls it.
const PROVIDER: &[&str] =
    &["simplesamlphp", "php-cli", "php-xml", "php-mbstring", "micro-httpd", "netcat-traditional"];

/// What the judge of the emulated AD FS is built with.
const JUDGE_TOOLS: &[(&str, &str)] = &[("krb5-config", "libkrb5-dev"), ("cc", "gcc")];

/// The judge: a client that was written for real ones. It wants an environment of its own.
const JUDGE: &[&str] = &["aws-adfs==2.13.0"];

/// An independent AWS, two real clients, a linter of CloudFormation, and judges of what `keyfob audit --export` prints.
const PYTHON: &[&str] = &[
    "moto[server]==5.2.5",
    "boto3==1.44.8",
    "awscli==1.46.3",
    "cfn-lint==1.58.0",
    "cloudevents==2.2.0",
    "ocsf-json-schema==1.2.0",
    "jsonschema==4.26.0",
];
/// What makes the Debian package.
pub(crate) const CARGO_DEB: &str = "3.8.0";

/// Holds, in a complete environment, the list that it was made from.
const COMPLETE: &str = "complete";

/// Installs what is missing, and answers a line for each thing that still is.
pub(crate) fn install(root: &Path, directory: &Path) -> Vec<String> {
    let mut packages = missing(DEBIAN);
    if !makes_environments() {
        packages.push("python3-venv");
    }
    if !is_installed(CLI) {
        packages.push(CLI);
    }
    // Those that nothing but one client needs must not stand in the way of the others.
    let mut results = vec![debian(&packages), debian(&missing(TOOLCHAINS)), debian(&missing(BROWSERS))];
    let provider: Vec<&str> = PROVIDER.iter().copied().filter(|package| !is_installed(package)).collect();
    // Whoever has it with another web server keeps that.
    if !is_installed("simplesamlphp") || !is_program("php") {
        results.push(debian(&provider));
    }
    let mut tools = missing(JUDGE_TOOLS);
    if !is_installed("python3-dev") && tools.contains(&"libkrb5-dev") {
        tools.push("python3-dev");
    }
    results.push(debian(&tools));
    results.push(cargo_deb(&directory.join("cargo-deb")));
    std::thread::scope(|scope| {
        let judge = scope.spawn(|| python(&directory.join("judge"), JUDGE));
        let python = scope.spawn(|| python(&directory.join("venv"), PYTHON));
        results.extend(clients::install(root, directory));
        for made in [python.join(), judge.join()] {
            results.push(made.unwrap_or_else(|_| Err("missing: an environment for Python".into())));
        }
    });
    results.into_iter().filter_map(Result::err).collect()
}

fn missing(programs: &[(&str, &'static str)]) -> Vec<&'static str> {
    programs.iter().filter(|(program, _)| !is_program(program)).map(|(_, package)| *package).collect()
}

fn debian(packages: &[&str]) -> Result<(), String> {
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    let left = |why: &str| {
        format!("missing: {list} ({why}); tests that need them are skipped\nhint: apt-get install {list}")
    };
    if !is_program("apt-get") {
        return Err(left("no apt-get here"));
    }
    if !is_root() {
        return Err(left("only root can install them"));
    }
    eprintln!("test: installing {list}");
    apt(&["update"]).map_err(|failure| left(&failure))?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    apt(&arguments).map_err(|failure| left(&failure))
}

/// Runs apt-get without questions.
pub(crate) fn apt(arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new("apt-get");
    command.args(["-qq", "-o", "DPkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=120"]);
    command.args(["-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=30"]).args(arguments);
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stdout(Stdio::null());
    workspace::run(&mut command, "apt-get")
}

fn python(environment: &Path, packages: &[&str]) -> Result<(), String> {
    let list = packages.join("\n");
    let mark = environment.join(COMPLETE);
    if fs::read_to_string(&mark).is_ok_and(|made_from| made_from == list) {
        return Ok(());
    }
    let left =
        |why: String| format!("missing: {} ({why}); tests that need them are skipped", packages.join(" "));
    eprintln!("test: installing {}", packages.join(" "));
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(environment).stdin(Stdio::null()).stdout(Stdio::null());
    workspace::run(&mut make, "python3 -m venv").map_err(left)?;
    let mut pip = Command::new(environment.join("bin").join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.args(["--timeout", "30", "--retries", "2"]).args(packages).stdin(Stdio::null());
    workspace::run(&mut pip, "pip install").map_err(left)?;
    fs::write(&mark, list).map_err(|cause| left(format!("write {}: {cause}", mark.display())))
}

fn cargo_deb(place: &Path) -> Result<(), String> {
    let mark = place.join(COMPLETE);
    if fs::read_to_string(&mark).is_ok_and(|made_from| made_from == CARGO_DEB) {
        return Ok(());
    }
    let left = |why: String| format!("missing: cargo-deb ({why}); the test of the package is skipped");
    eprintln!("test: installing cargo-deb");
    let mut install = workspace::cargo();
    install.args(["install", "--quiet", "--locked", "--force", "--no-default-features", "--root"]).arg(place);
    install.args(["cargo-deb", "--version", CARGO_DEB]);
    workspace::run(&mut install, "cargo install").map_err(left)?;
    fs::write(&mark, CARGO_DEB).map_err(|cause| left(format!("write {}: {cause}", mark.display())))
}

/// Answers whether the Python here can make environments: on Debian that is a package of its own.
fn makes_environments() -> bool {
    let mut command = Command::new("python3");
    command.args(["-c", "import ensurepip, venv"]).stdin(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

pub(crate) fn is_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(name).is_file())
}

pub(crate) fn is_installed(package: &str) -> bool {
    let mut command = Command::new("dpkg-query");
    command.args(["--show", "--showformat=${db:Status-Status}", package]).stderr(Stdio::null());
    command.output().is_ok_and(|output| output.stdout == b"installed")
}

pub(crate) fn is_root() -> bool {
    let output = Command::new("id").arg("-u").stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complete_environment_is_left_alone() {
        let directory = std::env::temp_dir().join(format!("keyfob-xtask-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(COMPLETE), PYTHON.join("\n")).unwrap();
        let installed = python(&directory, PYTHON);
        let left: Vec<_> = fs::read_dir(&directory).unwrap().collect();
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(installed, Ok(()));
        assert_eq!(left.len(), 1, "nothing was made");
    }

    #[test]
    fn a_program_is_looked_for_in_the_path() {
        assert!(is_program("sh"));
        assert!(!is_program("no-such-program"));
    }
}
