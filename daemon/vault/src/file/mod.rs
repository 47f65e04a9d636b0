//! Sealed files: one record an item, bound to its name, kind and generation.
//!
//! A write is whole or not there; a record that is damaged, moved or exchanged is not read, and not deleted.

mod key;
mod seal;

use crate::vault::{Item, ItemKind, ItemName, Passphrase, State, Vault, VaultError};
use key::Header;
pub(crate) use key::KeySource;
use keyfob_shared::Secret;
use seal::Key;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

const FORMAT: u32 = 1;
const HEADER: &str = "header.json";
const SUFFIX: &str = "sealed";
const TEMPORARY: &str = ".tmp-";

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
}

impl File {
    /// Opens a vault, or makes an empty one; without a person's passphrase it stays sealed.
    pub(crate) fn open(directory: &Path, source: KeySource) -> Result<Self, VaultError> {
        private_directory(directory)
            .map_err(|cause| VaultError::unavailable("make the directory of the vault", &cause))?;
        let mut vault = Self { directory: directory.to_owned(), source, key: None };
        vault.sweep();
        match vault.source.obtain() {
            Ok(Some(secret)) => vault.unseal(&secret)?,
            Ok(None) => {}
            Err(error) if error.state == State::Sealed => tracing::warn!(%error, "the vault stays sealed"),
            Err(error) => return Err(error),
        }
        Ok(vault)
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
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(VaultError::unavailable("read the header of the vault", &error)),
        };
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| VaultError::unavailable("read the header of the vault", &error))
    }

    /// Derives the key and compares it with the vault's; the first one is taken.
    fn unseal(&mut self, secret: &Secret) -> Result<(), VaultError> {
        let header = match self.header()? {
            Some(header) => header,
            None if self.has_records() => {
                return Err(VaultError::new(State::Unavailable, "the vault has records and no header"));
            }
            None => Header::new(self.source.is_random())?,
        };
        let key = header.derive(secret, self.source.is_random())?;
        match &header.check {
            Some(check) if !key.opens(check) => {
                return Err(VaultError::new(
                    State::Sealed,
                    "the passphrase or key is not the one of this vault",
                ));
            }
            Some(_) => {}
            None => {
                let header = header.with_check(key.check()?);
                let text = serde_json::to_vec(&header)
                    .map_err(|error| VaultError::unavailable("write the header", &error))?;
                self.write(HEADER, &text)?;
            }
        }
        self.key = Some(key);
        Ok(())
    }

    fn has_records(&self) -> bool {
        self.records().is_ok_and(|records| !records.is_empty())
    }

    fn records(&self) -> std::io::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(&self.directory)?;
        let paths = entries.flatten().map(|entry| entry.path());
        Ok(paths.filter(|path| path.extension().is_some_and(|suffix| suffix == SUFFIX)).collect())
    }

    fn key(&self) -> Result<&Key, VaultError> {
        self.key.as_ref().ok_or_else(|| VaultError::new(State::Sealed, "the vault is sealed"))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&self.directory)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(self.directory.join(name)).map_err(|error| error.error)?;
            sync_directory(&self.directory)
        };
        write().map_err(|cause| VaultError::unavailable("write to the vault", &cause))
    }

    fn parse(&self, path: &Path, bytes: &[u8]) -> Result<Item, VaultError> {
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
        let value = self.key()?.open(sealed.get(1..).unwrap_or_default(), line).ok_or_else(damaged)?;
        Ok(Item { name, generation: label.generation, value })
    }
}

impl Vault for File {
    fn kind(&self) -> &'static str {
        "file"
    }

    fn state(&mut self) -> Result<(), VaultError> {
        self.key().map(|_| ())
    }

    fn names(&mut self, kind: ItemKind) -> Result<Vec<ItemName>, VaultError> {
        self.key()?;
        let records = self.records().map_err(|cause| VaultError::unavailable("list the vault", &cause))?;
        let label = |path: &PathBuf| {
            let bytes = std::fs::read(path).ok()?;
            let line = bytes.split(|byte| *byte == b'\n').next()?;
            serde_json::from_slice::<Label>(line).ok()
        };
        let labels = records.iter().filter_map(label).filter(|label| label.kind == kind.as_str());
        Ok(labels.map(|label| ItemName { kind, name: label.name }).collect())
    }

    fn read(&mut self, name: &ItemName) -> Result<Option<Item>, VaultError> {
        self.key()?;
        let path = self.directory.join(file_name(name));
        match std::fs::read(&path) {
            Ok(bytes) => self.parse(&path, &bytes).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
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
        self.write(&file_name(&item.name), &bytes)
    }

    fn remove(&mut self, name: &ItemName) -> Result<(), VaultError> {
        match std::fs::remove_file(self.directory.join(file_name(name))) {
            Ok(()) => sync_directory(&self.directory)
                .map_err(|cause| VaultError::unavailable("write to the vault", &cause)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(VaultError::unavailable("write to the vault", &error)),
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
        let secret = match passphrase {
            Some(passphrase) => Some(passphrase),
            None => self.source.obtain()?,
        };
        match secret {
            Some(secret) if !secret.expose().is_empty() => self.unseal(&secret),
            Some(_) | None => Err(VaultError::new(State::Sealed, "the passphrase is empty")),
        }
    }

    fn lock(&mut self) {
        if matches!(self.source, KeySource::Person) {
            self.key = None;
        }
    }
}

/// Names the file of an item: no name can lead out of the directory.
fn file_name(name: &ItemName) -> String {
    let digest =
        Sha256::new().chain_update(name.kind.as_str()).chain_update([0]).chain_update(&name.name).finalize();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}.{SUFFIX}")
}

#[cfg(unix)]
fn private_directory(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn private_directory(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

// Modes of files, and commands of Unix.
#[cfg(test)]
#[cfg(unix)]
mod tests;
