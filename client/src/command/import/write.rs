//! Does an import. Whenever it ends, AWS tools get the same credentials as before, by the old way or by the new one.
//!
//! Backups and the journal come first, then keyfob's configuration, then the keys, since the daemon takes keys of
//! identities that it knows; when they are in the vault, the AWS files follow.

use super::journal::{self, Entry, Journal, Step, digest};
use super::{Places, replace};
use crate::command::{listing, print, talk};
use crate::start;
use keyfob_shared::import::{Change, Import};
use keyfob_shared::wire::{KeyView, Reply, Request};
use keyfob_shared::{Failure, FailureKind};
use std::path::Path;

pub(super) fn run(places: &Places, import: &Import) -> Result<(), Failure> {
    let mut missing = missing_keys(import)?;
    let changes: Vec<(&Path, &Change)> =
        places.changes(import).into_iter().filter(|(_, change)| !change.is_none()).collect();
    for (path, change) in &changes {
        check_unchanged(path, change)?;
    }
    let backups = prepare(import, &changes)?;
    for (path, change) in changes {
        if path != places.config {
            store(import, &std::mem::take(&mut missing))?;
        }
        check_unchanged(path, change)?;
        let written = replace::replace(path, change.after.expose());
        written.map_err(|cause| journal::failure("write", path, &cause))?;
        print(&format!("written: {}\n", path.display()))?;
    }
    let vault = if import.keys.is_empty() { None } else { forgetful_vault() };
    let vault = vault
        .map_or_else(String::new, |when| format!("the vault keeps keys until {when}: keep the old texts\n"));
    print(&format!("{backups}{vault}`keyfob import --undo` takes it back\n"))
}

/// Answers the places in the plan of keys that the vault does not have yet.
///
/// # Errors
/// If it has another key of the same identity, or can't be asked: then nothing has happened.
fn missing_keys(import: &Import) -> Result<Vec<usize>, Failure> {
    if import.keys.is_empty() {
        return Ok(Vec::new());
    }
    let stored: Vec<KeyView> = listing::pages(&Request::KeyList, |reply| match reply {
        Reply::Keys { keys, more } => Some((keys, more)),
        _ => None,
    })?;
    let mut missing = Vec::new();
    for (at, key) in import.keys.iter().enumerate() {
        match stored.iter().find(|stored| stored.identity == key.identity) {
            None => missing.push(at),
            Some(stored) if stored.access_key_id == key.access_key_id => {}
            Some(stored) => {
                let message = format!(
                    "identity {} has the access key {} in the vault, and {} in the AWS files: nothing was changed",
                    key.identity, stored.access_key_id, key.access_key_id
                );
                let hint = format!("keyfob key remove {}, if that one is old", key.identity);
                return Err(Failure::new(FailureKind::Usage, message).hint(hint));
            }
        }
    }
    Ok(missing)
}

/// Writes backups and the journal, and answers what a person should know about them.
fn prepare(import: &Import, changes: &[(&Path, &Change)]) -> Result<String, Failure> {
    let mut journal = Journal::read()?;
    let Step { mut files, mut keys } = journal.take_broken_off(changes);
    for (path, change) in changes {
        let digest = digest(change.after.expose());
        match files.iter_mut().find(|entry| entry.path == *path) {
            Some(entry) => entry.digest = digest,
            None => {
                let backup =
                    change.before.as_ref().map(|text| journal::back_up(path, text.expose())).transpose()?;
                files.push(Entry { path: path.to_path_buf(), backup, digest });
            }
        }
    }
    let backups: Vec<String> =
        files.iter().filter_map(|entry| Some(entry.backup.as_ref()?.display().to_string())).collect();
    keys.extend(
        import
            .keys
            .iter()
            .map(|key| key.identity.clone())
            .filter(|key| !keys.contains(key))
            .collect::<Vec<_>>(),
    );
    journal.steps.push(Step { files, keys });
    journal.write()?;
    match (backups.is_empty(), import.keys.is_empty()) {
        (true, _) => Ok(String::new()),
        (false, true) => Ok(format!("the old texts: {}\n", backups.join(" "))),
        (false, false) => Ok(format!(
            "the old texts, with keys in clear, to be removed when all works: rm {}\n",
            backups.join(" ")
        )),
    }
}

/// Answers when the vault forgets what it has, where it does.
fn forgetful_vault() -> Option<&'static str> {
    match start::ask(&Request::Status).ok()?.1 {
        Reply::Status(page) if page.daemon.vault.kind == "memory" => Some("the daemon ends"),
        Reply::Status(page) if page.daemon.vault.kind == "keyutils" => Some("the next boot"),
        _ => None,
    }
}

/// Puts keys into the vault.
fn store(import: &Import, missing: &[usize]) -> Result<(), Failure> {
    if !missing.is_empty() {
        // Also after an import that was broken off right behind its first file.
        let (_, reply) = start::ask(&Request::Reload)?;
        if let Reply::Failed(failure) = reply {
            return Err(unfinished(failure));
        }
    }
    for key in missing.iter().filter_map(|at| import.keys.get(*at)) {
        let request = Request::KeyAdd {
            identity: key.identity.clone(),
            access_key_id: key.access_key_id.clone(),
            secret_access_key: key.secret_access_key.clone(),
        };
        talk(&request).map_err(unfinished)?;
    }
    Ok(())
}

fn unfinished(failure: Failure) -> Failure {
    let message = format!("{failure}; the AWS files are as they were, and a second import goes on");
    Failure { message, ..failure }
}

/// Makes sure that a file is still the one that the plan was made of.
fn check_unchanged(path: &Path, change: &Change) -> Result<(), Failure> {
    let same = match std::fs::read(path) {
        Ok(bytes) => {
            change.before.is_some() && zeroize::Zeroizing::new(bytes).as_slice() == change.old().as_bytes()
        }
        Err(cause) => cause.kind() == std::io::ErrorKind::NotFound && change.before.is_none(),
    };
    if same {
        return Ok(());
    }
    let message = format!("{} was edited meanwhile: it is as it was", path.display());
    Err(Failure::new(FailureKind::Usage, message).hint("keyfob import --write, again"))
}
