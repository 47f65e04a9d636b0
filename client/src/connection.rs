//! A conversation with the daemon: a request, then replies. No wait is without an end.

use crate::platform::Stream;
use keyfob_shared::wire::{Answer, PROTOCOL, Reply, Request};
use keyfob_shared::{Secret, environment, frame};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// The daemon ends every wait of a `get` after 50 seconds.
pub(crate) const CREDENTIALS_TIME: Duration = Duration::from_secs(55);
/// What the daemon knows, it tells at once; a keychain that hangs costs it some seconds.
pub(crate) const SHORT_TIME: Duration = Duration::from_secs(10);
/// Writes to a keychain, one after the other.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// A person has five minutes for an answer.
const PERSON_TIME: Duration = Duration::from_secs(330);

/// An open conversation.
pub(crate) struct Connection(Stream);

impl Connection {
    /// Connects to a daemon that runs; each reply is awaited for `limit`.
    pub(crate) fn open(limit: Duration) -> io::Result<Self> {
        Self::open_at(&environment::socket().map_err(io::Error::other)?, limit)
    }

    /// Connects to the daemon at a socket.
    pub(crate) fn open_at(socket: &Path, limit: Duration) -> io::Result<Self> {
        Stream::connect(socket, limit).map(Self)
    }

    /// Answers the connection itself.
    pub(crate) fn stream(&self) -> &Stream {
        &self.0
    }

    pub(crate) fn ask(&mut self, request: &Request) -> io::Result<()> {
        let body = Secret::new(serde_json::to_string(request)?);
        let version = PROTOCOL.to_string();
        let length = 2 * frame::HEADER + version.len() + body.expose().len();
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        frame::append(&mut bytes, version.as_bytes())?;
        frame::append(&mut bytes, body.expose().as_bytes())?;
        self.0.write_all(&bytes)
    }

    pub(crate) fn next(&mut self) -> io::Result<Reply> {
        let body = Zeroizing::new(frame::read(&mut self.0)?);
        parse(&body)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the daemon's reply is not understood"))
    }

    pub(crate) fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        let body = Secret::new(serde_json::to_string(answer)?);
        frame::write(&mut self.0, body.expose().as_bytes())
    }

    /// Waits until the daemon has closed the connection.
    ///
    /// # Errors
    /// If it has not, in time.
    pub(crate) fn wait_for_end(&mut self) -> io::Result<()> {
        loop {
            match frame::read(&mut self.0) {
                Err(error) if is_late(&error) => return Err(error),
                Err(_) => return Ok(()),
                Ok(_) => {}
            }
        }
    }
}

/// Answers how long the reply to a request may take.
pub(crate) const fn patience(request: &Request) -> Duration {
    match request {
        Request::Get { .. } | Request::Grant(_) | Request::Console(_) => CREDENTIALS_TIME,
        Request::Login { .. } | Request::Unlock => PERSON_TIME,
        Request::KeyAdd { .. } | Request::KeyImport { .. } | Request::KeyRemove { .. } => WRITE_TIME,
        // A renewal at an identity provider may be under way, and ends first.
        Request::Discover { .. } | Request::Logout { .. } | Request::Role(_) => CREDENTIALS_TIME,
        // AWS may be busy for long between two notes.
        Request::Report(_) | Request::Activity(_) | Request::KeyRotate { .. } => PERSON_TIME,
        // Reads of the vault, calls of AWS about each key, and of the network.
        Request::KeyList | Request::Doctor => WRITE_TIME,
        Request::Status
        | Request::Profiles { .. }
        | Request::Check
        | Request::Lock
        | Request::Reload
        | Request::Stop => SHORT_TIME,
    }
}

/// Answers whether the daemon did not answer in time.
pub(crate) fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Reads a reply.
pub(crate) fn parse(body: &[u8]) -> Option<Reply> {
    serde_json::from_slice(body).ok()
}
