//! Platforms whose files are private by the access list of their directory.

use super::Trust;
use std::fs::File;
use std::io;
use std::path::Path;

/// Opens a file for reading.
pub(super) fn open(path: &Path, _trust: Trust) -> io::Result<File> {
    File::open(path)
}

/// Answers why a file is not to be used as a key.
pub(super) fn distrust(_file: &File, _trust: Trust) -> io::Result<Option<&'static str>> {
    Ok(None)
}

/// Makes a directory.
pub(crate) fn private_directory(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Has the names in a directory outlive a power cut; NTFS keeps a journal of them.
pub(crate) fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}
