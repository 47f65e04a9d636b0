//! Windows. Run under Wine; not on Windows yet.

use keyfob_shared::windows::{owner_sid, user_sid};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsHandle;
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;
use windows_sys::Win32::System::Pipes::WaitNamedPipeW;

/// Times that a pipe is tried which has no free instance, and how long one is waited for each time.
const MAX_TRIES: usize = 20;
const BUSY_MILLIS: u32 = 250;
/// `ERROR_PIPE_BUSY` of winerror.h.
const PIPE_BUSY: i32 = 231;
/// `SECURITY_IDENTIFICATION` of winbase.h.
const SECURITY_IDENTIFICATION: u32 = 0x1_0000;

/// Names the user's shell; and the shell of whoever has none.
pub(crate) const SHELL: (&str, &str) = ("COMSPEC", "cmd.exe");
/// Opens addresses in the browser of the person.
pub(crate) const OPEN: &str = "explorer.exe";
/// A file with nothing in it.
pub(crate) const NULL: &str = "NUL";
/// The daemon beside the client.
pub(crate) const DAEMON: &str = "keyfobd.exe";

/// The variable that tells the home directory to AWS tools.
pub(crate) const HOME: &str = "USERPROFILE";

/// A connection to the daemon: a named pipe opens like a file.
pub(crate) struct Stream(File);

impl Stream {
    /// Connects, and makes sure that the daemon belongs to this user. Reads have no deadline here: the daemon ends them.
    pub(crate) fn connect(path: &Path, _timeout: Duration) -> io::Result<Self> {
        let pipe = open(path)?;
        // Security: another user can take the name first, but can't make a pipe that belongs to this one.
        if owner_sid(pipe.as_handle())? != user_sid()? {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the pipe belongs to another user"));
        }
        Ok(Self(pipe))
    }
}

/// Opens the pipe. Between two connections the daemon may have none to offer for a moment.
fn open(path: &Path) -> io::Result<File> {
    let name: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    let mut options = OpenOptions::new();
    // Security: who serves the pipe may learn who we are, and never act as us.
    options.read(true).write(true).security_qos_flags(SECURITY_IDENTIFICATION);
    for _ in 1..MAX_TRIES {
        match options.open(path) {
            Err(error) if error.raw_os_error() == Some(PIPE_BUSY) => {
                // SAFETY: the name ends with a zero and lives through the call.
                unsafe { WaitNamedPipeW(name.as_ptr(), BUSY_MILLIS) };
            }
            result => return result,
        }
    }
    options.open(path)
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

/// Starts the daemon without a console; its first line on what is answered tells how it went.
pub(crate) fn spawn(program: &Path) -> io::Result<ChildStdout> {
    const DETACHED_PROCESS: u32 = 0x8;
    let mut command = Command::new(program);
    command.arg("--detached").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.creation_flags(DETACHED_PROCESS);
    without_aws(&mut command);
    command.spawn()?.stdout.take().ok_or_else(|| io::ErrorKind::BrokenPipe.into())
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

/// Prepares the daemon's program for a question that needs no daemon.
pub(crate) fn helper(program: &Path) -> Command {
    let mut command = Command::new(program);
    without_aws(&mut command);
    command
}

/// The daemon has no use for credentials of the environment.
fn without_aws(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"AWS_")) {
        command.env_remove(name);
    }
}

/// The first daemon takes the name of the pipe; others end. No lock is needed.
pub(crate) fn start_lock(_socket: &Path) -> io::Result<Option<()>> {
    Ok(Some(()))
}

/// Opens a lock for reading, if a daemon holds it: then nobody else can write to it.
pub(crate) fn held(lock: &Path) -> Option<File> {
    match OpenOptions::new().append(true).open(lock) {
        Ok(_) => None,
        Err(_) => File::open(lock).ok(),
    }
}

/// Makes a directory, unless it is there; those of a user are the user's own.
pub(crate) fn private_directory(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Opens a small file for reading and writing.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        private_directory(directory)?;
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// The standard output.
pub(crate) struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut stdout = io::stdout();
        let written = stdout.write(bytes)?;
        stdout.flush().map(|()| written)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The width of a console is not asked for.
pub(crate) fn width() -> Option<usize> {
    None
}

/// Opens the console for writing, where there is one.
pub(crate) fn terminal() -> Option<File> {
    OpenOptions::new().write(true).open("CONOUT$").ok()
}

/// Answers the name of this machine.
pub(crate) fn machine() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// Answers the wall clock in milliseconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
