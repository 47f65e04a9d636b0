//! What is known of rotations, one file each: written before each step, so that a crash loses nothing.

use keyfob_engine::rotation::Record;
use keyfob_shared::{Failure, FailureKind, IdentityName};
use std::io;
use std::path::{Path, PathBuf};

/// Longer than any record.
const MAX_RECORD: u64 = 256 * 1024;

/// The directory of the records.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    directory: PathBuf,
}

impl Journal {
    pub(super) fn new(state_directory: &Path) -> Self {
        Self { directory: state_directory.join("rotations") }
    }

    /// Writes a record; when this returns, it outlives a power cut.
    pub(super) async fn write(&self, record: &Record) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(record).expect("records always serialize");
        let (directory, name) = (self.directory.clone(), file_name(&record.identity));
        let path = directory.join(&name);
        let written =
            tokio::task::spawn_blocking(move || keyfob_vault::write_whole(&directory, &name, &bytes));
        let written = written.await.unwrap_or_else(|_| Err(io::Error::other("the write broke off")));
        written.map_err(|error| {
            let message = format!("write down the next step of the rotation in {}: {error}", path.display());
            Failure::new(FailureKind::Upstream, message).hint("make room on the disk; it goes on by itself")
        })
    }

    /// Removes the record of a rotation that is over.
    pub(super) async fn remove(&self, identity: &IdentityName) {
        let path = self.directory.join(file_name(identity));
        let removed = tokio::task::spawn_blocking(move || std::fs::remove_file(path)).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(%error, %identity, "remove the record of a rotation that is over");
        }
    }

    /// Reads all records, and answers whose can't be read: those stay, and nobody else may touch these keys.
    pub(super) fn read(&self) -> (Vec<Record>, Vec<IdentityName>) {
        let entries = match std::fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::error!(%error, directory = %self.directory.display(), "read the records of rotations");
                }
                return (Vec::new(), Vec::new());
            }
        };
        let (mut records, mut unreadable) = (Vec::new(), Vec::new());
        for path in entries.flatten().map(|entry| entry.path()) {
            let name =
                path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".json"));
            let Some(identity) = name.and_then(|name| name.parse::<IdentityName>().ok()) else { continue };
            match read(&path).filter(|record| record.identity == identity) {
                Some(record) => records.push(record),
                None => {
                    tracing::error!(path = %path.display(), "the record of a rotation can't be read, and it stands still");
                    unreadable.push(identity);
                }
            }
        }
        (records, unreadable)
    }
}

fn read(path: &Path) -> Option<Record> {
    let found = path.symlink_metadata().ok().filter(|found| found.is_file() && found.len() <= MAX_RECORD)?;
    let bytes = std::fs::read(path).ok().filter(|bytes| bytes.len() as u64 <= found.len())?;
    serde_json::from_slice(&bytes).ok()
}

/// Names of identities have no letter that a file name may not have.
fn file_name(identity: &IdentityName) -> String {
    format!("{identity}.json")
}
