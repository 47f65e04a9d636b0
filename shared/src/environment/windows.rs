//! Windows. Type-checked; not run yet.

use crate::Failure;
use std::env;
use std::path::PathBuf;

/// There is none.
pub(super) const RUNTIME_DIRECTORY: Option<(&str, &str)> = None;

/// Answers the name of the user's pipe.
pub(super) fn runtime_socket() -> Option<PathBuf> {
    let user = env::var("USERNAME").unwrap_or_default();
    Some(PathBuf::from(format!(r"\\.\pipe\keyfob-{user}")))
}

/// A pipe can have any name.
pub(super) fn socket_path(path: PathBuf) -> Result<PathBuf, Failure> {
    Ok(path)
}
