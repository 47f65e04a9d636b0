//! The environment variables of keyfob, and the files that they move.
//!
//! Reads variables; never creates a file.

use directories::BaseDirs;
use std::{env, ffi::OsString, path::PathBuf};

/// Moves the configuration file.
pub const CONFIG: &str = "KEYFOB_CONFIG";
/// Moves the socket (a file path; on Windows the name of a pipe).
pub const SOCKET: &str = "KEYFOB_SOCKET";
/// Moves the directory of vault file, journal, audit and logs.
pub const STATE_DIR: &str = "KEYFOB_STATE_DIR";
/// Sets the `tracing` filter of the daemon, for example `debug` or `keyfobd=trace`.
pub const LOG: &str = "KEYFOB_LOG";

/// Answers the path of the configuration file; `None` without a home directory.
pub fn config_file() -> Option<PathBuf> {
    path(CONFIG).or_else(|| Some(BaseDirs::new()?.config_dir().join("keyfob").join("config.toml")))
}

/// Answers the path of the socket; without a runtime directory it lies in the state directory.
pub fn socket() -> Option<PathBuf> {
    if let Some(path) = path(SOCKET) {
        return Some(path);
    }
    if cfg!(windows) {
        let user = env::var("USERNAME").unwrap_or_default();
        return Some(PathBuf::from(format!(r"\\.\pipe\keyfob-{user}")));
    }
    match env::var_os("XDG_RUNTIME_DIR").filter(|directory| !directory.is_empty()) {
        Some(directory) => Some(PathBuf::from(directory).join("keyfob").join("agent.sock")),
        None => Some(state_directory()?.join("agent.sock")),
    }
}

/// Answers the directory of vault file, journal, audit and logs; `None` without a home directory.
pub fn state_directory() -> Option<PathBuf> {
    path(STATE_DIR).or_else(|| {
        let base = BaseDirs::new()?;
        Some(base.state_dir().unwrap_or_else(|| base.data_local_dir()).join("keyfob"))
    })
}

fn path(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from)
}
