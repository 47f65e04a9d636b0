//! The keychain of the platform, by the same names everywhere.

#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(target_os = "linux")]
pub(crate) use secret_service::{KIND, Keychain};
