//! Which vault: what the configuration names, or what this computer has.
//!
//! The choice of `auto` is written down: a keychain that is away for a moment must not make a second vault.

use crate::file::{File, KeySource};
use crate::memory::Memory;
use crate::platform;
use crate::vault::{Item, ItemKind, ItemName, State, Vault, VaultError};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What the configuration says about the vault.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which kind.
    pub choice: Choice,
    /// The key of a file vault.
    pub key_file: Option<PathBuf>,
    /// Prints the passphrase of a file vault.
    pub passphrase_command: Option<Vec<String>>,
    /// Where a file vault lies.
    pub state_directory: PathBuf,
}

/// The kinds of vault that can be asked for here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The keychain of the platform if there is one, else sealed files.
    Auto,
    /// The keychain of this platform.
    Keychain,
    /// Sealed files.
    File,
    /// Memory.
    Memory,
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "file" => Ok(Self::File),
            "memory" => Ok(Self::Memory),
            kind if kind == platform::KIND => Ok(Self::Keychain),
            _ => Err(format!("{text:?} is not a vault here: auto, {}, file or memory", platform::KIND)),
        }
    }
}

/// Opens the vault and says why it is this one. Blocks.
pub(crate) fn open(settings: &Settings) -> (Box<dyn Vault>, String) {
    match settings.choice {
        Choice::Memory => (Box::new(Memory::default()), "configured; it ends with the daemon".into()),
        Choice::File => file(settings, key_source(settings), "configured"),
        Choice::Keychain => (Box::new(platform::Keychain::new()), "configured".into()),
        Choice::Auto => auto(settings),
    }
}

fn auto(settings: &Settings) -> (Box<dyn Vault>, String) {
    let note = settings.state_directory.join("vault-choice");
    let before = std::fs::read_to_string(&note).ok();
    let (kind, why) = match before.as_deref().map(str::trim) {
        Some("file") => ("file", "chosen at the first start".to_owned()),
        Some(kind) if kind == platform::KIND => (platform::KIND, "chosen at the first start".to_owned()),
        Some(_) | None => match platform::Keychain::find() {
            Ok(()) => (platform::KIND, "there is a keychain".to_owned()),
            Err(why) => ("file", why),
        },
    };
    if let Err(error) = std::fs::write(&note, kind) {
        tracing::warn!(%error, "write down the choice of the vault");
    }
    if kind == "file" {
        let source = match key_source(settings) {
            KeySource::Person => KeySource::File(settings.state_directory.join("vault.key")),
            configured => configured,
        };
        return file(settings, source, &why);
    }
    (Box::new(platform::Keychain::new()), why)
}

fn key_source(settings: &Settings) -> KeySource {
    let credential =
        std::env::var_os("CREDENTIALS_DIRECTORY").map(|path| Path::new(&path).join("keyfob-vault-key"));
    match (&settings.key_file, &settings.passphrase_command, credential) {
        (Some(path), _, _) => KeySource::File(path.clone()),
        (None, Some(command), _) => KeySource::Command(command.clone()),
        (None, None, Some(path)) if path.exists() => KeySource::Credential(path),
        (None, None, _) => KeySource::Person,
    }
}

fn file(settings: &Settings, source: KeySource, why: &str) -> (Box<dyn Vault>, String) {
    let how = source.describe();
    match File::open(&settings.state_directory.join("vault"), source) {
        Ok(vault) => (Box::new(vault), format!("{why}; {how}")),
        Err(error) => (Box::new(Absent { error }), why.to_owned()),
    }
}

/// Stands for a vault that can't be opened until the daemon is started again.
struct Absent {
    error: VaultError,
}

impl Absent {
    fn refuse<T>(&self) -> Result<T, VaultError> {
        Err(VaultError { state: State::Unavailable, ..self.error.clone() })
    }
}

impl Vault for Absent {
    fn kind(&self) -> &'static str {
        "file"
    }
    fn state(&mut self) -> Result<(), VaultError> {
        self.refuse()
    }
    fn names(&mut self, _kind: ItemKind) -> Result<Vec<ItemName>, VaultError> {
        self.refuse()
    }
    fn read(&mut self, _name: &ItemName) -> Result<Option<Item>, VaultError> {
        self.refuse()
    }
    fn put(&mut self, _item: &Item) -> Result<(), VaultError> {
        self.refuse()
    }
    fn remove(&mut self, _name: &ItemName) -> Result<(), VaultError> {
        self.refuse()
    }
}
