//! Programs of others that tests use, and what to say where one is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where `cargo xtask test` puts what it installs.
const PARTS: &str = "KEYFOB_TEST_PARTS";

/// Answers a program of the virtual environments, or of the machine.
///
/// # Panics
/// If it is missing where everything has to be there: with `CI` set.
pub fn find(program: &str) -> Option<PathBuf> {
    let parts = std::env::var_os(PARTS);
    let own = ["venv/bin", "judge/bin"].into_iter();
    let own = own.filter_map(|bin| Some(Path::new(parts.as_ref()?).join(bin).join(program)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Where servers are is not always in the path.
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = own.chain(places.map(|path| path.join(program)));
    let found = found.into_iter().find(|path| path.is_file());
    if found.is_none() {
        missing(&format!("{program} is not installed"));
    }
    found
}

/// Answers a file among the parts that `cargo xtask test` installs, or why it is not there.
pub fn part(name: &str) -> Result<PathBuf, String> {
    let parts = std::env::var_os(PARTS).ok_or_else(|| format!("{PARTS} is not set"))?;
    let path = Path::new(&parts).join(name);
    if path.exists() {
        return Ok(path);
    }
    let directory = name.split('/').next().unwrap_or_default();
    let why = std::fs::read_to_string(Path::new(&parts).join(format!("{directory}.missing")));
    Err(why.unwrap_or_else(|_| format!("{name} is not installed")))
}

/// Answers a program of the machine that says what is wanted when it is asked for its version.
pub fn on_path(program: &str, arguments: &[&str], says: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let says_so = |path: &PathBuf| {
        let output = Command::new(path).args(arguments).output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(says))
    };
    let mut found = std::env::split_paths(&path).map(|path| path.join(program)).filter(|path| path.is_file());
    found.find(says_so).ok_or_else(|| format!("{program} is not installed"))
}

/// Answers a Python that has a module.
///
/// # Panics
/// If it is missing where everything has to be there: with `CI` set.
pub fn python(module: &str) -> Option<PathBuf> {
    let python = find("python3")?;
    let import = Command::new(&python).args(["-c", &format!("import {module}")]).output();
    if import.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    missing(&format!("python has no {module}"));
    None
}

/// Answers whether tests may act as other users.
///
/// # Panics
/// If not, with `CI` set.
pub fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        missing("only root can act as another user");
    }
    root
}

/// Says why a test does not run.
///
/// # Panics
/// With `CI` set.
#[allow(clippy::print_stderr, reason = "the runner shows it with --nocapture")]
pub fn missing(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{why}; `cargo xtask test` installs it");
    eprintln!("skipped: {why}; `cargo xtask test` installs it");
}

/// Answers the client that needs nothing around it.
///
/// # Panics
/// If it is missing where everything has to be there: with `CI` set.
pub fn static_client() -> Option<PathBuf> {
    let host = format!("{}-unknown-linux-gnu/debug/keyfob", std::env::consts::ARCH);
    let target = program("keyfob").ancestors().nth(2).map(Path::to_owned);
    let found = target.map(|target| target.join(host)).filter(|path| path.is_file());
    if found.is_none() {
        missing("the static client was not built");
    }
    found
}

/// Answers the programs under test: they lie beside the tests.
///
/// # Panics
/// If they were not built.
pub fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let directory = own.ancestors().skip(1).find(|directory| directory.join(name).is_file());
    let directory = directory.unwrap_or_else(|| panic!("{name} was not built: cargo build"));
    directory.join(name)
}
