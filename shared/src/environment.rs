//! The environment variables of keyfob, and the files that they move.
//!
//! Reads variables and looks at directories; never creates a file. A variable that holds a relative path is refused,
//! since client and daemon work in different directories.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as platform;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as platform;

use crate::{Failure, FailureKind};
use directories::BaseDirs;
use std::env;
use std::path::{Path, PathBuf};

/// Moves the configuration file.
pub const CONFIG: &str = "KEYFOB_CONFIG";
/// Moves the socket (a file path; on Windows the name of a pipe).
pub const SOCKET: &str = "KEYFOB_SOCKET";
/// Moves the directory of vault file, journal, audit and logs.
pub const STATE_DIR: &str = "KEYFOB_STATE_DIR";
/// Sets the `tracing` filter of the daemon, for example `debug` or `keyfobd=trace`.
pub const LOG: &str = "KEYFOB_LOG";

/// Answers the path of the configuration file.
///
/// # Errors
/// If there is no home directory, or the variable holds a relative path.
pub fn config_file() -> Result<PathBuf, Failure> {
    match variable(CONFIG) {
        Some(path) => absolute(CONFIG, path),
        None => Ok(home(CONFIG)?.config_dir().join("keyfob").join("config.toml")),
    }
}

/// Answers the directory of vault file, journal, audit and logs.
///
/// # Errors
/// If there is no home directory, or the variable holds a relative path.
pub fn state_directory() -> Result<PathBuf, Failure> {
    match variable(STATE_DIR) {
        Some(path) => absolute(STATE_DIR, path),
        None => {
            let home = home(STATE_DIR)?;
            Ok(home.state_dir().unwrap_or_else(|| home.data_local_dir()).join("keyfob"))
        }
    }
}

/// Answers the path of the socket: where `KEYFOB_SOCKET` says, else in the runtime directory of the user, else in the
/// state directory.
///
/// # Errors
/// If a socket can't be there: the path is relative or too long, or there is no home directory.
pub fn socket() -> Result<PathBuf, Failure> {
    match socket_without_home() {
        Some(path) => platform::socket_path(absolute(SOCKET, path)?),
        None => platform::socket_path(state_directory()?.join("agent.sock")),
    }
}

/// Answers the path of the socket if it does not depend on the state directory. It is not checked.
pub fn socket_without_home() -> Option<PathBuf> {
    variable(SOCKET).or_else(platform::runtime_socket)
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn absolute(name: &str, path: PathBuf) -> Result<PathBuf, Failure> {
    if path.is_absolute() {
        return Ok(path);
    }
    let message = format!("{name} is {:?}, which is not an absolute path", path.display().to_string());
    let whole = env::current_dir().unwrap_or_default().join(Path::new(&path));
    Err(Failure::new(FailureKind::Usage, message).hint(format!("set {name} to {}", whole.display())))
}

fn home(instead: &str) -> Result<BaseDirs, Failure> {
    BaseDirs::new().ok_or_else(|| {
        Failure::new(FailureKind::Usage, "there is no home directory").hint(format!("set HOME, or {instead}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_is_refused_with_the_absolute_one() {
        let failure = absolute(CONFIG, "x/config.toml".into()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Usage);
        assert!(failure.message.contains("not an absolute path"), "{failure}");
        let whole = env::current_dir().unwrap().join("x/config.toml");
        assert_eq!(failure.hint, Some(format!("set {CONFIG} to {}", whole.display())));
    }
}
