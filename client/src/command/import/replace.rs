//! Files exchanged in one step: whoever reads one sees the old text or the new one, whenever this ends.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::Builder;

/// Answers the file that a path leads to, through symbolic links.
pub(super) fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Gives a file a new text. It keeps its mode; one that is new is for its owner only.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = real(path);
    let mode = path.metadata().ok().map(|found| found.permissions());
    write(&path, text, mode, |new, path| new.persist(path).map(drop).map_err(io::Error::from))
}

/// Writes a file that is not there yet, for its owner only.
pub(super) fn create(path: &Path, text: &str) -> io::Result<()> {
    write(path, text, None, |new, path| new.persist_noclobber(path).map(drop).map_err(io::Error::from))
}

fn write(
    path: &Path,
    text: &str,
    mode: Option<Permissions>,
    persist: impl Fn(tempfile::NamedTempFile, &Path) -> io::Result<()>,
) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    crate::platform::private_directory(directory)?;
    // In the same directory, since a file can't be renamed into another file system; 0600 from its first moment.
    clear(path);
    let mut new = Builder::new().prefix(&half_written(path)).rand_bytes(0).tempfile_in(directory)?;
    new.write_all(text.as_bytes())?;
    if let Some(mode) = mode {
        new.as_file().set_permissions(mode)?;
    }
    new.as_file().sync_all()?;
    persist(new, path)?;
    synchronise(directory);
    Ok(())
}

/// Removes what a run that was killed has left half written: it may hold keys.
pub(super) fn clear(path: &Path) {
    let _ = std::fs::remove_file(path.with_file_name(half_written(path)));
}

/// One name for each file, so that no second one is ever left.
fn half_written(path: &Path) -> OsString {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".keyfob-new");
    name
}

/// Removes a file.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)?;
    path.parent().into_iter().for_each(synchronise);
    Ok(())
}

/// Makes a new name outlive a crash of the machine, where directories are files that can be opened.
fn synchronise(directory: &Path) {
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_keeps_its_mode_and_its_links() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        replace(&link, "new").unwrap();
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), ("new", 0o640));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        fs::write(directory.path().join(".file.keyfob-new"), "half of it").unwrap();
        replace(&link, "newer").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "newer");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing is left over");
    }

    #[test]
    fn what_is_new_is_private_and_overwrites_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("sub/file");
        replace(&file, "a").unwrap();
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
        create(&file, "b").unwrap_err();
        assert_eq!(fs::read_to_string(&file).unwrap(), "a");
    }
}
