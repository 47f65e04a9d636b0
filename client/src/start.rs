//! Starting the daemon: the one that lies beside this program, once, however many clients want it.

use crate::connection::{Connection, is_late, patience};
use crate::platform;
use keyfob_shared::wire::{Reply, Request};
use keyfob_shared::{Failure, FailureKind, Holder, environment, holder};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ChildStdout;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The longest line that the daemon says when it starts.
const MAX_LINE: u64 = 16 * 1024;
/// The time in which a daemon is ready, and in which another client has started it.
const START_TIME: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(20);
/// Daemons that may end while they are asked, one after the other.
const MAX_TRIES: u32 = 4;

/// Answers the path of the daemon: never one that `PATH` happens to lead to.
pub(crate) fn daemon() -> Result<PathBuf, Failure> {
    let wrong = |what: &str| {
        let message = format!("start the daemon: {what}");
        Failure::new(FailureKind::Unreachable, message)
            .hint("install keyfob and keyfobd again, side by side; in a container set KEYFOB_SOCKET")
    };
    let own = std::env::current_exe().map_err(|error| wrong(&error.to_string()))?;
    let daemon = own.with_file_name(platform::DAEMON);
    if daemon.exists() { Ok(daemon) } else { Err(wrong(&format!("there is no {}", daemon.display()))) }
}

/// Sends a request and answers the first reply; a daemon that ends meanwhile is started and asked once more.
pub(crate) fn ask(request: &Request) -> Result<(Connection, Reply), Failure> {
    let attempt = || {
        let mut connection = open_or_start(patience(request))?;
        let reply = connection.ask(request).and_then(|()| connection.next()).map_err(Trouble::Broken)?;
        Ok((connection, reply))
    };
    let mut tries = 1;
    loop {
        match attempt() {
            Err(Trouble::Broken(error)) if has_ended(&error) && tries < MAX_TRIES => tries += 1,
            Err(Trouble::Broken(error)) => return Err(unreachable(&error)),
            Err(Trouble::Failed(failure)) => return Err(failure),
            Ok(reply) => return Ok(reply),
        }
    }
}

/// Why there is no reply.
enum Trouble {
    /// It is final.
    Failed(Failure),
    /// The connection is no good.
    Broken(io::Error),
}

fn has_ended(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    is_absent(error) || matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

/// Answers whether nobody listens.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn open_or_start(limit: Duration) -> Result<Connection, Trouble> {
    // Everything that a daemon would refuse is told before anything is made for it.
    let socket = environment::socket().map_err(Trouble::Failed)?;
    match Connection::open(limit) {
        Err(error) if is_absent(&error) => {
            if environment::is_socket_told() && daemon().is_err() {
                return Err(Trouble::Failed(nobody_at(&socket, &error)));
            }
            environment::state_directory().map_err(Trouble::Failed)?;
            environment::config_file().map_err(Trouble::Failed)?;
            if let Some(connection) = elsewhere(limit) {
                return Ok(connection);
            }
            // Another client may start one elsewhere at this moment.
            start(&socket, limit).or_else(|trouble| elsewhere(limit).ok_or(trouble))
        }
        opened => opened.map_err(Trouble::Broken),
    }
}

/// Connects to a daemon that uses the state directory and listens at another socket, because it was started in
/// another environment: before a log-in by cron, say.
fn elsewhere(limit: Duration) -> Option<Connection> {
    Connection::open_at(&holder()?.socket, limit).ok()
}

/// Answers the daemon that uses the state directory, if one does and says where it listens.
pub(crate) fn holder() -> Option<Holder> {
    let lock = environment::state_directory().ok()?.join(holder::LOCK);
    let mut text = String::new();
    platform::held(&lock)?.take(holder::MAX_HOLDER).read_to_string(&mut text).ok()?;
    Holder::parse(&text)
}

/// Tells of a socket of somewhere else, in a container or behind a connection: there is no daemon here to start.
fn nobody_at(socket: &Path, error: &io::Error) -> Failure {
    let message = format!(
        "socket {} does not answer: {error}; there is no keyfobd beside this client to start",
        socket.display()
    );
    let hint = "check that the socket is mounted or forwarded here, and on the host: keyfob status";
    Failure::new(FailureKind::Unreachable, message).hint(hint)
}

/// Starts the daemon, unless another client does it meanwhile, and connects.
fn start(socket: &Path, limit: Duration) -> Result<Connection, Trouble> {
    let mut waited = Duration::ZERO;
    let _one_at_a_time = loop {
        let lock = platform::start_lock(socket).map_err(|error| cannot(&error))?;
        match Connection::open(limit) {
            Ok(connection) => return Ok(connection),
            Err(error) if is_late(&error) => return Err(Trouble::Broken(error)),
            Err(_) => {}
        }
        // Whoever has the lock may have been stopped; two daemons never serve one socket anyway.
        if lock.is_some() || waited >= START_TIME {
            break lock;
        }
        thread::sleep(STEP);
        waited += STEP;
    };
    let stdout = spawn(&daemon().map_err(Trouble::Failed)?).map_err(|error| cannot(&error))?;
    match first_line(stdout).map_err(|error| cannot(&error))?.trim() {
        "ready" => Connection::open(limit).map_err(Trouble::Broken),
        "" => Err(Trouble::Broken(io::ErrorKind::UnexpectedEof.into())),
        told => Err(serde_json::from_str(told)
            .map_or_else(|_| cannot(&io::ErrorKind::InvalidData.into()), Trouble::Failed)),
    }
}

/// Runs the daemon; one that is being written, in an upgrade, is waited for.
fn spawn(daemon: &Path) -> io::Result<ChildStdout> {
    let mut waited = Duration::ZERO;
    loop {
        match platform::spawn(daemon) {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && waited < START_TIME => {
                thread::sleep(STEP);
                waited += STEP;
            }
            result => return result,
        }
    }
}

/// Reads what a daemon says when it is ready, or why it is not.
fn first_line(stdout: ChildStdout) -> io::Result<String> {
    let (sender, receiver) = mpsc::channel();
    let reader = thread::Builder::new().spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(stdout.take(MAX_LINE)).read_line(&mut line);
        let _ = sender.send(read.map(|_| line));
    })?;
    let line = receiver.recv_timeout(START_TIME).map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
    // Nothing of it is left when this process splits.
    let _ = reader.join();
    line
}

fn cannot(error: &io::Error) -> Trouble {
    let (cause, hint) = if is_late(error) {
        (format!("it was not ready within {} s", START_TIME.as_secs()), "keyfob daemon restart")
    } else {
        (error.to_string(), "keyfob daemon run")
    };
    let message = format!("start the daemon: {cause}");
    Trouble::Failed(Failure::new(FailureKind::Unreachable, message).hint(hint))
}

/// Tells of a daemon that can't be reached or does not answer.
pub(crate) fn unreachable(error: &io::Error) -> Failure {
    let (what, hint) = match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => (
            "the daemon has ended, or closed the connection, without an answer".to_owned(),
            "keyfob daemon run, as the user that the daemon belongs to",
        ),
        io::ErrorKind::PermissionDenied => (
            format!("reach the daemon: {error}"),
            "set KEYFOB_SOCKET to a path in a directory of your own; in a container see \"Containers\" in the README",
        ),
        _ if is_late(error) => ("the daemon does not answer".into(), "keyfob daemon restart"),
        _ => (format!("reach the daemon: {error}"), "keyfob daemon restart"),
    };
    Failure::new(FailureKind::Unreachable, what).hint(hint)
}
