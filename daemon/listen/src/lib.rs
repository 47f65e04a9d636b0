//! The socket: peers are checked before their first byte, everything is bounded, requests come out parsed.
//!
//! It decides nothing about requests and knows neither vault nor AWS. Unix sockets are made with plain system calls,
//! since the mode must be set between bind and listen, which `interprocess` does not offer; the named pipe of Windows
//! goes through it.

mod peer;
mod request;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::{Connection, Dialogue, Listener, SocketFile};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::{Connection, Dialogue, Listener, SocketFile};

pub use peer::{Peer, ProcessStart};

use keyfob_shared::wire::Request;
use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, io};

/// Connections that have not sent their request yet; when there are more, the oldest is closed.
pub const MAX_UNFINISHED: usize = 512;
/// The time in which a request must have come.
pub const REQUEST_TIME: Duration = Duration::from_secs(5);
/// The time in which a reply must have been taken.
pub const REPLY_TIME: Duration = Duration::from_secs(10);
/// The time that a person has for an answer.
pub const ANSWER_TIME: Duration = Duration::from_secs(300);

/// Where to listen, and to whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The path of the socket, or the name of the pipe.
    pub socket: PathBuf,
    /// Whether root is served beside the user.
    pub allow_root: bool,
    /// How many descriptors this process may have open: connections take a part of them.
    pub descriptors: usize,
    /// Which of the daemon's sockets it is.
    pub kind: Kind,
}

/// Which of the daemon's sockets it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The one for the user, which systemd may hand over.
    Main,
    /// A further one, with other users who are served; where there are some, everybody may open it.
    Restricted {
        /// Their numbers.
        users: Vec<u32>,
    },
}

/// Who has come.
#[derive(Debug)]
pub enum Arrival {
    /// Somebody with a request.
    Request(Incoming),
    /// Another user, who was sent away without a byte.
    Refused(Peer),
}

/// A request, from whom, and the way to answer.
#[derive(Debug)]
pub struct Incoming {
    /// Who asks.
    pub peer: Peer,
    /// For what.
    pub request: Request,
    /// Where the reply goes.
    pub connection: Connection,
}

/// Why there is no listener.
#[derive(Debug)]
pub enum BindError {
    /// Another daemon has the socket.
    AlreadyRunning,
    /// Someone else could get between the daemon and its clients.
    Unsafe(String),
    /// The operating system refused.
    Io(String, io::Error),
}

impl fmt::Display for BindError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRunning => formatter.write_str("a daemon is already running"),
            Self::Unsafe(why) => formatter.write_str(why),
            Self::Io(what, cause) => write!(formatter, "{what}: {cause}"),
        }
    }
}

impl std::error::Error for BindError {}
