//! Sockets of Linux, and who the peer is.

use crate::peer::{Peer, ProcessStart};
use rustix::io::Errno;
use rustix::net::sockopt::socket_acceptconn;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, accept_with, socket_with};
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};

/// Writing to a peer that has gone is an error, never a signal.
pub(super) const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;

/// Makes a Unix stream socket that never blocks and that no child inherits.
pub(super) fn stream_socket() -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
}

/// Accepts a connection that never blocks and that no child inherits.
pub(super) fn accept(listener: &OwnedFd) -> Result<OwnedFd, Errno> {
    accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)
}

/// Answers whether a socket listens.
pub(super) fn listens(socket: &OwnedFd) -> bool {
    socket_acceptconn(socket).unwrap_or(false)
}

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

/// Reads a line of `/proc/PID/stat`; the name in brackets may itself hold brackets and spaces.
fn parse_stat(line: &str) -> Option<ProcessStart> {
    const STARTED: usize = 19;
    let (front, back) = (line.find('(')?, line.rfind(')')?);
    let comm = line
        .get(front + 1..back)?
        .chars()
        .map(|letter| if letter.is_control() { '?' } else { letter })
        .collect();
    let mut fields = line.get(back + 1..)?.split_ascii_whitespace();
    let ppid = fields.nth(1)?.parse().ok()?;
    let started = fields.nth(STARTED - 2)?.parse().ok()?;
    Some(ProcessStart { ppid, started, comm })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_whatever_the_program_is_called() {
        let line =
            "12 (a) b (c) S 7 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 1 18446744073709551615";
        let expected = ProcessStart { ppid: 7, started: 98_765, comm: "a) b (c".into() };
        assert_eq!(parse_stat(line), Some(expected));
        assert_eq!(parse_stat("12 (a"), None);
    }
}
