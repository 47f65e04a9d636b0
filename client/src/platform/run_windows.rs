//! Running a program with a grant, on Windows: as a child of this process, which keeps the grant and ends with it.

use super::{Stream, Watched};
use crate::grant::Held;
use std::io;
use std::path::PathBuf;
use std::process::Command;

/// The address of an endpoint: the daemon listens, since sockets can't be sent through a pipe.
pub(crate) struct Endpoint(u16);

impl Endpoint {
    /// The daemon chooses the port.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(0))
    }

    /// Nobody asks for a socket here.
    pub(crate) fn send(&mut self, _stream: &Stream) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Keeps the port: the next daemon is asked for the same.
    pub(crate) fn granted(&mut self, port: u16) {
        self.0 = port;
    }

    /// Answers the port.
    pub(crate) fn port(&self) -> u16 {
        self.0
    }
}

/// Runs the program and ends with its exit code; answers why it could not start.
pub(crate) fn run(mut command: Command, held: Held, files: &[PathBuf]) -> io::Error {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return error,
    };
    let (runs, program) = Watched::child();
    let keeper = std::thread::Builder::new().spawn(move || held.keep(&program));
    if let Err(error) = keeper {
        return error;
    }
    let status = child.wait();
    drop(runs);
    files.iter().for_each(|file| drop(std::fs::remove_file(file)));
    match status {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

/// Runs a program without a grant and ends with its exit code.
pub(crate) fn replace_with(mut command: Command) -> io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}
