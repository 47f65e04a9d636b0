//! Which vault: what the configuration names, or what this computer has.
//!
//! The choice of `auto` is written down: a keychain that is away for a moment must not make a second vault.

use crate::file::{File, KeySource};
use crate::files::{self, Place, Trust};
use crate::memory::Memory;
use crate::vault::Vault;
use crate::{kernel, platform};
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
    /// Sealed files whose key is in the memory of the kernel.
    Keyutils,
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
            "keyutils" if kernel::IS_THERE => Ok(Self::Keyutils),
            _ => {
                let keyutils = if kernel::IS_THERE { ", keyutils" } else { "" };
                Err(format!(
                    "{text:?} is not a vault here: auto, {}{keyutils}, file or memory",
                    platform::KIND
                ))
            }
        }
    }
}

/// A vault that was chosen.
pub(crate) struct Chosen {
    pub(crate) vault: Box<dyn Vault>,
    /// Why it is this one.
    pub(crate) reason: String,
    /// Whether this computer may have a better one by now.
    pub(crate) other: Other,
}

/// Whether another vault is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Other {
    /// It is not: this one was asked for, or is the best.
    Unwanted,
    /// A keychain is, to tell that it is there.
    Wanted,
}

/// Chooses the vault. May ask a keychain, so it blocks.
pub(crate) fn choose(settings: &Settings) -> Chosen {
    let configured = |vault, reason: String| Chosen { vault, reason, other: Other::Unwanted };
    match settings.choice {
        Choice::Memory => configured(Box::<Memory>::default(), "configured; it ends with the daemon".into()),
        Choice::File => {
            let source = key_source(settings);
            let reason = format!("configured; {}", source.describe());
            configured(Box::new(File::new(&directory(settings), source)), reason)
        }
        Choice::Keyutils => {
            // Not the directory of the file vault: its records are lost with each boot.
            let source = KeySource::Kernel(format!("keyfob vault {}", settings.state_directory.display()));
            let reason = format!("configured; {}", source.describe());
            let vault = File::new(&settings.state_directory.join("vault-keyutils"), source);
            configured(Box::new(vault), reason)
        }
        Choice::Keychain => configured(Box::new(platform::Keychain::new()), "configured".into()),
        Choice::Auto => auto(settings),
    }
}

/// How the reason of a vault goes on where this computer has a better one by now.
pub const BETTER: &str = "there is a keychain now";

/// Answers what to add to the reason when there is a keychain now. Asks it, so it blocks.
pub(crate) fn better() -> Option<String> {
    platform::Keychain::find().ok()?;
    Some(format!("{BETTER}, used with vault = \"{}\" in [daemon]", platform::KIND))
}

const NOTE: &str = "vault-choice";
const MAX_NOTE: usize = 64;

fn auto(settings: &Settings) -> Chosen {
    let note = files::read(&settings.state_directory.join(NOTE), MAX_NOTE, Trust::Own).ok();
    let before = note.as_deref().and_then(|text| std::str::from_utf8(text).ok()).map(str::trim);
    let at_first = "chosen at the first start";
    let (kind, why, other) = match before {
        Some("file") => ("file", at_first.to_owned(), Other::Wanted),
        Some(kind) if kind == platform::KIND => (platform::KIND, at_first.to_owned(), Other::Unwanted),
        Some(_) | None => match platform::Keychain::find() {
            Ok(()) => (platform::KIND, "there is a keychain".to_owned(), Other::Unwanted),
            Err(why) => ("file", why, Other::Unwanted),
        },
    };
    if before.is_none()
        && let Err(error) = files::write(&settings.state_directory, NOTE, kind.as_bytes(), Place::Empty)
    {
        tracing::warn!(%error, "write down the choice of the vault");
    }
    if kind != "file" {
        return Chosen { vault: Box::new(platform::Keychain::new()), reason: why, other };
    }
    let source = match key_source(settings) {
        KeySource::Person if !File::has_passphrase(&directory(settings)) => {
            KeySource::File(settings.state_directory.join("vault.key"))
        }
        configured => configured,
    };
    let reason = format!("{why}; {}", source.describe());
    Chosen { vault: Box::new(File::new(&directory(settings), source)), reason, other }
}

fn directory(settings: &Settings) -> PathBuf {
    settings.state_directory.join("vault")
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::vault::State;

    fn settings(state_directory: &Path, choice: Choice) -> Settings {
        Settings {
            choice,
            key_file: None,
            passphrase_command: None,
            state_directory: state_directory.to_owned(),
        }
    }

    #[test]
    fn the_choice_is_written_once_and_never_through_a_link() {
        let place = tempfile::tempdir().unwrap();
        let (note, target) = (place.path().join(NOTE), place.path().join("target"));
        std::fs::write(&target, "precious").unwrap();
        std::os::unix::fs::symlink(&target, &note).unwrap();
        choose(&settings(place.path(), Choice::Auto));
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
        std::fs::remove_file(&note).unwrap();
        std::fs::write(&note, "file\n").unwrap();
        let chosen = choose(&settings(place.path(), Choice::Auto));
        assert_eq!((chosen.vault.kind(), chosen.other), ("file", Other::Wanted));
        assert_eq!(std::fs::read_to_string(&note).unwrap(), "file\n");
    }

    #[test]
    fn a_vault_with_a_passphrase_keeps_it_when_nothing_is_configured() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join(NOTE), "file").unwrap();
        let mut first = choose(&settings(place.path(), Choice::File)).vault;
        first.unlock(Some(keyfob_shared::Secret::new("pass"))).unwrap();
        let mut next = choose(&settings(place.path(), Choice::Auto)).vault;
        next.open();
        assert_eq!(next.state().unwrap_err().state, State::Sealed);
        next.unlock(Some(keyfob_shared::Secret::new("pass"))).unwrap();
    }
}
