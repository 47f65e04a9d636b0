//! Who the peer is, on Linux.

use crate::peer::{Peer, ProcessStart, parse_stat};
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};

/// Answers the peer's user and process at the time when it connected.
pub(super) fn peer_of(connection: &OwnedFd) -> io::Result<Peer> {
    let mut credentials = MaybeUninit::<libc::ucred>::zeroed();
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    let (level, option) = (libc::SOL_SOCKET, libc::SO_PEERCRED);
    // rustix reads this into a type whose process number can't be 0, as it is for a peer of another namespace.
    // SAFETY: the descriptor is open, and the kernel writes at most `length` bytes to a value of that size.
    let failed = unsafe {
        libc::getsockopt(connection.as_raw_fd(), level, option, credentials.as_mut_ptr().cast(), &mut length)
    };
    if failed != 0 {
        return Err(io::Error::last_os_error());
    }
    if length as usize != size_of::<libc::ucred>() {
        return Err(io::Error::other("the kernel does not tell the peer"));
    }
    // SAFETY: the kernel has written the whole value, and every bit pattern is one.
    let credentials = unsafe { credentials.assume_init() };
    Ok(Peer { uid: credentials.uid, pid: u32::try_from(credentials.pid).unwrap_or(0), start: None })
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
