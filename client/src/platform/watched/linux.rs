//! Linux: a pidfd names the process whatever it becomes, and is readable when it has ended.

use super::First;
use crate::platform::Stream;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// A process.
pub(crate) struct Watched(OwnedFd);

impl Watched {
    /// Answers this process, which may become another program.
    pub(crate) fn this() -> io::Result<Self> {
        Ok(Self(pidfd_open(getpid(), PidfdFlags::empty())?))
    }

    /// Waits for its end, for a connection, or for a time.
    pub(crate) fn wait(&self, stream: Option<&Stream>, limit: Option<Duration>) -> First {
        let limit = limit.map(|limit| Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: limit.subsec_nanos().into(),
        });
        loop {
            let mut watched = vec![PollFd::new(&self.0, PollFlags::IN)];
            watched.extend(stream.map(|stream| PollFd::new(stream.socket(), PollFlags::IN)));
            match poll(&mut watched, limit.as_ref()) {
                Err(Errno::INTR) => {}
                Err(_) => return First::Program,
                Ok(_) if !watched[0].revents().is_empty() => return First::Program,
                Ok(0) => return First::Late,
                Ok(_) => return First::Connection,
            }
        }
    }
}
