//! XChaCha20-Poly1305: a record is nonce and ciphertext; what it belongs to is bound to it.

use crate::vault::VaultError;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use keyfob_shared::Secret;
use zeroize::Zeroizing;

const NONCE: usize = 24;
const CHECK: &[u8] = b"keyfob vault check";

/// The key of a vault.
pub(super) struct Key(Zeroizing<[u8; 32]>);

impl Key {
    pub(super) fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// Seals a text, bound to `belongs_to`.
    pub(super) fn seal(&self, text: &Secret, belongs_to: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|cause| VaultError::unavailable("get random bytes", &cause))?;
        let payload = Payload { msg: text.expose().as_bytes(), aad: belongs_to };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| VaultError::unavailable("seal a record", &"it is too long"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens a record; `None` if anything about it was changed.
    pub(super) fn open(&self, record: &[u8], belongs_to: &[u8]) -> Option<Secret> {
        let (nonce, sealed) = record.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: belongs_to };
        let text = self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()?;
        match String::from_utf8(text) {
            Ok(text) => Some(Secret::new(text)),
            Err(wrong) => {
                drop(Zeroizing::new(wrong.into_bytes()));
                None
            }
        }
    }

    /// Makes a record that tells this key from others.
    pub(super) fn check(&self) -> Result<String, VaultError> {
        let record = self.seal(&Secret::new(""), CHECK)?;
        Ok(record.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Answers whether a check was made by this key.
    pub(super) fn opens(&self, check: &str) -> bool {
        super::header::unhex(check).is_some_and(|record| self.open(&record, CHECK).is_some())
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}
