//! What AWS is asked about keys, roles and people, one attempt of one call each.
//!
//! When to try again, and what to do next, is decided elsewhere.

mod account;
mod client;
mod keys;
mod refusal;
mod roles;
mod trail;

pub use account::CredentialReport;
pub use client::{Access, Iam};
pub use keys::{Key, LastUsed};
pub use refusal::{Refusal, RefusalKind};
pub use roles::RoleDetails;
pub use trail::{Looked, Lookup};
