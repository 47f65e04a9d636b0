//! Linux and macOS: no symbolic links, no pipes that block, mode 0600.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Where writes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    /// Behind what is there.
    AtTheEnd,
    /// In the place of what is there.
    Anew,
}

fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = options.mode(0o600).custom_flags(flags.bits().cast_signed()).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::other(format!("{} is not a file", path.display())));
    }
    Ok(file)
}

/// Opens a regular file for reading.
pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    open(OpenOptions::new().read(true), path)
}

/// Opens or makes a regular file for writing that nobody else may read.
pub(crate) fn open_to_write(path: &Path, writing: Writing) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true);
    match writing {
        Writing::AtTheEnd => options.append(true),
        Writing::Anew => options.truncate(true),
    };
    let file = open(&mut options, path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Answers whether an open file is the one that has a path.
pub(crate) fn is_in_place(file: &File, path: &Path) -> io::Result<bool> {
    let (open, there) = (file.metadata()?, path.symlink_metadata()?);
    Ok((open.dev(), open.ino()) == (there.dev(), there.ino()))
}
