//! Which user a connection over loopback comes from.

#[cfg(target_os = "linux")]
mod diagnosis;
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
    #[allow(dead_code, reason = "found where the platform tells users apart")]
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

/// Finds out who has connected from `peer` to `own`; this may read files of the kernel.
pub(crate) fn of(peer: SocketAddr, own: SocketAddr) -> User {
    user_of(peer, own)
}
