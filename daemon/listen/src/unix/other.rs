//! Who the peer is, on macOS: `getpeereid` and `LOCAL_PEERPID`, as tokio asks for them. Type-checked; not run yet.

use crate::peer::{Peer, ProcessStart};
use std::io;
use std::os::fd::OwnedFd;

/// Answers the peer's user and process.
pub(super) fn peer_of(connection: &OwnedFd) -> io::Result<Peer> {
    let stream = std::os::unix::net::UnixStream::from(connection.try_clone()?);
    let credentials = tokio::net::UnixStream::from_std(stream)?.peer_cred()?;
    let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
    Ok(Peer { uid: credentials.uid(), pid, start: None })
}

/// The audit names processes by their number only.
pub(super) fn process(_pid: u32) -> Option<ProcessStart> {
    None
}
