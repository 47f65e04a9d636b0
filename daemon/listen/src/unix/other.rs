//! Sockets of macOS, and who the peer is: `getpeereid` and `LOCAL_PEERPID`, as tokio asks for them. Type-checked; not
//! run yet.

use crate::peer::{Peer, ProcessStart};
use rustix::io::{Errno, FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::net::sockopt::set_socket_nosigpipe;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, accept_with, socket_with};
use std::io;
use std::os::fd::OwnedFd;
use tokio::time::Instant;

/// There is no such flag; each socket is told by itself.
pub(super) const NO_SIGNAL: SendFlags = SendFlags::empty();

/// Makes a Unix stream socket that never blocks and that no child inherits.
pub(super) fn stream_socket() -> Result<OwnedFd, Errno> {
    prepare(socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::empty(), None)?)
}

/// Accepts a connection that never blocks and that no child inherits.
pub(super) fn accept(listener: &OwnedFd) -> Result<OwnedFd, Errno> {
    prepare(accept_with(listener, SocketFlags::empty())?)
}

fn prepare(socket: OwnedFd) -> Result<OwnedFd, Errno> {
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    ioctl_fionbio(&socket, true)?;
    set_socket_nosigpipe(&socket, true)?;
    Ok(socket)
}

/// macOS can't tell whether a socket listens, and has no systemd that would hand one over.
pub(super) fn listens(_socket: &OwnedFd) -> bool {
    false
}

/// That is not known here; accepting would fail.
pub(super) fn can_not_accept(_socket: impl std::os::fd::AsFd) -> bool {
    false
}

/// Answers the peer's user and process.
pub(super) fn peer_of(connection: &OwnedFd) -> io::Result<Peer> {
    let stream = std::os::unix::net::UnixStream::from(connection.try_clone()?);
    let credentials = tokio::net::UnixStream::from_std(stream)?.peer_cred()?;
    let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
    Ok(Peer { uid: credentials.uid(), pid, start: None })
}

/// The audit names processes by their number only.
#[derive(Debug, Default)]
pub(super) struct Processes;

impl Processes {
    pub(super) fn of(&mut self, _connection: &OwnedFd, _pid: u32, _now: Instant) -> Option<ProcessStart> {
        None
    }
}
