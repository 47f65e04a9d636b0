//! Windows. Type-checked; not run yet.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The daemon beside the client.
pub(crate) const DAEMON: &str = "keyfobd.exe";

/// A connection to the daemon: a named pipe opens like a file.
pub(crate) struct Stream(File);

impl Stream {
    /// Connects; the name of the pipe lies in a directory that only its owner's processes can take.
    pub(crate) fn connect(path: &Path, _timeout: Duration) -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).open(path).map(Self)
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Starts the daemon without a console; its first line on stdout tells how it went.
pub(crate) fn spawn(program: &Path) -> io::Result<Child> {
    const DETACHED_PROCESS: u32 = 0x8;
    let mut command = Command::new(program);
    command.arg("--detached").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.creation_flags(DETACHED_PROCESS);
    without_aws(&mut command);
    command.spawn()
}

/// Runs the daemon in the foreground and ends with its exit code.
pub(crate) fn replace(program: &Path, arguments: &[&str]) -> io::Error {
    let mut command = Command::new(program);
    command.args(arguments);
    without_aws(&mut command);
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

/// The daemon has no use for credentials of the environment.
fn without_aws(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"AWS_")) {
        command.env_remove(name);
    }
}

/// The first daemon takes the name of the pipe; others end. No lock is needed.
pub(crate) fn start_lock(_socket: &Path) -> io::Result<()> {
    Ok(())
}

/// Pipes have no directory for notes.
pub(crate) fn private_file(_path: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Opens the console for writing, where there is one.
pub(crate) fn terminal() -> Option<File> {
    OpenOptions::new().write(true).open("CONOUT$").ok()
}

/// Answers the wall clock in milliseconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Answers whether a daemon has the pipe.
pub(crate) fn is_served(socket: &Path) -> bool {
    OpenOptions::new().read(true).write(true).open(socket).is_ok()
}
