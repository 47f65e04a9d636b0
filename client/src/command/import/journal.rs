//! What imports have done, so that they can be taken back: files, their backups, and digests of what was written.
//!
//! It is written before the first file is, and holds no secret.

use super::replace;
use keyfob_shared::import::Change;
use keyfob_shared::{Failure, FailureKind, IdentityName, environment};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const NAME: &str = "import.json";
/// More imports than this are not remembered.
const MAX_STEPS: usize = 100;

/// The imports, oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Journal {
    pub(super) steps: Vec<Step>,
}

/// One import.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) files: Vec<Entry>,
    /// The identities whose keys went into the vault.
    pub(super) keys: Vec<IdentityName>,
}

/// One file of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// Where the old text is; `None` if there was no file.
    pub(super) backup: Option<PathBuf>,
    /// SHA-256 of the new text.
    pub(super) digest: String,
}

impl Journal {
    /// Reads it; there is none before the first import.
    pub(super) fn read() -> Result<Self, Failure> {
        let path = path()?;
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|cause| failure("read", &path, &cause)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(failure("read", &path, &cause)),
        }
    }

    /// Takes the last import off the list if it was broken off and these changes go on with it: then its backups serve,
    /// and no further copies of keys are made.
    pub(super) fn take_broken_off(&mut self, changes: &[(&Path, &Change)]) -> Step {
        let goes_on = self.steps.last().is_some_and(|last| {
            let is_as_before = |(path, change): &(&Path, &Change)| {
                let entry = last.files.iter().find(|entry| entry.path == *path);
                let before = change.before.as_ref().map(keyfob_shared::Secret::expose);
                entry.is_some_and(|entry| {
                    let old =
                        entry.backup.as_ref().map(|backup| fs::read_to_string(backup).unwrap_or_default());
                    old.as_deref() == before
                })
            };
            let is_written = |entry: &Entry| {
                changes.iter().any(|(path, _)| *path == entry.path)
                    || fs::read_to_string(&entry.path).is_ok_and(|text| digest(&text) == entry.digest)
            };
            changes.iter().all(is_as_before) && last.files.iter().all(is_written)
        });
        let nothing = || Step { files: Vec::new(), keys: Vec::new() };
        self.steps.pop_if(|_| goes_on).unwrap_or_else(nothing)
    }

    pub(super) fn write(&mut self) -> Result<(), Failure> {
        let path = path()?;
        let surplus = self.steps.len().saturating_sub(MAX_STEPS);
        self.steps.drain(..surplus);
        let text = serde_json::to_string_pretty(self).map_err(|cause| failure("write", &path, &cause))?;
        replace::replace(&path, &format!("{text}\n")).map_err(|cause| failure("write", &path, &cause))
    }
}

fn path() -> Result<PathBuf, Failure> {
    Ok(environment::state_directory()?.join(NAME))
}

/// Answers the digest of a text.
pub(super) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Copies a text beside its file, for its owner only, under a name that is free.
pub(super) fn back_up(file: &Path, text: &str) -> Result<PathBuf, Failure> {
    let file = replace::real(file);
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names = std::iter::once(format!("{name}.before-keyfob"))
        .chain((2..=MAX_STEPS + 1).map(|number| format!("{name}.before-keyfob-{number}")));
    for name in names {
        let backup = file.with_file_name(name);
        match replace::create(&backup, text) {
            Ok(()) => return Ok(backup),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(failure("write", &backup, &cause)),
        }
    }
    Err(failure("back up", &file, &"there are too many backups beside it"))
}

/// Says what failed on a file.
pub(super) fn failure(what: &str, path: &Path, cause: &dyn Display) -> Failure {
    Failure::new(FailureKind::Usage, format!("{what} {}: {cause}", path.display())).hint("keyfob import")
}
