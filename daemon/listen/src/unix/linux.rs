//! Sockets of Linux, and who the peer is.

use crate::peer::{Peer, ProcessStart};
use rustix::io::Errno;
use rustix::net::sockopt::socket_acceptconn;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, accept_with, socket_with};
use std::collections::HashMap;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// `SO_PEERPIDFD` of `asm-generic/socket.h`.
const SO_PEERPIDFD: libc::c_int = 77;
/// `PID_FS_MAGIC` of `linux/magic.h`.
const PID_FS_MAGIC: i64 = 0x5049_4446;
const MAX_KNOWN: usize = 1_024;
/// A number names the same process this long: at least 32,768 others would have to start before it comes round.
const TRUSTED: Duration = Duration::from_millis(100);

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

/// Answers whether it is known that a socket does not listen.
pub(super) fn can_not_accept(socket: impl std::os::fd::AsFd) -> bool {
    socket_acceptconn(socket) != Ok(true)
}

/// Answers the peer's user and process at the time when it connected.
pub(super) fn peer_of(connection: &OwnedFd) -> io::Result<Peer> {
    // rustix reads this into a type whose process number can't be 0, as it is for a peer of another namespace.
    let peer: libc::ucred =
        option(connection, libc::SO_PEERCRED, libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX })?;
    Ok(Peer { uid: peer.uid, pid: u32::try_from(peer.pid).unwrap_or(0), start: None })
}

/// Reads an option of a socket whose value is plain numbers.
fn option<T: Copy>(socket: &OwnedFd, name: libc::c_int, mut value: T) -> io::Result<T> {
    let mut length = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    let target = (&raw mut value).cast();
    // SAFETY: the descriptor is open, and the kernel writes at most `length` bytes to a value of that size, in which
    // every bit pattern is one.
    let failed =
        unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, name, target, &raw mut length) };
    match failed {
        0 if length as usize == size_of::<T>() => Ok(value),
        0 => Err(io::Error::other("the kernel does not tell the peer")),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The processes that peers are, each looked at once: a number may be taken over, the inode of a pidfd never is.
#[derive(Debug, Default)]
pub(super) struct Processes {
    known: HashMap<u64, ProcessStart>,
    recent: HashMap<u32, (Instant, ProcessStart)>,
}

impl Processes {
    /// Answers what is known of the process of a peer; `None` if it is gone or in another namespace.
    pub(super) fn of(&mut self, connection: &OwnedFd, pid: u32, now: Instant) -> Option<ProcessStart> {
        if let Some((seen, known)) = self.recent.get(&pid)
            && now.saturating_duration_since(*seen) < TRUSTED
        {
            return Some(known.clone());
        }
        let found = self.look_up(connection, pid)?;
        if self.recent.len() >= MAX_KNOWN {
            self.recent.clear();
        }
        self.recent.insert(pid, (now, found.clone()));
        Some(found)
    }

    fn look_up(&mut self, connection: &OwnedFd, pid: u32) -> Option<ProcessStart> {
        // Before Linux 6.9 a pidfd has no inode of its own, and before 6.5 a socket has no pidfd.
        let Some((pidfd, inode)) = pidfd(connection) else { return look_at(pid) };
        if let Some(known) = self.known.get(&inode) {
            return Some(known.clone());
        }
        let found = look_at(pid)?;
        // Still there, so what was looked at is the peer and not its successor.
        is_alive(&pidfd).then(|| {
            if self.known.len() >= MAX_KNOWN {
                self.known.clear();
            }
            self.known.insert(inode, found.clone());
            found
        })
    }
}

fn pidfd(connection: &OwnedFd) -> Option<(OwnedFd, u64)> {
    let descriptor: libc::c_int = option(connection, SO_PEERPIDFD, -1).ok().filter(|number| *number >= 0)?;
    // SAFETY: the kernel has just made this descriptor for us.
    let pidfd = unsafe { OwnedFd::from_raw_fd(descriptor) };
    let found = rustix::fs::fstat(&pidfd).ok()?;
    is_pid_fs(&pidfd, found.st_dev).then_some((pidfd, found.st_ino))
}

/// Answers whether a descriptor lies in the file system of processes, where each has an inode; asked once a device.
fn is_pid_fs(pidfd: &OwnedFd, device: u64) -> bool {
    static KNOWN: AtomicU64 = AtomicU64::new(u64::MAX);
    if KNOWN.load(Ordering::Relaxed) == device {
        return true;
    }
    let is_one = rustix::fs::fstatfs(pidfd).is_ok_and(|found| found.f_type == PID_FS_MAGIC);
    if is_one {
        KNOWN.store(device, Ordering::Relaxed);
    }
    is_one
}

/// Signal 0 is sent to nobody; it only tells whether there is somebody.
fn is_alive(pidfd: &OwnedFd) -> bool {
    let nothing: *const libc::siginfo_t = std::ptr::null();
    // SAFETY: the descriptor is open, and the call reads nothing through a null pointer.
    unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), 0, nothing, 0) == 0 }
}

fn look_at(pid: u32) -> Option<ProcessStart> {
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
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_peer_is_looked_at_once_and_told_the_same_each_time() {
        let (one, _other) = UnixStream::pair().unwrap();
        let one = OwnedFd::from(one);
        let own = std::process::id();
        let mut processes = Processes::default();
        let (now, later) = (Instant::now(), Instant::now() + 2 * TRUSTED);
        let found = processes.of(&one, own, now).unwrap();
        assert_eq!(Some(&found), look_at(own).as_ref());
        // What belongs to the number is looked at again after a while, and where the kernel tells processes apart,
        // the process is known by more than its number.
        assert_eq!(processes.of(&one, own, later), Some(found));
        assert_eq!(processes.of(&one, u32::MAX, later).is_some(), pidfd(&one).is_some());
    }

    #[test]
    fn without_a_pidfd_the_number_is_looked_at() {
        let file = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        assert!(pidfd(&file).is_none());
        let now = Instant::now();
        assert!(Processes::default().of(&file, std::process::id(), now).is_some());
        assert!(Processes::default().of(&file, 0, now).is_none());
    }

    #[test]
    fn a_stat_line_is_read_whatever_the_program_is_called() {
        let line =
            "12 (a) b (c) S 7 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 1 18446744073709551615";
        let expected = ProcessStart { ppid: 7, started: 98_765, comm: "a) b (c".into() };
        assert_eq!(parse_stat(line), Some(expected));
        assert_eq!(parse_stat("12 (a"), None);
    }
}
