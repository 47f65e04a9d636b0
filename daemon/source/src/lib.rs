//! Ways to get a session: one file for each.
//!
//! Each makes one attempt and says what can be done about a failure; when to try again is decided elsewhere. Neither
//! AWS variables nor AWS configuration files lead to credentials; of the environment only the proxy is heard.

mod calls;
mod command;
mod console;
mod denied;
mod granted;
mod import;
mod mfa;
mod platform;
mod process;
mod refusal;
mod sts;
mod token;

pub use console::Console;
pub use import::import_key;
pub use mfa::mfa_code;
pub use process::process;
pub use sts::Sts;
pub use token::token;
