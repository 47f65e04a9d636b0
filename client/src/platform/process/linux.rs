//! Linux has handles of processes: what is checked is what gets the signal, whoever has the number later.
//!
//! Only a process of this user that is called `keyfobd` gets one.

use super::super::Stream;
use super::super::linux::peer;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, geteuid, pidfd_open, pidfd_send_signal};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The time that it has after SIGTERM, and after SIGKILL, in seconds.
const GRACE: i64 = 5;

/// The process of a daemon.
pub(crate) struct Process {
    number: u32,
    /// None for a process that is no daemon of this user.
    handle: Option<OwnedFd>,
}

impl Process {
    /// Answers who is at the other end; `None` if it is in another namespace.
    pub(crate) fn behind(stream: &Stream) -> Option<Self> {
        let number = u32::try_from(peer(stream.socket())?.pid).ok().filter(|number| *number > 0)?;
        Some(Self { number, handle: daemon(number) })
    }

    /// Answers which daemon holds a lock, as it does with those of its socket and its state as long as it lives.
    pub(crate) fn holding(lock: &Path) -> Option<Self> {
        let file = fs::metadata(lock).ok()?;
        let (major, minor) = (rustix::fs::major(file.dev()), rustix::fs::minor(file.dev()));
        let place = format!("{major:02x}:{minor:02x}:{}", file.ino());
        let locks = fs::read_to_string("/proc/locks").ok()?;
        let number = locks.lines().find_map(|line| holder(line, &place))?;
        Some(Self { number, handle: Some(daemon(number)?) })
    }

    /// Answers its number.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Ends it and answers how: it is told to, and killed if that does not help.
    ///
    /// # Errors
    /// If it is no daemon of this user, or lives on.
    pub(crate) fn end(&self) -> io::Result<&'static str> {
        let Some(handle) = &self.handle else { return Err(io::Error::other("it is not keyfobd")) };
        // A process that was stopped takes its SIGTERM when it goes on.
        for signal in [Signal::TERM, Signal::CONT] {
            match pidfd_send_signal(handle, signal) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if is_gone(handle)? {
            return Ok("was told to end by SIGTERM, and has ended");
        }
        pidfd_send_signal(handle, Signal::KILL)?;
        match is_gone(handle)? {
            true => Ok("did not end by SIGTERM, and was killed"),
            false => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// Answers a handle of a process if it is a daemon of this user. `/proc/PID/exe` of a daemon is closed to others.
fn daemon(number: u32) -> Option<OwnedFd> {
    let handle = pidfd_open(Pid::from_raw(number.cast_signed())?, PidfdFlags::empty()).ok()?;
    let status = fs::read_to_string(format!("/proc/{number}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let is_daemon = field("Name:")?.trim() == super::super::DAEMON;
    let effective: u32 = field("Uid:")?.split_ascii_whitespace().nth(1)?.parse().ok()?;
    (is_daemon && effective == geteuid().as_raw()).then_some(handle)
}

/// Waits until a process has ended, and answers whether it has.
fn is_gone(handle: &OwnedFd) -> io::Result<bool> {
    let time = Timespec { tv_sec: GRACE, tv_nsec: 0 };
    Ok(poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&time))? > 0)
}

/// Reads who holds a lock from a line of `/proc/locks`.
fn holder(line: &str, place: &str) -> Option<u32> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let is_held = words.next()? == "FLOCK";
    let number = words.nth(2)?.parse().ok()?;
    (is_held && words.next()? == place).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_tells_who_holds_it_and_not_who_waits() {
        let held = "7: FLOCK  ADVISORY  WRITE 26925 fe:00:10321967 0 EOF";
        assert_eq!(holder(held, "fe:00:10321967"), Some(26_925));
        assert_eq!(holder(held, "fe:00:1032196"), None);
        assert_eq!(holder("7: -> FLOCK  ADVISORY  WRITE 1 fe:00:10321967 0 EOF", "fe:00:10321967"), None);
        assert_eq!(holder("8: POSIX  ADVISORY  WRITE 1 fe:00:10321967 0 EOF", "fe:00:10321967"), None);
    }

    #[test]
    fn a_process_that_is_no_daemon_is_left_alone() {
        assert!(daemon(std::process::id()).is_none());
        let process = Process { number: std::process::id(), handle: daemon(std::process::id()) };
        assert!(process.end().unwrap_err().to_string().contains("not keyfobd"));
    }
}
