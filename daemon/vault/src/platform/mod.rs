//! The keychain of the platform, by the same names everywhere.

#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(target_os = "linux")]
pub(crate) use secret_service::{KIND, Keychain};

#[cfg(target_os = "macos")]
mod keychain;
#[cfg(target_os = "macos")]
pub(crate) use keychain::{KIND, Keychain};

#[cfg(windows)]
mod credential_manager;
#[cfg(windows)]
pub(crate) use credential_manager::{KIND, Keychain};

// Pure, and tested everywhere.
#[cfg(any(target_os = "macos", windows, test))]
mod chunks;
#[cfg(any(target_os = "macos", windows))]
mod entry;
