//! Files with a stamp, by which they are known again: what has another text than the stamp says is somebody's own.

use keyfob_shared::{Failure, FailureKind};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{fs, iter};

/// Begins what the line of the stamp says; the digest follows.
const STAMP: &str =
    "written by `keyfob daemon install`, which overwrites and removes it while its digest is ";

/// Something to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) content: Content,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// With its stamp.
    Text(String),
    /// A symbolic link to this.
    #[allow(dead_code, reason = "only systemd has links")]
    Link(PathBuf),
}

/// What has become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Written,
    Same,
    Removed,
    /// It is there, and not ours.
    Foreign,
    Absent,
}

/// Puts a stamp into a text, in a comment after its first `lines` lines.
pub(super) fn stamped(text: &str, lines: usize, comment: (&str, &str)) -> String {
    let (begin, end) = comment;
    let stamp = format!("{begin}{STAMP}{}{end}\n", digest(text));
    let head: String = text.split_inclusive('\n').take(lines).collect();
    format!("{head}{stamp}{}", &text[head.len()..])
}

impl Entry {
    /// Makes sure that nothing of somebody else is in the way.
    ///
    /// # Errors
    /// If something is.
    pub(super) fn refuse_foreign(&self) -> Result<(), Failure> {
        if self.is_written() || matches!(state(&self.path), State::Absent | State::Ours) {
            return Ok(());
        }
        let path = self.path.display();
        let message = format!("{path} was written or edited by others; nothing was changed");
        Err(Failure::new(FailureKind::Usage, message).hint(format!("mv {path} {path}.old")))
    }

    /// Writes it, with its directory, unless it is there as it should be.
    pub(super) fn write(&self) -> io::Result<Outcome> {
        if self.is_written() {
            return Ok(Outcome::Same);
        }
        let directory = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory)?;
        match &self.content {
            Content::Text(text) => {
                // Renamed into place: a service manager that reads at this moment reads the old text or the new one.
                let mut new = tempfile::Builder::new().prefix(".keyfob-").tempfile_in(directory)?;
                new.write_all(text.as_bytes())?;
                new.as_file().sync_all()?;
                new.persist(&self.path)?;
            }
            Content::Link(target) => {
                if state(&self.path) == State::Ours {
                    fs::remove_file(&self.path)?;
                }
                super::system::link(target, &self.path)?;
            }
        }
        Ok(Outcome::Written)
    }

    /// Answers what is shown of it.
    pub(super) fn shown(&self) -> String {
        match &self.content {
            Content::Text(text) => text.clone(),
            Content::Link(target) => format!("a link to {}", target.display()),
        }
    }

    fn is_written(&self) -> bool {
        match &self.content {
            Content::Text(text) => fs::read_to_string(&self.path).is_ok_and(|found| found == *text),
            Content::Link(target) => fs::read_link(&self.path).is_ok_and(|found| found == *target),
        }
    }
}

/// Removes a file that is ours.
pub(super) fn remove(path: &Path) -> io::Result<Outcome> {
    match state(path) {
        State::Absent => Ok(Outcome::Absent),
        State::Foreign => Ok(Outcome::Foreign),
        State::Ours => fs::remove_file(path).map(|()| Outcome::Removed),
    }
}

#[derive(PartialEq, Eq)]
enum State {
    Absent,
    Ours,
    Foreign,
}

fn state(path: &Path) -> State {
    if let Ok(target) = fs::read_link(path) {
        // One that enables a unit: to a file of the same name.
        return if target.file_name() == path.file_name() { State::Ours } else { State::Foreign };
    }
    match fs::read_to_string(path) {
        Ok(text) if is_stamped(&text) => State::Ours,
        Err(error) if error.kind() == io::ErrorKind::NotFound => State::Absent,
        Ok(_) | Err(_) => State::Foreign,
    }
}

fn is_stamped(text: &str) -> bool {
    let is_stamp = |line: &&str| line.contains(STAMP);
    let Some(stamp) = text.split_inclusive('\n').find(is_stamp) else { return false };
    let rest: String = text.split_inclusive('\n').filter(|line| !is_stamp(line)).collect();
    stamp.contains(&digest(&rest))
}

fn digest(text: &str) -> String {
    let bytes = Sha256::digest(text.as_bytes());
    iter::zip(0..8, bytes).map(|(_, byte)| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_ours_until_it_is_edited() {
        let text = stamped("<a>\n<b>\n</b>\n", 1, ("<!-- ", " -->"));
        assert!(text.starts_with("<a>\n<!-- written by ") && text.ends_with(" -->\n<b>\n</b>\n"), "{text}");
        assert!(is_stamped(&text));
        assert!(!is_stamped(&text.replace("<b>", "<c>")));
        assert!(!is_stamped(&format!("{text}\n")));
        assert!(!is_stamped("<a>\n"));
    }

    #[test]
    fn what_somebody_else_wrote_is_neither_overwritten_nor_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/er/unit");
        let entry =
            |text: &str| Entry { path: path.clone(), content: Content::Text(stamped(text, 0, ("# ", ""))) };
        assert!(entry("1\n").refuse_foreign().is_ok());
        assert_eq!(entry("1\n").write().unwrap(), Outcome::Written);
        assert_eq!(entry("1\n").write().unwrap(), Outcome::Same);
        assert!(entry("2\n").refuse_foreign().is_ok(), "a new version exchanges what the old one wrote");
        assert_eq!(entry("2\n").write().unwrap(), Outcome::Written);
        fs::write(&path, "mine\n").unwrap();
        assert!(entry("2\n").refuse_foreign().is_err());
        assert_eq!(remove(&path).unwrap(), Outcome::Foreign);
        fs::remove_file(&path).unwrap();
        assert_eq!(entry("2\n").write().unwrap(), Outcome::Written);
        assert_eq!(remove(&path).unwrap(), Outcome::Removed);
        assert_eq!(remove(&path).unwrap(), Outcome::Absent);
    }
}
