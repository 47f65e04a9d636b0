//! Windows: the program is a child of this process, and its end ends a channel.

use super::First;
use crate::platform::Stream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// A program.
pub(crate) struct Watched(Receiver<()>);

impl Watched {
    /// Answers a program that ends when the sender is dropped.
    pub(crate) fn child() -> (Sender<()>, Self) {
        let (runs, ended) = channel();
        (runs, Self(ended))
    }

    /// Waits for its end or for a time; a connection is waited for by whoever reads from it.
    pub(crate) fn wait(&self, stream: Option<&Stream>, limit: Option<Duration>) -> First {
        if stream.is_some() {
            return First::Connection;
        }
        match self.0.recv_timeout(limit.unwrap_or(Duration::MAX)) {
            Err(RecvTimeoutError::Timeout) => First::Late,
            Ok(()) | Err(RecvTimeoutError::Disconnected) => First::Program,
        }
    }
}
