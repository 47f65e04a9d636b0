//! Windows: the program is a child of this process, which ends with it; only the daemon has to be waited for.

use super::First;
use crate::platform::Stream;
use std::io;
use std::time::Duration;

/// The program whose end ends this process.
pub(crate) struct Watched;

impl Watched {
    /// Answers this process.
    pub(crate) fn this() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for a time; a connection is waited for by whoever reads from it.
    pub(crate) fn wait(&self, stream: Option<&Stream>, limit: Option<Duration>) -> First {
        if stream.is_some() {
            return First::Connection;
        }
        std::thread::sleep(limit.unwrap_or_default());
        First::Late
    }
}
