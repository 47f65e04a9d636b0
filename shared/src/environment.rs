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
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Tells `keyfob get`, which the command of a `process` identity may run by mistake, whose credentials are being made.
pub const WITHIN: &str = "KEYFOB_WITHIN";

/// Moves the configuration file.
pub const CONFIG: &str = "KEYFOB_CONFIG";
/// Moves the socket (a file path; on Windows the name of a pipe).
pub const SOCKET: &str = "KEYFOB_SOCKET";
/// Moves the directory of vault file, journal, audit and logs.
pub const STATE_DIR: &str = "KEYFOB_STATE_DIR";
/// The number of the user whose daemon is trusted beside this user's own, as it is seen from here.
pub const DAEMON_UID: &str = "KEYFOB_DAEMON_UID";
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

/// Answers whether the path of the socket is told by its own variable.
pub fn is_socket_told() -> bool {
    variable(SOCKET).is_some()
}

/// Answers the path of the socket if it does not depend on the state directory. It is not checked.
pub fn socket_without_home() -> Option<PathBuf> {
    let Some((mut path, rest)) = told_socket(|name| env::var_os(name)) else {
        return platform::runtime_socket();
    };
    path.push(rest);
    Some(path.into())
}

/// Answers the path of the socket if variables tell it, in two parts; `variable` reads one. Nothing is allocated.
pub fn told_socket<T: AsRef<OsStr>>(variable: impl Fn(&str) -> Option<T>) -> Option<(T, &'static str)> {
    let set = |name: &str| variable(name).filter(|value| !value.as_ref().is_empty());
    if let Some(path) = set(SOCKET) {
        return Some((path, ""));
    }
    let (name, rest) = platform::RUNTIME_DIRECTORY?;
    // The basedir specification: a relative path is to be ignored.
    set(name).filter(|path| path.as_ref().as_encoded_bytes().starts_with(b"/")).map(|path| (path, rest))
}

/// Answers whose daemon is trusted beside this user's own; what is no number is nobody. Nothing is allocated.
pub fn told_daemon_user<T: AsRef<OsStr>>(variable: impl Fn(&str) -> Option<T>) -> Option<u32> {
    variable(DAEMON_UID)?.as_ref().to_str()?.parse().ok()
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
    fn variables_tell_where_the_socket_is() {
        let told = |socket: &'static str, runtime: &'static str| {
            told_socket(|name| match name {
                SOCKET => Some(socket),
                "XDG_RUNTIME_DIR" => Some(runtime),
                _ => None,
            })
        };
        assert_eq!(told("/a/socket", "/run/user/7"), Some(("/a/socket", "")));
        assert_eq!(told_socket(|_| None::<&str>), None);
        #[cfg(unix)]
        assert_eq!(told("", "/run/user/7"), Some(("/run/user/7", "/keyfob/agent.sock")));
        assert_eq!(told("", "here"), None);
        assert_eq!(told("", ""), None);
    }

    #[test]
    fn a_daemon_of_another_user_is_trusted_by_its_number_only() {
        let told = |value: &'static str| told_daemon_user(|_| Some(value));
        assert_eq!((told("1000"), told("0")), (Some(1_000), Some(0)));
        for nobody in ["", "alice", "-1", "1000 ", "4294967296", "*"] {
            assert_eq!(told(nobody), None, "{nobody}");
        }
        assert_eq!(told_daemon_user(|_| None::<&str>), None);
    }

    #[test]
    fn a_relative_path_is_refused_with_the_absolute_one() {
        let failure = absolute(CONFIG, "x/config.toml".into()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Usage);
        assert!(failure.message.contains("not an absolute path"), "{failure}");
        let whole = env::current_dir().unwrap().join("x/config.toml");
        assert_eq!(failure.hint, Some(format!("set {CONFIG} to {}", whole.display())));
    }
}
