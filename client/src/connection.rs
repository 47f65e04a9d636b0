//! A conversation with the daemon: a request, then replies.

use crate::platform::Stream;
use keyfob_shared::wire::{Answer, PROTOCOL, Reply, Request};
use keyfob_shared::{Failure, FailureKind, environment, frame};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

/// The daemon ends every wait of a `get` before this, and a person has five minutes.
const LONGEST_WAIT: Duration = Duration::from_secs(330);

/// An open conversation.
pub(crate) struct Connection(Stream);

impl Connection {
    /// Connects to a daemon that runs.
    pub(crate) fn open() -> io::Result<Self> {
        let path = socket().map_err(|failure| io::Error::other(failure.message))?;
        Stream::connect(&path, LONGEST_WAIT).map(Self)
    }

    pub(crate) fn ask(&mut self, request: &Request) -> io::Result<()> {
        let mut bytes = Vec::new();
        frame::append(&mut bytes, PROTOCOL.to_string().as_bytes())?;
        frame::append(&mut bytes, &serde_json::to_vec(request)?)?;
        self.0.write_all(&bytes)
    }

    pub(crate) fn next(&mut self) -> io::Result<Reply> {
        let body = frame::read(&mut self.0)?;
        parse(&body)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the daemon's reply is not understood"))
    }

    pub(crate) fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        frame::write(&mut self.0, &serde_json::to_vec(answer)?)
    }

    /// Waits until the daemon has closed the connection.
    pub(crate) fn wait_for_end(&mut self) {
        while frame::read(&mut self.0).is_ok() {}
    }
}

/// Reads a reply.
pub(crate) fn parse(body: &[u8]) -> Option<Reply> {
    serde_json::from_slice(body).ok()
}

/// Answers the path of the socket.
pub(crate) fn socket() -> Result<PathBuf, Failure> {
    environment::socket()
        .ok_or_else(|| Failure::new(FailureKind::Usage, "there is no home directory for the socket"))
}
