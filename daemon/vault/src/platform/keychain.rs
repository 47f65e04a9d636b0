//! The login keychain of macOS: one generic password each. Type-checked; not run yet.
//!
//! Nothing but an unlock that a person asked for raises a prompt: user interaction is switched off for the process,
//! and a keychain that wants to ask counts as locked.

use super::chunks::{Chunked, Store};
use super::entry::{self, explain};
use crate::vault::{State, VaultError};
use apple_native_keyring_store::keychain::{Cred, MacKeychainDomain};
use keyring_core::api::CredentialStoreApi;
use keyring_core::error::PlatformError;
use keyring_core::{Entry, Error};
use security_framework::base::Error as SecurityError;
use security_framework::os::macos::keychain::{
    KeychainUserInteractionLock, SecKeychain, SecPreferencesDomain,
};
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use zeroize::Zeroizing;

/// Its name in configuration and status.
pub(crate) const KIND: &str = "keychain";
const SERVICE: &str = "keyfob";

// SecBase.h
const USER_CANCELED: i32 = -128;
const AUTHENTICATION_FAILED: i32 = -25293;
const INTERACTION_NOT_ALLOWED: i32 = -25308;
const INTERACTION_REQUIRED: i32 = -25315;
/// `kSecUnlockStateStatus` of SecKeychain.h.
const UNLOCKED: u32 = 1;

#[link(name = "Security", kind = "framework")]
unsafe extern "C" {
    fn SecKeychainGetStatus(keychain: *const c_void, status: *mut u32) -> i32;
}

/// The keychain of the platform.
pub(crate) type Keychain = Chunked<LoginKeychain>;

impl Keychain {
    pub(crate) fn new() -> Self {
        Self::over(LoginKeychain { quiet: None })
    }

    /// Answers whether there is a default keychain, or why not. A locked one is one.
    pub(crate) fn find() -> Result<(), String> {
        status().map(|_| ()).map_err(|error| format!("there is no keychain: {error}"))
    }
}

/// The default keychain of the user.
pub(crate) struct LoginKeychain {
    /// No prompt is shown as long as this is held.
    quiet: Option<KeychainUserInteractionLock>,
}

impl LoginKeychain {
    /// Forbids prompts; without that, nothing is asked of the keychain.
    fn hush(&mut self) -> Result<(), VaultError> {
        if self.quiet.is_none() {
            let lock = SecKeychain::disable_user_interaction()
                .map_err(|error| VaultError::unavailable("switch off the prompts of the keychain", &error))?;
            self.quiet = Some(lock);
        }
        Ok(())
    }

    /// Lets the keychain ask for its password, then for each item that this build of the program has not read yet.
    fn ask(&mut self) -> Result<(), VaultError> {
        let what = "unlock the keychain";
        SecKeychain::default_for_domain(SecPreferencesDomain::User)
            .and_then(|mut keychain| keychain.unlock(None))
            .map_err(|error| explain(what, Error::PlatformFailure(Box::new(error)), state_of))?;
        search(what)?.iter().try_for_each(|account| entry::read(open(account), state_of).map(|_| ()))
    }
}

impl Store for LoginKeychain {
    const KIND: &'static str = KIND;
    /// Far above the longest value, so an item is one account.
    const LIMIT: usize = 1 << 20;

    fn state(&mut self) -> Result<(), VaultError> {
        self.hush()?;
        match status() {
            Ok(status) if status & UNLOCKED != 0 => Ok(()),
            Ok(_) => Err(VaultError::new(State::Locked, "the keychain is locked")),
            Err(error) => Err(VaultError::unavailable("look at the keychain", &error)),
        }
    }

    fn accounts(&mut self) -> Result<Vec<String>, VaultError> {
        self.state()?;
        search("list the keychain")
    }

    fn read(&mut self, account: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        self.state()?;
        entry::read(open(account), state_of)
    }

    fn write(&mut self, account: &str, bytes: &[u8]) -> Result<(), VaultError> {
        self.state()?;
        entry::write(open(account), bytes, state_of)
    }

    fn remove(&mut self, account: &str) -> Result<(), VaultError> {
        self.state()?;
        entry::remove(open(account), state_of)
    }

    fn unlock(&mut self) -> Result<(), VaultError> {
        self.quiet = None;
        let asked = self.ask();
        self.hush()?;
        asked.and_then(|()| self.state())
    }
}

fn open(account: &str) -> Result<Entry, Error> {
    Cred::build(MacKeychainDomain::User, SERVICE, account)
}

/// Answers all accounts of the service; attributes are not encrypted.
fn search(what: &str) -> Result<Vec<String>, VaultError> {
    let found = apple_native_keyring_store::keychain::Store::new()
        .and_then(|store| store.search(&HashMap::from([("service", SERVICE)])))
        .map_err(|error| explain(what, error, state_of))?;
    Ok(found.iter().filter_map(Entry::get_specifiers).map(|(_, account)| account).collect())
}

/// Answers the status of the default keychain.
fn status() -> Result<u32, SecurityError> {
    let mut status = 0;
    // SAFETY: null names the default keychain, and `status` is valid for the one write of the call.
    match unsafe { SecKeychainGetStatus(ptr::null(), &raw mut status) } {
        0 => Ok(status),
        code => Err(SecurityError::from_code(code)),
    }
}

/// A keychain that would have to ask a person is locked for this program.
fn state_of(error: &PlatformError) -> State {
    match error.downcast_ref::<SecurityError>().map(|error| error.code()) {
        Some(USER_CANCELED | AUTHENTICATION_FAILED | INTERACTION_NOT_ALLOWED | INTERACTION_REQUIRED) => {
            State::Locked
        }
        Some(_) | None => State::Unavailable,
    }
}
