//! `keyfob daemon`.

use super::{print, service, talk, unexpected};
use crate::connection::{Connection, SHORT_TIME, is_late};
use crate::line::{Daemon, LogFormat};
use crate::platform::{self, Process};
use crate::start::{self, is_absent};
use keyfob_shared::wire::{Reply, Request};
use keyfob_shared::{Failure, FailureKind, environment, holder};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A daemon that is starting or ending has this long, in steps, before it is told by force.
const STEPS: u32 = 60;
const STEP: Duration = Duration::from_millis(50);

pub(super) fn run(arguments: &Daemon) -> Result<(), Failure> {
    match arguments {
        Daemon::Start => begin(),
        Daemon::Stop => end(),
        Daemon::Restart => end().and_then(|()| begin()),
        Daemon::Reload => talk(&Request::Reload),
        Daemon::Install => service::install(),
        Daemon::Uninstall => service::uninstall(),
        Daemon::Run { log_format } => {
            let format = match log_format {
                LogFormat::Human => "human",
                LogFormat::Json => "json",
            };
            let error = platform::replace(&start::daemon()?, &["--log-format", format]);
            Err(Failure::new(FailureKind::Unreachable, format!("run the daemon: {error}"))
                .hint("install keyfob and keyfobd again, side by side"))
        }
    }
}

fn begin() -> Result<(), Failure> {
    match start::ask(&Request::Status)?.1 {
        Reply::Status(page) => print(&format!("keyfobd runs as process {}\n", page.daemon.pid)),
        Reply::Failed(failure) => Err(failure),
        _ => Err(unexpected()),
    }
}

fn end() -> Result<(), Failure> {
    let mut connection = match find(&environment::socket()?)? {
        Found::Daemon(connection) => connection,
        Found::Ended => return Ok(()),
        Found::Nobody => match elsewhere()? {
            Found::Daemon(connection) => connection,
            Found::Ended => return Ok(()),
            Found::Nobody => return print("no daemon runs\n"),
        },
    };
    let process = Process::behind(connection.stream());
    match connection.ask(&Request::Stop).and_then(|()| connection.next()) {
        Ok(Reply::Done { .. }) => match connection.wait_for_end() {
            Ok(()) => print("keyfobd has stopped\n"),
            Err(_) => force(process, "it does not end"),
        },
        // Another version of the protocol, which has no word for this either.
        Ok(Reply::Failed(failure)) if failure.kind == FailureKind::Unreachable => {
            force(process, &failure.message)
        }
        Ok(Reply::Failed(failure)) => Err(failure),
        Ok(_) => force(process, "its reply is not understood"),
        Err(error) => force(process, &start::unreachable(&error).message),
    }
}

/// What is at the socket.
enum Found {
    Daemon(Connection),
    Nobody,
    /// One that took no connections, and was ended.
    Ended,
}

fn find(socket: &Path) -> Result<Found, Failure> {
    let mut lock = socket.as_os_str().to_owned();
    lock.push(".lock");
    let lock = PathBuf::from(lock);
    for step in 0..=STEPS {
        let error = match Connection::open_at(socket, SHORT_TIME) {
            Ok(connection) => return Ok(Found::Daemon(connection)),
            Err(error) if is_absent(&error) || is_late(&error) => error,
            Err(error) => return Err(start::unreachable(&error)),
        };
        match Process::holding(&lock) {
            None if is_absent(&error) => break,
            // It is about to listen, or to be gone.
            Some(_) if is_absent(&error) && step < STEPS => std::thread::sleep(STEP),
            process => return force(process, "it takes no connections").map(|()| Found::Ended),
        }
    }
    Ok(Found::Nobody)
}

/// Looks for a daemon that uses the state directory and listens at another socket, or at none any more.
fn elsewhere() -> Result<Found, Failure> {
    if let Some(holder) = start::holder() {
        match find(&holder.socket)? {
            Found::Nobody => {}
            found => return Ok(found),
        }
    }
    match Process::holding(&environment::state_directory()?.join(holder::LOCK)) {
        None => Ok(Found::Nobody),
        process => force(process, "it takes no connections").map(|()| Found::Ended),
    }
}

/// Ends a daemon that does not end by itself, and says so.
fn force(process: Option<Process>, why: &str) -> Result<(), Failure> {
    let failed =
        |message: &str| Failure::new(FailureKind::Unreachable, format!("stop the daemon: {why}; {message}"));
    let Some(process) = process else {
        return Err(failed("its process is not known").hint("pkill keyfobd"));
    };
    let number = process.number();
    match process.end() {
        Ok(how) => print(&format!("{why}: keyfobd, process {number}, {how}\n")),
        Err(error) => {
            Err(failed(&format!("end process {number}: {error}")).hint(format!("kill -KILL {number}")))
        }
    }
}
