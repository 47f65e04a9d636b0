//! The keyring that the kernel keeps for a user in memory, until the next boot.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(all(test, target_os = "linux"))]
pub(crate) use linux::remove;
#[cfg(target_os = "linux")]
pub(crate) use linux::{IS_THERE, read, write};
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{IS_THERE, read, write};
