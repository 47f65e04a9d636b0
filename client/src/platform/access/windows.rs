//! Windows: the directories of a user are the user's own.

use super::Access;
use std::fs::File;
use std::io;
use std::path::Path;

/// There are no modes.
pub(crate) fn access(_path: &Path) -> Option<Access> {
    None
}

/// Makes a file in a place of the user's.
///
/// # Errors
/// If there is one already.
pub(crate) fn new_private_file(path: &Path) -> io::Result<File> {
    File::create_new(path)
}
