//! Which user a connection over loopback comes from.

#[cfg(target_os = "linux")]
mod diagnosis;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux::{is_here, user_of};

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other::{is_here, user_of};

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

/// Answers whether the users of a listener can be known: it is in the network of this process.
#[must_use]
pub fn is_in_this_network(listener: &std::net::TcpListener) -> bool {
    is_here(listener)
}
