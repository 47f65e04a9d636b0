//! Linux and macOS.

use super::{SEND_FLAGS, is_ours, stream_socket};
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{RecvFlags, SocketAddrUnix, recv, send};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The daemon beside the client.
pub(crate) const DAEMON: &str = "keyfobd";

/// A connection to the daemon. Writing to a daemon that has ended is an error, never a signal.
pub(crate) struct Stream(OwnedFd);

impl Stream {
    /// Connects, and makes sure that the daemon belongs to this user.
    pub(crate) fn connect(path: &Path, timeout: Duration) -> io::Result<Self> {
        let socket = stream_socket()?;
        rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
        set_socket_timeout(&socket, Timeout::Recv, Some(timeout))?;
        if !is_ours(&socket) {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the socket belongs to another user",
            ));
        }
        Ok(Self(socket))
    }
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

/// Starts the daemon in the background; its first line on stdout tells how it went.
pub(crate) fn spawn(program: &Path) -> io::Result<Child> {
    let mut command = Command::new(program);
    command
        .arg("--detached")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .current_dir("/");
    without_aws(&mut command);
    command.spawn()
}

/// Becomes the daemon, in the foreground.
pub(crate) fn replace(program: &Path, arguments: &[&str]) -> io::Error {
    let mut command = Command::new(program);
    command.args(arguments);
    without_aws(&mut command);
    command.exec()
}

/// The daemon has no use for credentials of the environment.
fn without_aws(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"AWS_")) {
        command.env_remove(name);
    }
}

/// Makes sure that clients start one daemon and not many; held until dropped.
pub(crate) fn start_lock(socket: &Path) -> io::Result<File> {
    if let Some(directory) = socket.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let mut name = socket.as_os_str().to_owned();
    name.push(".start");
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(CWD, Path::new(&name), flags, Mode::RUSR | Mode::WUSR)?;
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file.into())
}

/// Opens a small private file for writing, cut to nothing.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(no_follow)
        .open(path)
}

/// Opens the terminal of this session for writing, where there is one.
pub(crate) fn terminal() -> Option<File> {
    std::fs::OpenOptions::new().write(true).open("/dev/tty").ok()
}

/// Answers the wall clock in milliseconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    now.tv_sec * 1_000 + now.tv_nsec / 1_000_000
}

/// Answers whether a daemon holds the lock beside the socket, which it does as long as it lives.
pub(crate) fn is_served(socket: &Path) -> bool {
    let mut name = socket.as_os_str().to_owned();
    name.push(".lock");
    let Ok(file) = File::open(Path::new(&name)) else { return false };
    flock(&file, FlockOperation::NonBlockingLockExclusive).is_err()
}
