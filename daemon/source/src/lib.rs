//! Ways to get a session: one file for each.
//!
//! Each makes one attempt and says what can be done about a failure; when to try again is decided elsewhere. Neither
//! AWS variables nor AWS configuration files lead to credentials; of the environment only the proxy is heard.

mod clock;
mod denied;
mod granted;
mod http;
mod import;
mod mfa;
mod platform;
mod proxy;
mod quote;
mod refusal;
mod sts;

pub use import::import_key;
pub use mfa::mfa_code;
pub use sts::Sts;
