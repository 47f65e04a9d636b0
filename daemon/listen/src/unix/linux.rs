//! Who the peer is, on Linux.

use crate::peer::{Peer, ProcessStart, parse_stat};
use rustix::net::sockopt::socket_peercred;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

/// Answers the peer's user and process at the time when it connected.
pub(super) fn peer_of(connection: &OwnedFd) -> io::Result<Peer> {
    let credentials = socket_peercred(connection)?;
    let pid = u32::try_from(credentials.pid.as_raw_nonzero().get()).unwrap_or(0);
    Ok(Peer { uid: credentials.uid.as_raw(), pid, start: None })
}

/// Answers what is known of a process; `None` if it is gone or in another namespace.
pub(super) fn process(pid: u32) -> Option<ProcessStart> {
    const LONGEST_LINE: usize = 1_024;
    if pid == 0 {
        return None;
    }
    let mut line = [0; LONGEST_LINE];
    let length = std::fs::File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut line).ok()?;
    parse_stat(&String::from_utf8_lossy(line.get(..length)?))
}
