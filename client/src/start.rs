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
    match Connection::open() {
        Ok(connection) => Ok(connection),
        Err(error) if is_absent(&error) => start(),
        Err(error) => Err(unreachable(&error)),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// Starts the daemon, unless another client has done it meanwhile, and connects.
fn start() -> Result<Connection, Failure> {
    let failed = |error: io::Error| {
        Failure::new(FailureKind::Unreachable, format!("start the daemon: {error}")).hint("keyfob daemon run")
    };
    let _one_at_a_time = platform::start_lock(&socket()?).map_err(failed)?;
    if let Ok(connection) = Connection::open() {
        return Ok(connection);
    }
    let mut child = platform::spawn(&daemon()?).map_err(failed)?;
    let stdout = child.stdout.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
    let mut line = String::new();
    BufReader::new(stdout.take(MAX_LINE)).read_line(&mut line).map_err(failed)?;
    if line.trim() == "ready" {
        return Connection::open().map_err(|error| unreachable(&error));
    }
    let told = serde_json::from_str::<Failure>(&line);
    Err(told.unwrap_or_else(|_| failed(io::Error::other("it ended without a word"))))
}

/// Sends a request and answers the first reply; a daemon that ends meanwhile is started and asked once more.
pub(crate) fn ask(request: &Request) -> Result<(Connection, Reply), Failure> {
    let attempt = || -> Result<(Connection, Reply), Asked> {
        let mut connection = connect().map_err(Asked::Failed)?;
        let reply = connection.ask(request).and_then(|()| connection.next()).map_err(Asked::Broken)?;
        Ok((connection, reply))
    };
    match attempt() {
        Ok(answered) => Ok(answered),
        Err(Asked::Failed(failure)) => Err(failure),
        Err(Asked::Broken(error)) if error.kind() == io::ErrorKind::InvalidData => Err(unreachable(&error)),
        Err(Asked::Broken(_)) => attempt().map_err(|asked| match asked {
            Asked::Failed(failure) => failure,
            Asked::Broken(error) => unreachable(&error),
        }),
    }
}

enum Asked {
    Failed(Failure),
    Broken(io::Error),
}

pub(crate) fn unreachable(error: &io::Error) -> Failure {
    let (what, hint) = match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => (
            "the daemon closed the connection without an answer".to_owned(),
            "keyfob daemon restart, as the user that it belongs to",
        ),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            ("the daemon does not answer".into(), "keyfob daemon restart")
        }
        _ => (format!("reach the daemon: {error}"), "keyfob daemon restart"),
    };
    Failure::new(FailureKind::Unreachable, what).hint(hint)
}
