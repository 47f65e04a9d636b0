//! From a path to a listening socket that nobody else can reach or replace.
//!
//! 1. The directory is the user's own and nobody else may write to it. 2. A lock beside the socket is held for life.
//! 3. Only a socket of the user, which nobody holds the lock for, is removed. 4. bind, then mode, then listen.

use super::{listens, stream_socket};
use crate::{BindError, Kind, Settings};
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock};
use rustix::net::{SocketAddrUnix, SocketType};
use std::fs::{DirBuilder, File};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

const BACKLOG: i32 = 4_096;
/// `sun_path` holds 108 bytes on Linux and 104 on macOS, with a zero at the end.
const MAX_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);
/// Who connects is checked all the same.
const OPEN: Mode = PRIVATE.union(Mode::RGRP).union(Mode::WGRP).union(Mode::ROTH).union(Mode::WOTH);

/// A listening socket and what keeps it ours.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) socket: OwnedFd,
    pub(super) file: SocketFile,
    pub(super) origin: Origin,
    _lock: File,
}

/// A socket file as it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketFile {
    path: PathBuf,
    // Device and inode.
    file: (u64, u64),
}

impl SocketFile {
    /// Answers where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Answers whether it is still there and the same one: clients reach it by its name.
    pub fn is_there(&self) -> bool {
        std::fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.file)
    }
}

/// Who has made the socket file, and removes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Ours,
    Inherited,
}

pub(super) fn bind(settings: &Settings) -> Result<Bound, BindError> {
    let (inherited, mode) = match &settings.kind {
        Kind::Main => (inherited()?, PRIVATE),
        Kind::Restricted { users } if users.is_empty() => (None, PRIVATE),
        Kind::Restricted { .. } => (None, OPEN),
    };
    let path = match &inherited {
        Some((_, path)) => path.clone(),
        None => settings.socket.clone(),
    };
    if path.as_os_str().as_bytes().len() > MAX_PATH {
        let message =
            format!("{} is longer than the {MAX_PATH} bytes that a socket path may have", path.display());
        return Err(BindError::Unsafe(message));
    }
    let directory = path.parent().unwrap_or(Path::new("/"));
    own_directory(directory)?;
    let lock = lock(&path)?;
    let (socket, origin) = match inherited {
        Some((socket, _)) => (socket, Origin::Inherited),
        None => (fresh(&path, mode)?, Origin::Ours),
    };
    rustix::fs::chmodat(CWD, &path, mode, rustix::fs::AtFlags::empty())
        .map_err(|cause| failed("set mode of", &path, cause.into()))?;
    let found = std::fs::symlink_metadata(&path).map_err(|cause| failed("look at", &path, cause))?;
    let file = SocketFile { path, file: (found.dev(), found.ino()) };
    Ok(Bound { socket, file, origin, _lock: lock })
}

fn own_directory(directory: &Path) -> Result<(), BindError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|cause| failed("create directory", directory, cause))?;
    let found =
        std::fs::metadata(directory).map_err(|cause| failed("look at directory", directory, cause))?;
    // Security: who may write to the directory can put another socket in place of ours.
    if found.uid() != rustix::process::geteuid().as_raw() || found.mode() & 0o022 != 0 {
        let message =
            format!("directory {} belongs to, or may be written by, someone else", directory.display());
        return Err(BindError::Unsafe(message));
    }
    Ok(())
}

fn lock(path: &Path) -> Result<File, BindError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(CWD, &path, flags, Mode::RUSR | Mode::WUSR)
        .map_err(|cause| failed("open", &path, cause.into()))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file.into()),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(BindError::AlreadyRunning),
        Err(cause) => Err(failed("lock", &path, cause.into())),
    }
}

/// Makes the socket. The lock is held, so a socket that is there belongs to nobody alive.
fn fresh(path: &Path, mode: Mode) -> Result<OwnedFd, BindError> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() && found.uid() == rustix::process::geteuid().as_raw() => {
            std::fs::remove_file(path).map_err(|cause| failed("remove dead socket", path, cause))?;
        }
        Ok(_) => return Err(BindError::Unsafe(format!("{} is not a socket of this user", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("look at", path, error)),
    }
    let io = |what: &'static str| move |cause: rustix::io::Errno| failed(what, path, cause.into());
    let address = SocketAddrUnix::new(path).map_err(io("name socket"))?;
    let socket = stream_socket().map_err(io("make socket"))?;
    rustix::net::bind(&socket, &address).map_err(io("bind"))?;
    rustix::fs::chmodat(CWD, path, mode, rustix::fs::AtFlags::empty()).map_err(io("set mode of"))?;
    rustix::net::listen(&socket, BACKLOG).map_err(io("listen on"))?;
    Ok(socket)
}

/// Takes over the socket that systemd listens on, as sd_listen_fds(3) describes it.
fn inherited() -> Result<Option<(OwnedFd, PathBuf)>, BindError> {
    const FIRST: i32 = 3;
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    if number("LISTEN_PID") != Some(std::process::id()) || number("LISTEN_FDS").is_none_or(|count| count < 1)
    {
        return Ok(None);
    }
    // SAFETY: the protocol gives this descriptor to this process, and `bind` is called once, before anything else
    // opens descriptors of its own at this number.
    let socket = unsafe { OwnedFd::from_raw_fd(FIRST) };
    let unsafe_socket = || {
        BindError::Unsafe("the socket from systemd is not a listening Unix stream socket with a path".into())
    };
    let ours = rustix::net::sockopt::socket_type(&socket).is_ok_and(|kind| kind == SocketType::STREAM)
        && listens(&socket);
    let address = rustix::net::getsockname(&socket).ok().and_then(|any| SocketAddrUnix::try_from(any).ok());
    let path = address
        .as_ref()
        .and_then(SocketAddrUnix::path_bytes)
        .map(|bytes| PathBuf::from(std::ffi::OsStr::from_bytes(bytes)));
    let (true, Some(path)) = (ours, path) else { return Err(unsafe_socket()) };
    rustix::io::fcntl_setfd(socket.as_fd(), rustix::io::FdFlags::CLOEXEC)
        .map_err(|cause| failed("keep", &path, cause.into()))?;
    rustix::io::ioctl_fionbio(socket.as_fd(), true)
        .map_err(|cause| failed("unblock", &path, cause.into()))?;
    Ok(Some((socket, path)))
}

fn failed(what: &str, path: &Path, cause: std::io::Error) -> BindError {
    BindError::Io(format!("{what} {}", path.display()), cause)
}
