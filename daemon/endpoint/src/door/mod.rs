//! Where connections to an endpoint come in.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::Door;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::Door;

use crate::user::User;
use tokio::sync::OwnedSemaphorePermit;

/// A connection that has come in.
pub(crate) struct Visitor<Stream> {
    pub(crate) stream: Stream,
    pub(crate) user: User,
    /// The place that a stranger takes until it is dropped; this user has other ones.
    pub(crate) place: Option<OwnedSemaphorePermit>,
}
