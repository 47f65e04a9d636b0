//! The words that the client and the daemon both speak: names, secrets, frames, requests and replies.
//!
//! Nothing here opens a socket, reads a clock or knows what AWS is reached by.

pub mod credentials;
pub mod environment;
pub mod failure;
pub mod frame;
pub mod holder;
pub mod import;
pub mod job_function;
pub mod name;
pub mod partition;
pub mod secret;
pub mod timestamp;
#[cfg(windows)]
pub mod windows;
pub mod wire;

pub use credentials::Credentials;
pub use failure::{Failure, FailureKind};
pub use holder::Holder;
pub use job_function::JobFunction;
pub use name::{IdentityName, InvalidName, ProfileName, RoleArn, SocketName};
pub use secret::Secret;
pub use timestamp::Timestamp;
