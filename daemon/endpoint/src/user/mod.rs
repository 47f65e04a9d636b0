//! Which user a connection over loopback comes from.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux::user_of;

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other::user_of;

use std::net::SocketAddr;

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    /// This user's; or the platform does not tell, and the token decides.
    Own,
    /// Somebody else's, or nobody's that could be found: it is refused.
    Other(Option<u32>),
}

impl User {
    /// Answers the number of another user.
    pub(crate) fn number(self) -> Option<u32> {
        match self {
            Self::Other(number) => number,
            Self::Own => None,
        }
    }
}

/// Finds out who has connected from `peer` to `own`.
pub(crate) async fn of(peer: SocketAddr, own: SocketAddr) -> User {
    // The table of the kernel has a line for each socket of the machine.
    tokio::task::spawn_blocking(move || user_of(peer, own)).await.unwrap_or(User::Other(None))
}
