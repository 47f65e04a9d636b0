//! The list of what was installed: files, and the directories that were made for them.
//!
//! Paths are below the prefix, one a line; those of directories end in a slash.

use std::collections::BTreeSet;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::{fs, process};

const LIST: &str = "share/keyfob/installed";

#[derive(Debug)]
pub(super) struct List {
    prefix: PathBuf,
    paths: BTreeSet<String>,
}

impl List {
    /// Reads the list of what is installed below a prefix; without one, nothing is.
    pub(super) fn read(prefix: &Path) -> Result<Self, String> {
        let path = prefix.join(LIST);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => String::new(),
            Err(cause) => return Err(failure("read", &path, &cause)),
        };
        let paths: BTreeSet<String> = text.lines().map(str::to_owned).collect();
        match paths.iter().find(|path| !is_below(path)) {
            None => Ok(Self { prefix: prefix.to_owned(), paths }),
            Some(wrong) => Err(format!("read {}: {wrong:?} is not below the prefix", path.display())),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Puts a file in its place in one step, says so, and takes note of it.
    pub(super) fn put(&mut self, path: &Path, bytes: &[u8], is_program: bool) -> Result<(), String> {
        self.place(path, bytes, is_program).map_err(|cause| failure("write", path, &cause))?;
        println!("{}", path.display());
        Ok(())
    }

    /// Writes the list itself.
    pub(super) fn write(&mut self) -> Result<(), String> {
        let path = self.prefix.join(LIST);
        let result = self.place(&path, b"", false).and_then(|()| {
            let lines: String = self.paths.iter().map(|path| format!("{path}\n")).collect();
            fs::write(&path, lines)
        });
        result.map_err(|cause| failure("write", &path, &cause))
    }

    /// Removes all of it, the directories too unless somebody else has put something there.
    pub(super) fn remove(&self) -> Result<(), String> {
        let (directories, files): (Vec<_>, Vec<_>) = self.paths.iter().partition(|path| path.ends_with('/'));
        // The list last of the files: what is left by a failure can be removed again.
        let list = files.iter().filter(|path| *path == &LIST);
        for path in files.iter().filter(|path| *path != &LIST).chain(list) {
            let path = self.prefix.join(path);
            match fs::remove_file(&path) {
                Ok(()) => println!("removed: {}", path.display()),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => return Err(failure("remove", &path, &cause)),
            }
        }
        // The deepest first. One that is not empty is not ours alone.
        for path in directories.iter().rev() {
            let _ = fs::remove_dir(self.prefix.join(path));
        }
        Ok(())
    }

    fn place(&mut self, path: &Path, bytes: &[u8], is_program: bool) -> io::Result<()> {
        let directory = path.parent().unwrap_or(&self.prefix).to_owned();
        let mut made: Vec<&Path> = directory.ancestors().take_while(|above| !above.exists()).collect();
        fs::create_dir_all(&directory)?;
        made.retain(|above| above.starts_with(&self.prefix) && *above != self.prefix);
        for above in made {
            self.note(above, "/");
        }
        // Renamed into place: a program that runs can't be written to, and goes on with what it has.
        let new = directory.join(format!(".keyfob-{}", process::id()));
        let result = fs::write(&new, bytes)
            .and_then(|()| if is_program { make_executable(&new) } else { Ok(()) })
            .and_then(|()| fs::rename(&new, path));
        if result.is_err() {
            // The failure is told already.
            let _ = fs::remove_file(&new);
        }
        result?;
        self.note(path, "");
        Ok(())
    }

    fn note(&mut self, path: &Path, end: &str) {
        if let Ok(below) = path.strip_prefix(&self.prefix) {
            self.paths.insert(format!("{}{end}", below.display()));
        }
    }
}

/// Answers whether a line of a list leads nowhere but down.
fn is_below(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    !path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn failure(what: &str, path: &Path, cause: &io::Error) -> String {
    format!("{what} {}: {cause}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_removed_and_nothing_else() {
        let prefix = std::env::temp_dir().join(format!("keyfob-xtask-list-{}", process::id()));
        fs::create_dir_all(prefix.join("bin")).unwrap();
        fs::write(prefix.join("bin/other"), "").unwrap();
        let mut list = List::read(&prefix).unwrap();
        assert!(list.is_empty());
        list.put(&prefix.join("bin/a"), b"1", true).unwrap();
        list.put(&prefix.join("share/x/y/b"), b"2", false).unwrap();
        list.write().unwrap();
        // Again, over what runs: a second list knows the directories of the first.
        let mut list = List::read(&prefix).unwrap();
        list.put(&prefix.join("bin/a"), b"3", true).unwrap();
        list.write().unwrap();
        assert_eq!(fs::read(prefix.join("bin/a")).unwrap(), b"3");
        List::read(&prefix).unwrap().remove().unwrap();
        let left: Vec<_> = fs::read_dir(&prefix).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        let others: Vec<_> =
            fs::read_dir(prefix.join("bin")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        fs::remove_dir_all(&prefix).unwrap();
        assert_eq!((left, others), (vec!["bin".into()], vec!["other".into()]));
    }

    #[test]
    fn a_list_leads_nowhere_but_below_its_prefix() {
        for (path, below) in
            [("a/b", true), ("a/", true), ("../a", false), ("/a", false), ("a/../../b", false), ("", false)]
        {
            assert_eq!(is_below(path), below, "{path}");
        }
    }
}
