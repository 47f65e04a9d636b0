//! Takes the last import back: files get their old texts, unless somebody's edits would be lost.

use super::journal::{self, Entry, Journal, digest};
use super::replace;
use crate::command::print;
use crate::connection::{Connection, SHORT_TIME};
use keyfob_shared::wire::Request;
use keyfob_shared::{Failure, FailureKind, Secret};
use std::io;
use std::path::Path;

/// What is left to do for a file.
enum Left {
    Restore(Secret),
    Remove,
    Nothing,
}

pub(super) fn run() -> Result<(), Failure> {
    let mut journal = Journal::read()?;
    let Some(step) = journal.steps.last() else {
        let message = "there is no import to take back";
        return Err(Failure::new(FailureKind::Usage, message).hint("keyfob import"));
    };
    // All of them are looked at before the first is touched. Keys come back first.
    let mut plan = Vec::new();
    for entry in step.files.iter().rev() {
        plan.push((entry, left(entry)?));
    }
    for (entry, left) in &plan {
        replace::clear(&replace::real(&entry.path));
        let done = match left {
            Left::Restore(text) => replace::replace(&entry.path, text.expose()),
            Left::Remove => replace::remove(&entry.path),
            Left::Nothing => continue,
        };
        done.map_err(|cause| journal::failure("restore", &entry.path, &cause))?;
        print(&format!("restored: {}\n", entry.path.display()))?;
    }
    // The daemon sees the change by itself as well.
    if let Ok(mut connection) = Connection::open(SHORT_TIME) {
        let _ = connection.ask(&Request::Reload).and_then(|()| connection.next());
    }
    let keys: Vec<String> = step.keys.iter().map(|name| format!("`keyfob key remove {name}`")).collect();
    let backups: Vec<_> = step.files.iter().filter_map(|entry| entry.backup.clone()).collect();
    journal.steps.pop();
    journal.write()?;
    for backup in backups {
        replace::clear(&backup);
        match replace::remove(&backup) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                return Err(journal::failure("remove", &backup, &cause));
            }
            Ok(()) | Err(_) => {}
        }
    }
    if keys.is_empty() {
        return Ok(());
    }
    print(&format!("keys stay in the vault until {}\n", keys.join(", ")))
}

/// Compares a file with what was there before the import and after it.
fn left(entry: &Entry) -> Result<Left, Failure> {
    let now = text(&entry.path)?;
    let before = match &entry.backup {
        None => None,
        Some(backup) => match text(backup)? {
            Some(text) => Some(text),
            None => return Err(journal::failure("restore", &entry.path, &gone(backup))),
        },
    };
    let is_ours = |text: &Secret| digest(text.expose()) == entry.digest;
    match (now, before) {
        (now, before) if now == before => Ok(Left::Nothing),
        (Some(now), Some(before)) if is_ours(&now) => Ok(Left::Restore(before)),
        (None, Some(before)) => Ok(Left::Restore(before)),
        (Some(now), None) if is_ours(&now) => Ok(Left::Remove),
        (_, _) => {
            let message = format!(
                "{} was edited since the import, and that would be lost: nothing was changed",
                entry.path.display()
            );
            let hint = match &entry.backup {
                Some(backup) => {
                    format!("diff {} {}, and mend it by hand", backup.display(), entry.path.display())
                }
                None => format!("mend {} by hand", entry.path.display()),
            };
            Err(Failure::new(FailureKind::Usage, message).hint(hint))
        }
    }
}

fn gone(backup: &Path) -> String {
    format!("its backup {} is gone", backup.display())
}

fn text(path: &Path) -> Result<Option<Secret>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(Secret::new(text))),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(journal::failure("read", path, &cause)),
    }
}
