//! Sockets of macOS. Type-checked; not run yet.

use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, socket_with};
use std::os::fd::{AsRawFd, OwnedFd};

/// Opens addresses in the browser of the person.
pub(crate) const OPEN: &str = "open";

/// There is no such flag; the socket itself is told, in [`stream_socket`].
pub(crate) const SEND_FLAGS: SendFlags = SendFlags::empty();

/// Makes a Unix stream socket that no child inherits, and whose writes never raise a signal.
pub(crate) fn stream_socket() -> rustix::io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::empty(), None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    rustix::net::sockopt::set_socket_nosigpipe(&socket, true)?;
    Ok(socket)
}

/// Answers whether the process at the other end is this user's, or that of the one who is told: nobody else may hand
/// out credentials.
pub(crate) fn is_ours(socket: &OwnedFd, told: impl FnOnce() -> Option<u32>) -> bool {
    let (mut user, mut group) = (libc::uid_t::MAX, libc::gid_t::MAX);
    // SAFETY: the descriptor is open as long as `socket` is borrowed, and both results are valid for one write each.
    let answer = unsafe { libc::getpeereid(socket.as_raw_fd(), &raw mut user, &raw mut group) };
    // Security: fail closed; who can't be named is somebody else.
    answer == 0 && (user == rustix::process::geteuid().as_raw() || told() == Some(user))
}
