//! Starting the daemon: the one that lies beside this program, once, however many clients want it.

use crate::connection::{Connection, socket};
use crate::platform;
use keyfob_shared::wire::{Reply, Request};
use keyfob_shared::{Failure, FailureKind};
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

/// The longest line that the daemon says when it starts.
const MAX_LINE: u64 = 16 * 1024;

/// Answers the path of the daemon: never one that `PATH` happens to lead to.
pub(crate) fn daemon() -> Result<PathBuf, Failure> {
    let wrong = |what: &str| Failure::new(FailureKind::Unreachable, format!("start the daemon: {what}"));
    let own = std::env::current_exe().map_err(|error| wrong(&error.to_string()))?;
    let daemon = own.with_file_name(platform::DAEMON);
    if daemon.exists() {
        Ok(daemon)
    } else {
        Err(wrong(&format!("there is no {}", daemon.display())).hint("install keyfob again"))
    }
}

/// Connects, and starts the daemon if there is none.
pub(crate) fn connect() -> Result<Connection, Failure> {
    twice(open_or_start)
}

/// Sends a request and answers the first reply; a daemon that ends meanwhile is started and asked once more.
pub(crate) fn ask(request: &Request) -> Result<(Connection, Reply), Failure> {
    twice(|| {
        let mut connection = open_or_start()?;
        let reply = connection.ask(request).and_then(|()| connection.next()).map_err(Trouble::Broken)?;
        Ok((connection, reply))
    })
}

/// Why there is no reply.
enum Trouble {
    /// It is final.
    Failed(Failure),
    /// The daemon has ended meanwhile.
    Broken(io::Error),
}

/// Tries again, once, when the daemon has ended meanwhile.
fn twice<T>(attempt: impl Fn() -> Result<T, Trouble>) -> Result<T, Failure> {
    let ended = |error: &io::Error| {
        use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, NotFound, UnexpectedEof};
        matches!(error.kind(), BrokenPipe | ConnectionRefused | ConnectionReset | NotFound | UnexpectedEof)
    };
    let result = match attempt() {
        Err(Trouble::Broken(error)) if ended(&error) => attempt(),
        result => result,
    };
    result.map_err(|trouble| match trouble {
        Trouble::Failed(failure) => failure,
        Trouble::Broken(error) => unreachable(&error),
    })
}

fn open_or_start() -> Result<Connection, Trouble> {
    match Connection::open() {
        Err(error) if is_absent(&error) => start(),
        opened => opened.map_err(Trouble::Broken),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// Starts the daemon, unless another client has done it meanwhile, and connects.
fn start() -> Result<Connection, Trouble> {
    let failed = |error: io::Error| {
        let message = format!("start the daemon: {error}");
        Trouble::Failed(Failure::new(FailureKind::Unreachable, message).hint("keyfob daemon run"))
    };
    let _one_at_a_time = platform::start_lock(&socket().map_err(Trouble::Failed)?).map_err(failed)?;
    if let Ok(connection) = Connection::open() {
        return Ok(connection);
    }
    let mut child = platform::spawn(&daemon().map_err(Trouble::Failed)?).map_err(failed)?;
    let stdout = child.stdout.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
    let mut line = String::new();
    BufReader::new(stdout.take(MAX_LINE)).read_line(&mut line).map_err(failed)?;
    match line.trim() {
        "ready" => Connection::open().map_err(Trouble::Broken),
        "" => Err(Trouble::Broken(io::ErrorKind::UnexpectedEof.into())),
        told => Err(serde_json::from_str(told)
            .map_or_else(|_| failed(io::ErrorKind::InvalidData.into()), Trouble::Failed)),
    }
}

pub(crate) fn unreachable(error: &io::Error) -> Failure {
    let (what, hint) = match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => (
            "the daemon has ended, or closed the connection, without an answer".to_owned(),
            "keyfob daemon run, as the user that the daemon belongs to",
        ),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            ("the daemon does not answer".into(), "keyfob daemon restart")
        }
        _ => (format!("reach the daemon: {error}"), "keyfob daemon restart"),
    };
    Failure::new(FailureKind::Unreachable, what).hint(hint)
}
