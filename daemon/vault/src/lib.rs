//! Where secrets are kept: an OS keychain, sealed files, or memory.
//!
//! A keychain is slow, modal and may hang, so each vault has an OS thread of its own and each call a deadline. Nothing
//! here knows what a session is or when it ends.
//!
//! Sealed files can't be read, changed or exchanged without their key. Not covered: whoever can write to the directory can
//! remove a record, or put back an older state of it.

mod choose;
mod command;
mod file;
mod files;
mod keeper;
mod kernel;
mod memory;
mod platform;
mod vault;

pub use choose::{BETTER, Choice, Settings};
pub use files::write_whole;
pub use keeper::Keeper;
pub use vault::{Item, ItemKind, ItemName, Passphrase, State, Status, VaultError};
