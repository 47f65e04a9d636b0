//! What is known about the key of a vault without having it.

use super::seal::Key;
use super::source::{KEY, Material};
use crate::vault::{State, VaultError};
use argon2::{Algorithm, Argon2, Params, Version};
use keyfob_shared::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The second recommendation of RFC 9106: 64 MiB, 3 passes.
const MEMORY_KIB: u32 = if cfg!(test) { 64 } else { 64 * 1024 };
const PASSES: u32 = 3;
/// Less would be a gift to whoever has changed the header and guesses: the least that OWASP recommends.
const LEAST_MEMORY_KIB: u32 = if cfg!(test) { 64 } else { 19 * 1024 };
const LEAST_PASSES: u32 = 2;
/// More would let a changed header take all memory, or hours.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 16;
const SALT: usize = 16;

/// The first file of a vault.
#[derive(Serialize, Deserialize)]
pub(super) struct Header {
    format: u32,
    key: HeaderKey,
    check: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
enum HeaderKey {
    KeyFile,
    Passphrase { salt: String, memory_kib: u32, passes: u32 },
}

impl Header {
    /// Makes the key and the header of a new vault.
    pub(super) fn make(material: &Material) -> Result<(Self, Key), VaultError> {
        let key = match material {
            Material::Random(_) => HeaderKey::KeyFile,
            Material::Passphrase(_) => {
                let mut salt = [0; SALT];
                getrandom::fill(&mut salt)
                    .map_err(|cause| VaultError::unavailable("get random bytes", &cause))?;
                let salt = salt.iter().map(|byte| format!("{byte:02x}")).collect();
                HeaderKey::Passphrase { salt, memory_kib: MEMORY_KIB, passes: PASSES }
            }
        };
        let unchecked = Self { format: super::FORMAT, key, check: String::new() };
        let key = unchecked.derive(material)?;
        Ok((Self { check: key.check()?, ..unchecked }, key))
    }

    /// Makes the key of this vault.
    ///
    /// # Errors
    /// If the header is damaged, or the key is not the one of this vault.
    pub(super) fn key(&self, material: &Material) -> Result<Key, VaultError> {
        let key = self.derive(material)?;
        if key.opens(&self.check) {
            return Ok(key);
        }
        Err(match material {
            Material::Random(_) => {
                VaultError::new(State::Unavailable, "the key is not the one of this vault")
            }
            Material::Passphrase(_) => {
                VaultError::new(State::Sealed, "the passphrase is not the one of this vault")
            }
        })
    }

    /// Answers whether the key is made from a passphrase.
    pub(super) fn has_passphrase(&self) -> bool {
        matches!(self.key, HeaderKey::Passphrase { .. })
    }

    fn derive(&self, material: &Material) -> Result<Key, VaultError> {
        if self.format != super::FORMAT {
            let message = format!("the vault has format {}, which this version does not know", self.format);
            return Err(VaultError::new(State::Unavailable, message).hint("install a newer keyfob"));
        }
        match (&self.key, material) {
            (HeaderKey::KeyFile, Material::Random(key)) => Ok(Key::new(key.clone())),
            (HeaderKey::Passphrase { salt, memory_kib, passes }, Material::Passphrase(secret)) => {
                stretch(secret, salt, *memory_kib, *passes)
            }
            (HeaderKey::KeyFile, Material::Passphrase(_)) => {
                let wrong = VaultError::new(State::Unavailable, "the vault is sealed with a key file");
                Err(wrong.hint("set vault_key_file in [daemon]"))
            }
            (HeaderKey::Passphrase { .. }, Material::Random(_)) => {
                let wrong = VaultError::new(State::Unavailable, "the vault is sealed with a passphrase");
                Err(wrong.hint("remove vault_key_file from [daemon]"))
            }
        }
    }
}

fn stretch(secret: &Secret, salt: &str, memory_kib: u32, passes: u32) -> Result<Key, VaultError> {
    let is_sound = (LEAST_MEMORY_KIB..=MOST_MEMORY_KIB).contains(&memory_kib)
        && (LEAST_PASSES..=MOST_PASSES).contains(&passes);
    let params = is_sound.then(|| Params::new(memory_kib, passes, 1, Some(KEY)).ok()).flatten();
    let salt = unhex(salt).filter(|salt| salt.len() == SALT);
    let (Some(params), Some(salt)) = (params, salt) else {
        return Err(VaultError::new(State::Unavailable, "the header of the vault is damaged"));
    };
    let mut key = Zeroizing::new([0; KEY]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(secret.expose().as_bytes(), &salt, key.as_mut_slice())
        .map_err(|cause| VaultError::unavailable("derive the key of the vault", &cause))?;
    Ok(Key::new(key))
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pair = |pair: &[u8]| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?);
    digits.chunks(2).map(pair).collect()
}
