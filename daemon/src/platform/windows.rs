//! Windows. Run under Wine; not on Windows yet.

use keyfob_engine::clock::Now;
use keyfob_shared::windows::{owner_sid, user_sid};
use keyfob_shared::{Failure, FailureKind};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsHandle;
use std::path::Path;
use std::sync::OnceLock;

#[expect(clippy::disallowed_methods, reason = "the one place where clocks are read")]
pub(crate) fn now() -> Now {
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    // QueryPerformanceCounter goes on while the machine sleeps.
    let monotonic = START.get_or_init(std::time::Instant::now).elapsed();
    let parts = |time: std::time::Duration| (time.as_secs().cast_signed(), i64::from(time.subsec_nanos()));
    crate::clock::moment(parts(wall), parts(monotonic))
}

/// Each process has its own start of the monotonic clock, so sessions are never measured by another one's.
pub(crate) fn boot() -> String {
    format!("{}-{}", std::process::id(), now().wall.millis())
}

/// Other processes of the same user can read this one's memory on Windows; the README says so.
pub(crate) fn harden() {
    // The current directory of a process can't be removed; that of our program is in use anyway.
    if let Ok(program) = std::env::current_exe()
        && let Some(directory) = program.parent()
    {
        let _ = std::env::set_current_dir(directory);
    }
}

pub(crate) fn detach() {}

pub(crate) fn close_standard_streams() -> io::Result<()> {
    Ok(())
}

pub(crate) fn user_name() -> String {
    std::env::var("USERNAME").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "user".into())
}

/// Answers the name of this computer; empty where it is not known.
pub(crate) fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// Creates a directory; the profile of the user is private by its access list.
pub(crate) fn private_directory(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|cause| {
        Failure::new(FailureKind::Usage, format!("create directory {}: {cause}", path.display()))
    })
}

/// Opens a file for reading.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Handles have no limit that matters here.
pub(crate) fn descriptors() -> usize {
    usize::MAX
}

/// Answers why a configuration file is not trusted: it can name commands that this process runs.
///
/// What an administrator makes belongs to all of them; they and the system could change this program as well.
pub(crate) fn distrust(file: &File) -> io::Result<Option<String>> {
    const SYSTEM: &str = "S-1-5-18";
    const ADMINISTRATORS: &str = "S-1-5-32-544";
    let owner = owner_sid(file.as_handle())?;
    let trusted = owner == user_sid()? || owner == SYSTEM || owner == ADMINISTRATORS;
    Ok((!trusted).then(|| "it belongs to another user".into()))
}

pub(crate) fn append_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Takes a lock for as long as the file is open: nobody else may write to it.
pub(crate) fn lock(path: &Path) -> io::Result<Option<File>> {
    const SHARING_VIOLATION: i32 = 32;
    /// `FILE_SHARE_READ` of winnt.h.
    const SHARE_READ: u32 = 1;
    match OpenOptions::new().create(true).append(true).share_mode(SHARE_READ).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The signals that the daemon listens to.
pub(crate) struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Stop,
    #[expect(dead_code, reason = "Windows has no hang-up")]
    Reload,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: tokio::signal::windows::ctrl_c()?,
            shutdown: tokio::signal::windows::ctrl_shutdown()?,
        })
    }

    pub(crate) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.shutdown.recv() => Asked::Stop,
        }
    }
}
