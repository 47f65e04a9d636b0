//! Where the key of a file vault comes from: a key file, or a passphrase stretched by Argon2id.

use super::seal::Key;
use crate::vault::{State, VaultError};
use argon2::{Algorithm, Argon2, Params, Version};
use keyfob_shared::Secret;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use zeroize::Zeroizing;

const KEY: usize = 32;
/// The second recommendation of RFC 9106: 64 MiB, 3 passes.
const MEMORY_KIB: u32 = if cfg!(test) { 64 } else { 64 * 1024 };
const PASSES: u32 = 3;

/// Where the key comes from.
#[derive(Clone, Debug)]
pub(crate) enum KeySource {
    /// A file of 32 random bytes; made if absent.
    File(PathBuf),
    /// A command that prints a passphrase.
    Command(Vec<String>),
    /// A credential of systemd: a passphrase.
    Credential(PathBuf),
    /// A person types a passphrase at `keyfob unlock`.
    Person,
}

impl KeySource {
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::File(path) => format!(
                "sealed with the key file {}, which whoever can read your files can read",
                path.display()
            ),
            Self::Command(_) => "sealed with the passphrase of passphrase_command".into(),
            Self::Credential(_) => "sealed with a credential of systemd".into(),
            Self::Person => "sealed with a passphrase".into(),
        }
    }

    /// Answers whether the secret is random and needs no stretching.
    pub(super) fn is_random(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Gets the secret, as text; `None` if a person has to be asked.
    pub(super) fn obtain(&self) -> Result<Option<Secret>, VaultError> {
        match self {
            Self::File(path) => key_file(path).map(Some),
            Self::Command(command) => passphrase(command).map(Some),
            Self::Credential(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|cause| VaultError::unavailable("read the credential", &cause))?;
                Ok(Some(Secret::new(text)))
            }
            Self::Person => Ok(None),
        }
    }
}

fn passphrase(command: &[String]) -> Result<Secret, VaultError> {
    let failed = |cause: &dyn std::fmt::Display| {
        VaultError::new(State::Sealed, format!("run passphrase_command: {cause}"))
    };
    let [program, arguments @ ..] = command else { return Err(failed(&"it is empty")) };
    let mut prepared = Command::new(program);
    prepared.args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
    let output = prepared.output().map_err(|cause| failed(&cause))?;
    let text = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(failed(&output.status));
    }
    let text = std::str::from_utf8(&text).map_err(|_| failed(&"it printed no text"))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(failed(&"it printed nothing")),
        passphrase => Ok(Secret::new(passphrase)),
    }
}

/// Reads the key file as hexadecimal text, after it is checked that nobody else can.
fn key_file(path: &Path) -> Result<Secret, VaultError> {
    let failed = |cause: &dyn std::fmt::Display| {
        VaultError::unavailable(&format!("use key file {}", path.display()), cause)
    };
    if !path.exists() {
        make_key_file(path).map_err(|cause| failed(&cause))?;
    }
    let found = std::fs::metadata(path).map_err(|cause| failed(&cause))?;
    if let Some(why) = distrust(&found) {
        return Err(failed(&why));
    }
    let bytes = Zeroizing::new(std::fs::read(path).map_err(|cause| failed(&cause))?);
    if bytes.len() != KEY {
        return Err(failed(&format!("it has {} bytes instead of {KEY}", bytes.len())));
    }
    Ok(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}

fn make_key_file(path: &Path) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(directory)?;
    let mut key = Zeroizing::new([0; KEY]);
    getrandom::fill(key.as_mut_slice()).map_err(std::io::Error::other)?;
    // Mode 0600 from the start, and never over a file that has come meanwhile.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(key.as_slice())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(unix)]
fn distrust(found: &std::fs::Metadata) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Some("it belongs to another user");
    }
    (found.mode() & 0o077 != 0).then_some("others may read or write it: chmod 600")
}

#[cfg(not(unix))]
fn distrust(_found: &std::fs::Metadata) -> Option<&'static str> {
    None
}

/// What is known about the key of a vault without having it.
#[derive(Serialize, Deserialize)]
pub(super) struct Header {
    format: u32,
    key: HeaderKey,
    pub(super) check: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
enum HeaderKey {
    KeyFile,
    Passphrase { salt: String, memory_kib: u32, passes: u32 },
}

impl Header {
    /// Makes a header for a new vault.
    pub(super) fn new(random: bool) -> Result<Self, VaultError> {
        if random {
            return Ok(Self { format: super::FORMAT, key: HeaderKey::KeyFile, check: None });
        }
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|cause| VaultError::unavailable("get random bytes", &cause))?;
        let salt = salt.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = HeaderKey::Passphrase { salt, memory_kib: MEMORY_KIB, passes: PASSES };
        Ok(Self { format: super::FORMAT, key, check: None })
    }

    /// Answers the header with a check of the key.
    pub(super) fn with_check(self, check: String) -> Self {
        Self { check: Some(check), ..self }
    }

    /// Makes the key from the secret.
    pub(super) fn derive(&self, secret: &Secret, random: bool) -> Result<Key, VaultError> {
        if self.format != super::FORMAT {
            return Err(VaultError::new(
                State::Unavailable,
                format!("the vault has format {}, which this version does not know", self.format),
            ));
        }
        match (&self.key, random) {
            (HeaderKey::KeyFile, true) => {
                let bytes = unhex(secret.expose()).map(Zeroizing::new);
                let key = bytes.and_then(|bytes| <[u8; KEY]>::try_from(bytes.as_slice()).ok());
                key.map(|key| Key::new(Zeroizing::new(key)))
                    .ok_or_else(|| VaultError::new(State::Unavailable, "the key file is damaged"))
            }
            (HeaderKey::Passphrase { salt, memory_kib, passes }, false) => {
                let broken = || VaultError::new(State::Unavailable, "the header of the vault is damaged");
                // A header that was tampered with must not take all memory.
                let params = Some((*memory_kib, *passes))
                    .filter(|(memory, passes)| *memory <= 1 << 20 && *passes <= 64);
                let params = params
                    .and_then(|(memory, passes)| Params::new(memory, passes, 1, Some(KEY)).ok())
                    .ok_or_else(broken)?;
                let salt = unhex(salt).ok_or_else(broken)?;
                let mut key = Zeroizing::new([0; KEY]);
                Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                    .hash_password_into(secret.expose().as_bytes(), &salt, key.as_mut_slice())
                    .map_err(|cause| VaultError::unavailable("derive the key of the vault", &cause))?;
                Ok(Key::new(key))
            }
            (HeaderKey::KeyFile, false) => Err(VaultError::new(
                State::Unavailable,
                "the vault is sealed with a key file: set vault_key_file",
            )),
            (HeaderKey::Passphrase { .. }, true) => Err(VaultError::new(
                State::Unavailable,
                "the vault is sealed with a passphrase: remove vault_key_file",
            )),
        }
    }
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pair = |pair: &[u8]| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?);
    digits.chunks(2).map(pair).collect()
}
