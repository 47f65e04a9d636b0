//! macOS: a kqueue tells of the end of a process. Type-checked; not run yet.

use super::First;
use crate::platform::Stream;
use rustix::event::Timespec;
use rustix::event::kqueue::{Event, EventFilter, EventFlags, ProcessEvents, kevent_timespec, kqueue};
use rustix::io::Errno;
use rustix::process::{Pid, getpid};
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

/// A process. Its kqueue is made by whoever waits: a process does not inherit one.
pub(crate) struct Watched(Pid);

impl Watched {
    /// Answers this process, which may become another program.
    pub(crate) fn this() -> io::Result<Self> {
        Ok(Self(getpid()))
    }

    /// Waits for its end, for a connection, or for a time.
    pub(crate) fn wait(&self, stream: Option<&Stream>, limit: Option<Duration>) -> First {
        self.try_wait(stream, limit).unwrap_or(First::Program)
    }

    fn try_wait(&self, stream: Option<&Stream>, limit: Option<Duration>) -> Result<First, Errno> {
        let limit = limit.map(|limit| Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: limit.subsec_nanos().into(),
        });
        let program = EventFilter::Proc { pid: self.0, flags: ProcessEvents::EXIT };
        let program = Event::new(program, EventFlags::ADD, std::ptr::null_mut());
        let connection = stream.map(|stream| {
            let filter = EventFilter::Read(stream.socket().as_raw_fd());
            Event::new(filter, EventFlags::ADD, std::ptr::null_mut())
        });
        let changes: Vec<Event> = std::iter::once(program).chain(connection).collect();
        let queue = kqueue()?;
        let mut happened = Vec::with_capacity(changes.len());
        loop {
            // SAFETY: the descriptor of the stream is open as long as the stream is borrowed.
            match unsafe {
                kevent_timespec(
                    &queue,
                    &changes,
                    rustix::buffer::spare_capacity(&mut happened),
                    limit.as_ref(),
                )
            } {
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
                Ok(_) => break,
            }
        }
        let is_program = |event: &Event| matches!(event.filter(), EventFilter::Proc { .. });
        Ok(match happened.iter().any(is_program) {
            true => First::Program,
            false if happened.is_empty() => First::Late,
            false => First::Connection,
        })
    }
}
