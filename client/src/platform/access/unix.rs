//! Linux and macOS.

use super::Access;
use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Answers the rights of a file; `None` if it is not there, or can't be looked at.
pub(crate) fn access(path: &Path) -> Option<Access> {
    let found = std::fs::symlink_metadata(path).ok()?;
    let is_own = found.uid() == rustix::process::geteuid().as_raw();
    Some(Access { mode: found.mode() & 0o777, is_own })
}

/// Makes a file that only this user may read.
///
/// # Errors
/// If there is one already, or a link in its place.
pub(crate) fn new_private_file(path: &Path) -> io::Result<File> {
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
