//! Linux and macOS.

use super::Trust;
use rustix::fs::OFlags;
use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Opens a file for reading; one that is a pipe is not waited for.
pub(super) fn open(path: &Path, trust: Trust) -> io::Result<File> {
    let flags = match trust {
        Trust::Own => OFlags::NONBLOCK | OFlags::NOFOLLOW,
        Trust::Key | Trust::Given => OFlags::NONBLOCK,
    };
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// Answers why a file is not to be used as a key.
pub(super) fn distrust(file: &File, trust: Trust) -> io::Result<Option<&'static str>> {
    if trust != Trust::Key {
        return Ok(None);
    }
    let found = file.metadata()?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Ok(Some("it belongs to another user"));
    }
    Ok((found.mode() & 0o077 != 0).then_some("others may read or write it"))
}

/// Makes a directory that only the user may enter.
pub(crate) fn private_directory(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// Has the names in a directory outlive a power cut.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
