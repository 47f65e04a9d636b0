//! One account through `keyring-core`, whose errors may hold the secret: each is put in words at once.

use crate::vault::{State, VaultError};
use keyring_core::error::PlatformError;
use keyring_core::{Entry, Error};
use zeroize::{Zeroize, Zeroizing};

/// Says what an error of the platform tells about the keychain.
pub(super) type StateOf = fn(&PlatformError) -> State;

/// Reads an account; `None` if it is absent.
pub(super) fn read(
    entry: Result<Entry, Error>,
    state_of: StateOf,
) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
    match entry.and_then(|entry| entry.get_secret()) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(explain("read the keychain", error, state_of)),
    }
}

/// Writes an account, new or not.
pub(super) fn write(entry: Result<Entry, Error>, bytes: &[u8], state_of: StateOf) -> Result<(), VaultError> {
    entry
        .and_then(|entry| entry.set_secret(bytes))
        .map_err(|error| explain("write to the keychain", error, state_of))
}

/// Removes an account, which may be absent.
pub(super) fn remove(entry: Result<Entry, Error>, state_of: StateOf) -> Result<(), VaultError> {
    match entry.and_then(|entry| entry.delete_credential()) {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(error) => Err(explain("remove from the keychain", error, state_of)),
    }
}

/// Puts an error in words. Never prints one that may hold what was read.
pub(super) fn explain(what: &str, error: Error, state_of: StateOf) -> VaultError {
    match error {
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => {
            VaultError::new(state_of(&cause), format!("{what}: {cause}"))
        }
        // Security: these hold the bytes of the item.
        Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            VaultError::new(State::Ready, format!("{what}: an item is damaged"))
        }
        Error::NoEntry => VaultError::new(State::Ready, format!("{what}: there is no such item")),
        Error::TooLong(attribute, limit) => {
            VaultError::new(State::Ready, format!("{what}: {attribute} is longer than {limit}"))
        }
        Error::Ambiguous(_) => VaultError::new(State::Ready, format!("{what}: two items have this name")),
        // The list of the library is open; what is not known is not printed.
        _ => VaultError::new(State::Unavailable, format!("{what}: the keychain refuses")),
    }
}
