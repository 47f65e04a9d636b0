//! Sealed files: one record an item, bound to its name, kind and generation.
//!
//! A write is whole or not there; a record that is damaged, moved or exchanged is not read, and not deleted.

mod header;
mod seal;
mod source;

use crate::files::{self, Place, TEMPORARY, Trust};
use crate::vault::{Item, ItemKind, ItemName, Passphrase, State, Vault, VaultError};
use header::Header;
use keyfob_shared::Secret;
use seal::Key;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
pub(crate) use source::KeySource;
use source::{Material, Sealed};
use std::io;
use std::path::{Path, PathBuf};

const FORMAT: u32 = 1;
const HEADER: &str = "header.json";
const MAX_HEADER: usize = 4_096;
const SUFFIX: &str = "sealed";
/// A session token has 64 KiB at most.
const MAX_RECORD: usize = 1024 * 1024;

/// The first line of a record; what follows is sealed and bound to this line.
#[derive(Serialize, Deserialize)]
struct Label {
    format: u32,
    kind: String,
    name: String,
    generation: u64,
}

/// A directory of sealed records.
pub(crate) struct File {
    directory: PathBuf,
    source: KeySource,
    key: Option<Key>,
    /// Why there is no key.
    trouble: Option<VaultError>,
    remark: Option<String>,
}

impl File {
    pub(crate) fn new(directory: &Path, source: KeySource) -> Self {
        Self { directory: directory.to_owned(), source, key: None, trouble: None, remark: None }
    }

    /// Answers whether there is a vault that a passphrase opens.
    pub(crate) fn has_passphrase(directory: &Path) -> bool {
        let vault = Self::new(directory, KeySource::Person);
        vault.header().is_ok_and(|header| header.is_some_and(|header| header.has_passphrase()))
    }

    /// Removes what a crash has left half written.
    fn sweep(&self) {
        let Ok(entries) = std::fs::read_dir(&self.directory) else { return };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    fn header(&self) -> Result<Option<Header>, VaultError> {
        let path = self.directory.join(HEADER);
        let broken = |cause: &dyn std::fmt::Display| {
            let wrong = VaultError::unavailable("the header of the vault is damaged", cause);
            wrong.hint(format!("put {} back from a backup", path.display()))
        };
        match files::read(&path, MAX_HEADER, Trust::Own) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|cause| broken(&cause)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.has_records() => {
                Err(broken(&"it is missing"))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(broken(&error)),
        }
    }

    /// Gets the key where it comes from, and makes the vault if there is none.
    fn unseal_from_source(&mut self) -> Result<(), VaultError> {
        let sealed = self.header()?.map_or(Sealed::Nothing, |_| Sealed::Something);
        let mut material = self.source.obtain(sealed)?;
        if material.is_none() && matches!(self.source, KeySource::Kernel(_)) {
            self.put_aside()?;
            material = self.source.obtain(Sealed::Nothing)?;
        }
        self.unseal(&material.ok_or_else(sealed_vault)?)
    }

    /// Derives the key and compares it with the vault's; the first one is taken.
    fn unseal(&mut self, material: &Material) -> Result<(), VaultError> {
        files::private_directory(&self.directory)
            .map_err(|cause| VaultError::unavailable("make the directory of the vault", &cause))?;
        let key = match self.header()? {
            Some(header) => header.key(material)?,
            None => {
                let (header, key) = Header::make(material)?;
                let text = serde_json::to_vec(&header)
                    .map_err(|error| VaultError::unavailable("write the header", &error))?;
                self.write(HEADER, &text)?;
                key
            }
        };
        self.key = Some(key);
        Ok(())
    }

    /// Makes place for a new vault where the key of the old one is gone for good.
    fn put_aside(&mut self) -> Result<(), VaultError> {
        let aside = self.directory.with_extension("lost");
        let failed = |cause: &dyn std::fmt::Display| {
            VaultError::unavailable("put aside what was sealed before the last boot", cause)
        };
        match std::fs::remove_dir_all(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&error)),
            Ok(()) | Err(_) => {}
        }
        std::fs::rename(&self.directory, &aside).map_err(|cause| failed(&cause))?;
        self.remark = Some(format!(
            "the key went with the last boot: what was in the vault is unreadable and lies in {}",
            aside.display()
        ));
        Ok(())
    }

    fn has_records(&self) -> bool {
        self.records().is_ok_and(|records| !records.is_empty())
    }

    fn records(&self) -> io::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(&self.directory)?;
        let paths = entries.flatten().map(|entry| entry.path());
        Ok(paths.filter(|path| path.extension().is_some_and(|suffix| suffix == SUFFIX)).collect())
    }

    /// Answers the key; one that was not to be had and is at hand is looked for again.
    fn key(&mut self) -> Result<&Key, VaultError> {
        if self.key.is_none() && self.source.is_at_hand() {
            self.trouble = self.unseal_from_source().err();
        }
        match &self.key {
            Some(key) => Ok(key),
            None => Err(self.trouble.clone().unwrap_or_else(sealed_vault)),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
        files::write(&self.directory, name, bytes, Place::Taken).map_err(|cause| self.unwritten(&cause))
    }

    /// Tells of a write that failed: the disk is full, or something is not the user's.
    fn unwritten(&self, cause: &io::Error) -> VaultError {
        let directory = self.directory.display();
        VaultError::unavailable("write to the vault", cause)
            .hint(format!("look at the disk and the directory: df -h {directory}; ls -la {directory}"))
    }

    fn parse(key: &Key, path: &Path, bytes: &[u8]) -> Result<Item, VaultError> {
        let damaged = || VaultError::new(State::Ready, format!("record {} is damaged", path.display()));
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(damaged)?;
        let (line, sealed) = bytes.split_at(end);
        let label: Label = serde_json::from_slice(line).map_err(|_| damaged())?;
        let kind = ItemKind::parse(&label.kind).ok_or_else(damaged)?;
        let name = ItemName { kind, name: label.name };
        // Security: the label is sealed with the record; this refuses a record that was put in the place of another.
        if label.format != FORMAT || path.file_name() != Some(file_name(&name).as_ref()) {
            return Err(damaged());
        }
        let value = key.open(sealed.get(1..).unwrap_or_default(), line).ok_or_else(damaged)?;
        Ok(Item { name, generation: label.generation, value })
    }
}

