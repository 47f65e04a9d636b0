//! Where secrets are kept: an OS keychain, sealed files, or memory.
//!
//! A keychain is slow, modal and may hang, so each vault has an OS thread of its own and each call a deadline. Nothing
//! here knows what a session is or when it ends.

mod choose;
mod file;
mod keeper;
mod memory;
mod platform;
mod vault;

pub use choose::{Choice, Settings};
pub use keeper::Keeper;
pub use vault::{Item, ItemKind, ItemName, Passphrase, State, Status, VaultError};
