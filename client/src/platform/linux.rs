//! Sockets of Linux.

use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, socket_with};
use std::os::fd::{AsRawFd, OwnedFd};

/// Opens addresses in the browser of the person.
pub(crate) const OPEN: &str = "xdg-open";

/// Writing to a daemon that has ended is an error, never a signal.
pub(crate) const SEND_FLAGS: SendFlags = SendFlags::NOSIGNAL;

/// Makes a Unix stream socket that no child inherits.
pub(crate) fn stream_socket() -> rustix::io::Result<OwnedFd> {
    socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
}

/// Answers who is at the other end, as the kernel says.
pub(super) fn peer(socket: &OwnedFd) -> Option<libc::ucred> {
    let mut peer = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    let (level, option) = (libc::SOL_SOCKET, libc::SO_PEERCRED);
    // rustix reads this into a type whose process number can't be 0, as it is for a daemon outside a container.
    // SAFETY: the descriptor is open, and the kernel writes at most `length` bytes to a value of that size.
    let failed =
        unsafe { libc::getsockopt(socket.as_raw_fd(), level, option, (&raw mut peer).cast(), &mut length) };
    (failed == 0 && length as usize == size_of::<libc::ucred>()).then_some(peer)
}

/// Answers whether the process at the other end is this user's, or that of the one who is told: nobody else may hand
/// out credentials.
pub(crate) fn is_ours(socket: &OwnedFd, told: impl FnOnce() -> Option<u32>) -> bool {
    let is_ours = |user| user == rustix::process::geteuid().as_raw() || told() == Some(user);
    peer(socket).is_some_and(|peer| is_ours(peer.uid))
}
