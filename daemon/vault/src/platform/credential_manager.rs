//! The Credential Manager of Windows: one generic credential each, chunked above 2,560 bytes.
//!
//! Run under Wine; not on Windows yet. Credentials stay on this computer: the default would let them roam with the
//! profile. It is open as long as the user is signed in, so there is no locked state.

use super::chunks::{Chunked, Store};
use super::entry::{self, explain};
use crate::vault::{State, VaultError};
use keyring_core::api::CredentialStoreApi;
use keyring_core::error::PlatformError;
use keyring_core::{Entry, Error};
use std::collections::HashMap;
use windows_native_keyring_store::Store as Credentials;
use zeroize::Zeroizing;

/// Its name in configuration and status.
pub(crate) const KIND: &str = "credential-manager";
/// Goes before each target name.
const PREFIX: &str = "keyfob/";

/// The keychain of the platform.
pub(crate) type Keychain = Chunked<CredentialManager>;

impl Keychain {
    pub(crate) fn new() -> Self {
        Self::over(CredentialManager)
    }

    /// Answers whether credentials can be kept here, or why not: a network logon has no credential set.
    pub(crate) fn find() -> Result<(), String> {
        search("look for a keychain").map(|_| ()).map_err(|error| error.message)
    }
}

/// The credential set of the user.
pub(crate) struct CredentialManager;

impl Store for CredentialManager {
    const KIND: &'static str = KIND;
    /// `CRED_MAX_CREDENTIAL_BLOB_SIZE` of wincred.h.
    const LIMIT: usize = 5 * 512;

    fn state(&mut self) -> Result<(), VaultError> {
        search("look at the keychain").map(|_| ())
    }

    fn accounts(&mut self) -> Result<Vec<String>, VaultError> {
        let what = "list the keychain";
        let mut accounts = Vec::new();
        for entry in search(what)? {
            match entry.get_attributes() {
                Ok(mut attributes) => {
                    let target = attributes.remove("target_name");
                    accounts.extend(target.and_then(|name| name.strip_prefix(PREFIX).map(str::to_owned)));
                }
                // Removed since.
                Err(Error::NoEntry) => {}
                Err(error) => return Err(explain(what, error, state_of)),
            }
        }
        Ok(accounts)
    }

    fn read(&mut self, account: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        entry::read(open(account), state_of)
    }

    fn write(&mut self, account: &str, bytes: &[u8]) -> Result<(), VaultError> {
        entry::write(open(account), bytes, state_of)
    }

    fn remove(&mut self, account: &str) -> Result<(), VaultError> {
        entry::remove(open(account), state_of)
    }
}

fn open(account: &str) -> Result<Entry, Error> {
    let target = format!("{PREFIX}{account}");
    let modifiers = HashMap::from([("target", target.as_str()), ("persistence", "local")]);
    Credentials::new()?.build("keyfob", account, Some(&modifiers))
}

/// Answers this program's credentials.
fn search(what: &str) -> Result<Vec<Entry>, VaultError> {
    let pattern = format!("^{PREFIX}");
    Credentials::new()
        .and_then(|store| store.search(&HashMap::from([("pattern", pattern.as_str())])))
        .map_err(|error| explain(what, error, state_of))
}

fn state_of(_error: &PlatformError) -> State {
    State::Unavailable
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::{Item, ItemKind, ItemName, Vault};
    use keyfob_shared::Secret;

    #[test]
    fn items_of_any_length_go_through_the_credential_manager_and_stay_on_this_computer() {
        let mut vault = Keychain::new();
        vault.state().unwrap();
        let name = format!("Test of Keyfob {}", std::process::id());
        let name = ItemName { kind: ItemKind::Session, name };
        for (generation, length) in [(1, 20), (2, 9_000), (3, 3_000), (4, 0)] {
            let item = Item { name: name.clone(), generation, value: Secret::new("x".repeat(length)) };
            vault.put(&item).unwrap();
            assert_eq!(vault.read(&name), Ok(Some(item)), "{length}");
            assert!(vault.names(ItemKind::Session).unwrap().contains(&name));
            for entry in search("test").unwrap() {
                assert_eq!(entry.get_attributes().unwrap()["persistence"], "Local");
            }
        }
        vault.remove(&name).unwrap();
        assert_eq!(vault.read(&name), Ok(None));
        assert_eq!(search("test").unwrap().len(), 0);
    }
}
