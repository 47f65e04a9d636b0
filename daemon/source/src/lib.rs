//! Ways to get a session: one file for each.
//!
//! Each makes one attempt and says what can be done about a failure; when to try again is decided elsewhere. Nothing
//! here reads the environment: neither AWS variables nor AWS configuration files lead to credentials.

mod clock;
mod http;
mod import;
mod mfa;
mod refusal;
mod sts;

pub use import::import_key;
pub use mfa::mfa_code;
pub use sts::Sts;
