//! Platforms whose files are private by the access list of their directory.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Where writes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    /// Behind what is there.
    AtTheEnd,
    /// In the place of what is there.
    Anew,
}

fn regular(file: File, path: &Path) -> io::Result<File> {
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::other(format!("{} is not a file", path.display())))
}

/// Opens a regular file for reading.
pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    regular(File::open(path)?, path)
}

/// Opens or makes a regular file for writing.
pub(crate) fn open_to_write(path: &Path, writing: Writing) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true);
    match writing {
        // Not `append`: such a handle could not be cut back.
        Writing::AtTheEnd => {
            let mut file = options.truncate(false).open(path)?;
            io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
            regular(file, path)
        }
        Writing::Anew => regular(options.truncate(true).open(path)?, path),
    }
}

/// Answers whether an open file may be the one that has a path: both are as long.
pub(crate) fn is_in_place(file: &File, path: &Path) -> io::Result<bool> {
    Ok(file.metadata()?.len() == path.symlink_metadata()?.len())
}
