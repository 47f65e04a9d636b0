//! Files that hold secrets: read with a bound, written whole or not at all.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
use other as platform;
pub(crate) use platform::{private_directory, sync_directory};
#[cfg(unix)]
use unix as platform;

use std::io::{self, Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// What a crash has left half written begins with this.
pub(crate) const TEMPORARY: &str = ".tmp-";

/// Whose files a path may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Our own file in our own directory: no link leads to it.
    Own,
    /// A key that the user named: links are followed, but nobody else may read or write it.
    Key,
    /// A credential of systemd: mode and owner tell nothing, since it is given through an access list.
    Given,
}

/// Reads a regular file of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: usize, trust: Trust) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = platform::open(path, trust)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if let Some(why) = platform::distrust(&file, trust)? {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    // Grown in steps, the buffer would leave copies of a secret behind.
    let expected = usize::try_from(found.len()).unwrap_or(limit).min(limit);
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected + 1));
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(io::Error::other(format!("it has more than {limit} bytes")));
    }
    Ok(bytes)
}

/// Whether a file may take the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It may.
    Taken,
    /// Only an empty place will do; a link is no empty place.
    Empty,
}

/// Writes a file with mode 0600 that is there whole, also after a power cut, or not at all.
pub(crate) fn write(directory: &Path, name: &str, bytes: &[u8], place: Place) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let path = directory.join(name);
    match place {
        Place::Taken => file.persist(path),
        Place::Empty => file.persist_noclobber(path),
    }
    .map_err(|error| error.error)?;
    sync_directory(directory)
}

/// Writes a file of a private directory, which is made if it is not there: whole, also after a power cut, or not at all.
///
/// # Errors
/// If the directory can't be made or written to; what was there before is as it was.
pub fn write_whole(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    private_directory(directory)?;
    write(directory, name, bytes, Place::Taken)
}