impl Vault for File {
    fn kind(&self) -> &'static str {
        match self.source {
            KeySource::Kernel(_) => "keyutils",
            KeySource::File(_) | KeySource::Command(_) | KeySource::Credential(_) | KeySource::Person => {
                "file"
            }
        }
    }

    fn open(&mut self) {
        self.sweep();
        if matches!(self.source, KeySource::Person) {
            return;
        }
        self.trouble = self.unseal_from_source().err();
        if let Some(error) = &self.trouble {
            tracing::warn!(%error, "open the vault");
        }
    }

    fn state(&mut self) -> Result<(), VaultError> {
        self.key().map(|_| ())
    }

    fn names(&mut self, kind: ItemKind) -> Result<Vec<ItemName>, VaultError> {
        self.key()?;
        let records = self.records().map_err(|cause| VaultError::unavailable("list the vault", &cause))?;
        let label = |path: &PathBuf| {
            let bytes = files::read(path, MAX_RECORD, Trust::Own).ok()?;
            let line = bytes.split(|byte| *byte == b'\n').next()?;
            serde_json::from_slice::<Label>(line).ok()
        };
        let labels = records.iter().filter_map(label).filter(|label| label.kind == kind.as_str());
        Ok(labels.map(|label| ItemName { kind, name: label.name }).collect())
    }

    fn read(&mut self, name: &ItemName) -> Result<Option<Item>, VaultError> {
        let path = self.directory.join(file_name(name));
        let key = self.key()?;
        match files::read(&path, MAX_RECORD, Trust::Own) {
            Ok(bytes) => Self::parse(key, &path, &bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(VaultError::unavailable("read the vault", &error)),
        }
    }

    fn put(&mut self, item: &Item) -> Result<(), VaultError> {
        let label = Label {
            format: FORMAT,
            kind: item.name.kind.as_str().into(),
            name: item.name.name.clone(),
            generation: item.generation,
        };
        let mut bytes = serde_json::to_vec(&label)
            .map_err(|error| VaultError::unavailable("write to the vault", &error))?;
        let sealed = self.key()?.seal(&item.value, &bytes)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&sealed);
        if bytes.len() > MAX_RECORD {
            return Err(VaultError::new(
                State::Ready,
                format!("write to the vault: more than {MAX_RECORD} bytes"),
            ));
        }
        self.write(&file_name(&item.name), &bytes)
    }

    fn remove(&mut self, name: &ItemName) -> Result<(), VaultError> {
        match std::fs::remove_file(self.directory.join(file_name(name))) {
            Ok(()) => files::sync_directory(&self.directory).map_err(|cause| self.unwritten(&cause)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.unwritten(&error)),
        }
    }

    fn passphrase(&self) -> Passphrase {
        match (&self.source, &self.key, self.header()) {
            (KeySource::Person, None, Ok(None)) => Passphrase::New,
            (KeySource::Person, None, _) => Passphrase::Existing,
            (_, _, _) => Passphrase::NotNeeded,
        }
    }

    fn unlock(&mut self, passphrase: Option<Secret>) -> Result<(), VaultError> {
        if self.key.is_some() {
            return Ok(());
        }
        let result = match passphrase {
            Some(passphrase) if passphrase.expose().is_empty() => {
                Err(VaultError::new(State::Sealed, "the passphrase is empty"))
            }
            Some(passphrase) => self.unseal(&Material::Passphrase(passphrase)),
            None => self.unseal_from_source(),
        };
        self.trouble = result.clone().err();
        result
    }

    fn lock(&mut self) {
        if matches!(self.source, KeySource::Person) {
            self.key = None;
            self.trouble = None;
        }
    }

    fn silence(&self) -> &'static str {
        match (&self.source, &self.key) {
            (KeySource::Command(_), None) => "passphrase_command has not ended",
            (_, _) => "the disk of the vault does not answer",
        }
    }

    fn advice(&self) -> Option<&'static str> {
        None
    }

    fn remark(&self) -> Option<String> {
        self.remark.clone()
    }
}

fn sealed_vault() -> VaultError {
    VaultError::new(State::Sealed, "the vault is sealed")
}

/// Names the file of an item: no name can lead out of the directory.
fn file_name(name: &ItemName) -> String {
    let digest =
        Sha256::new().chain_update(name.kind.as_str()).chain_update([0]).chain_update(&name.name).finalize();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}.{SUFFIX}")
}

// Modes of files, and commands of Unix.
#[cfg(test)]
#[cfg(unix)]
mod tests;
