//! Linux and macOS.

use super::{SEND_FLAGS, inherited, is_ours, stream_socket};
use keyfob_shared::environment::told_daemon_user;
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{RecvFlags, SocketAddrUnix, connect, recv, send};
use rustix::stdio::{stderr, stdin, stdout};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

/// Names the user's shell; and the shell of whoever has none.
pub(crate) const SHELL: (&str, &str) = ("SHELL", "/bin/sh");
/// A file with nothing in it.
pub(crate) const NULL: &str = "/dev/null";
/// The daemon beside the client.
pub(crate) const DAEMON: &str = "keyfobd";

/// The variable that tells the home directory to AWS tools.
pub(crate) const HOME: &str = "HOME";

/// The time in which a daemon takes a connection; on Linux this bounds connect as well.
const SEND_TIME: Duration = Duration::from_secs(10);

/// A connection to the daemon. Writing to a daemon that has ended is an error, never a signal.
pub(crate) struct Stream(OwnedFd);

impl Stream {
    /// Connects, and makes sure that the daemon belongs to this user; a reply is awaited for `limit`.
    pub(crate) fn connect(path: &Path, limit: Duration) -> io::Result<Self> {
        let address = SocketAddrUnix::new(path)?;
        let socket = stream_socket()?;
        bound(&socket, limit)?;
        connect(&socket, &address)?;
        if !is_ours(&socket, || told_daemon_user(|name| std::env::var_os(name))) {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the socket belongs to another user",
            ));
        }
        Ok(Self(socket))
    }

    /// Answers the descriptor.
    pub(super) fn socket(&self) -> &OwnedFd {
        &self.0
    }
}

/// Bounds the waits of a socket: for the daemon to take the connection and the request, and for its reply.
pub(crate) fn bound(socket: &OwnedFd, limit: Duration) -> rustix::io::Result<()> {
    set_socket_timeout(socket, Timeout::Send, Some(SEND_TIME))?;
    set_socket_timeout(socket, Timeout::Recv, Some(limit))
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(&self.0, buffer, RecvFlags::empty())?.0)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(&self.0, bytes, SEND_FLAGS)?)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts the daemon in the background; its first line on what is answered tells how it went.
///
/// It is nobody's child, since this process may become a program that has started none, and keeps nothing of whoever
/// started this one.
pub(crate) fn spawn(program: &Path) -> io::Result<ChildStdout> {
    let mut command = Command::new(program);
    command
        .arg("--detached")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .current_dir("/");
    without_aws(&mut command);
    // SAFETY: this process has one thread when it starts a daemon, so that the child may do whatever this one may.
    unsafe { command.pre_exec(go_on_as_an_orphan) };
    let mut child = command.spawn()?;
    let _ = child.wait();
    child.stdout.take().ok_or_else(|| io::ErrorKind::BrokenPipe.into())
}

fn go_on_as_an_orphan() -> io::Result<()> {
    inherited::close();
    // SAFETY: plain calls of a process with one thread.
    unsafe {
        // The daemon waits for children of its own, also where whoever started this process does not.
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        match libc::fork() {
            0 => Ok(()),
            -1 => Err(io::Error::last_os_error()),
            _ => libc::_exit(0),
        }
    }
}

/// Becomes the daemon, in the foreground.
pub(crate) fn replace(program: &Path, arguments: &[&str]) -> io::Error {
    let mut command = Command::new(program);
    command.args(arguments);
    without_aws(&mut command);
    command.exec()
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

/// Makes sure that clients start one daemon and not many; held until dropped. `None` if another client has it.
pub(crate) fn start_lock(socket: &Path) -> io::Result<Option<File>> {
    if let Some(directory) = socket.parent() {
        private_directory(directory)?;
    }
    let mut name = socket.as_os_str().to_owned();
    name.push(".start");
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(CWD, Path::new(&name), flags, Mode::RUSR | Mode::WUSR)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file.into())),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Opens a lock for reading, if a daemon holds it.
pub(crate) fn held(lock: &Path) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(lock, flags, Mode::empty()).ok()?);
    // A daemon that starts at this moment tries again.
    (flock(&file, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK)).then_some(file)
}

/// Makes a directory that only the user may enter, unless it is there.
pub(crate) fn private_directory(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Opens a small private file for reading and writing; it and its directory are made if need be.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        private_directory(directory)?;
    }
    let no_follow = OFlags::NOFOLLOW.bits().cast_signed();
    std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(no_follow)
        .open(path)
}

/// The standard output, without a buffer that would keep what was printed.
pub(crate) struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(stdout(), bytes)?)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens standard streams that whoever started this process has closed, before anything else gets their numbers.
///
/// Security: a socket in the place of stdout or stderr would be sent what is printed. Writing to a stdout that was
/// closed goes on to fail.
pub(crate) fn open_missing_streams() {
    let is_missing = |stream: BorrowedFd<'static>| rustix::io::fcntl_getfd(stream) == Err(Errno::BADF);
    let streams = [(stdin(), OFlags::RDONLY), (stdout(), OFlags::RDONLY), (stderr(), OFlags::WRONLY)];
    for (stream, flags) in streams {
        if is_missing(stream) {
            // The lowest free number is the one that is missing.
            match rustix::fs::open("/dev/null", flags, Mode::empty()) {
                Ok(null) if null.as_raw_fd() == stream.as_raw_fd() => drop(null.into_raw_fd()),
                Ok(_) | Err(_) => std::process::exit(2),
            }
        }
    }
}

/// Answers how many characters a line of the terminal on stdout has, where there is one.
pub(crate) fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|width| *width > 0)
}

/// Opens the terminal of this session for writing, where there is one.
pub(crate) fn terminal() -> Option<File> {
    std::fs::OpenOptions::new().write(true).open("/dev/tty").ok()
}

/// Answers the name of this machine.
pub(crate) fn machine() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Answers the wall clock in milliseconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    now.tv_sec * 1_000 + now.tv_nsec / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_are_open_are_left_alone() {
        let before = rustix::fs::fstat(stderr()).unwrap();
        open_missing_streams();
        let after = rustix::fs::fstat(stderr()).unwrap();
        assert_eq!((before.st_dev, before.st_ino), (after.st_dev, after.st_ino));
    }
}
