//! Linux and macOS.

use keyfob_engine::clock::Now;
use keyfob_shared::{Failure, FailureKind};
use rustix::process::{Resource, Rlimit};
use rustix::time::{ClockId, clock_gettime};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{Signal, SignalKind, signal};

#[cfg(target_os = "linux")]
const COUNTS_SUSPEND: ClockId = ClockId::Boottime;
// Darwin's CLOCK_MONOTONIC goes on while the machine sleeps.
#[cfg(not(target_os = "linux"))]
const COUNTS_SUSPEND: ClockId = ClockId::Monotonic;

pub(crate) fn now() -> Now {
    let wall = wall();
    let monotonic = clock_gettime(COUNTS_SUSPEND);
    crate::clock::moment(wall, (monotonic.tv_sec, monotonic.tv_nsec))
}

/// Reads the wall clock through the C library, as signatures and TLS do: where that shows this process another time
/// than the kernel has, all must see the same.
#[expect(clippy::disallowed_methods, reason = "the one place where the daemon reads the wall clock")]
fn wall() -> (i64, i64) {
    let seconds = |since: Duration| i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => (seconds(since), since.subsec_nanos().into()),
        // Before 1970.
        Err(until) => (-seconds(until.duration()), -i64::from(until.duration().subsec_nanos())),
    }
}

/// Answers the name of this computer.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Answers a text that changes with each boot; empty where it is not known.
pub(crate) fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

/// Keeps secrets out of other processes, core dumps and files that others may read.
pub(crate) fn harden() {
    leave_credentials_behind();
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(Resource::Core, none);
    let files = rustix::process::getrlimit(Resource::Nofile);
    let _ = rustix::process::setrlimit(
        Resource::Nofile,
        Rlimit { current: files.maximum, maximum: files.maximum },
    );
    // Security: no ptrace, no /proc/PID/mem for processes of the same user.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!(%error, "this process can be traced by others of the same user");
    }
    let _ = std::env::set_current_dir("/");
}

/// Answers how many descriptors this process may have open.
pub(crate) fn descriptors() -> usize {
    let limit = rustix::process::getrlimit(Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// Starts itself again without AWS variables: unset variables would still be seen in `/proc/PID/environ`.
fn leave_credentials_behind() {
    let is_aws = |name: &std::ffi::OsString| name.as_encoded_bytes().starts_with(b"AWS_");
    let names: Vec<_> = std::env::vars_os().map(|(name, _)| name).filter(is_aws).collect();
    let Ok(program) = std::env::current_exe() else { return };
    if names.is_empty() {
        return;
    }
    let mut again = std::process::Command::new(program);
    again.args(std::env::args_os().skip(1));
    for name in &names {
        again.env_remove(name);
    }
    let error = again.exec();
    tracing::warn!(%error, "start again without AWS variables");
}

/// Leaves the terminal and its job control.
pub(crate) fn detach() {
    let _ = rustix::process::setsid();
}

/// Lets go of the standard streams of whoever started this process.
pub(crate) fn close_standard_streams() -> io::Result<()> {
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

/// Answers the login name of the user, or the number where there is none.
pub(crate) fn user_name() -> String {
    let from = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = rustix::process::getuid().as_raw();
    from("USER").or_else(|| from("LOGNAME")).or_else(|| login_name(user)).unwrap_or_else(|| user.to_string())
}

/// Answers the name of a user in the user database: cron and containers set no variable, and sessions are named by it.
fn login_name(user: u32) -> Option<String> {
    const LONGEST: usize = 16 * 1024;
    let mut buffer = vec![0; LONGEST];
    let mut entry = std::mem::MaybeUninit::<libc::passwd>::uninit();
    let mut found = std::ptr::null_mut();
    // SAFETY: the entry and the buffer outlive the call, which writes no more than the length that it is told.
    let failed =
        unsafe { libc::getpwuid_r(user, entry.as_mut_ptr(), buffer.as_mut_ptr(), LONGEST, &raw mut found) };
    if failed != 0 || found.is_null() {
        return None;
    }
    // SAFETY: the call has found an entry, whose name is a string in the buffer.
    let name = unsafe { std::ffi::CStr::from_ptr((*found).pw_name) };
    name.to_str().ok().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// Creates a directory that only the user may enter, and refuses one that others may write.
pub(crate) fn private_directory(path: &Path) -> Result<(), Failure> {
    let wrong = |what: &str, cause: &dyn std::fmt::Display| {
        Failure::new(FailureKind::Usage, format!("{what} {}: {cause}", path.display()))
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|cause| wrong("create directory", &cause))?;
    let found = std::fs::metadata(path).map_err(|cause| wrong("look at directory", &cause))?;
    if found.uid() != rustix::process::geteuid().as_raw() || found.mode() & 0o022 != 0 {
        let hint = format!("chmod 700 {}", path.display());
        return Err(wrong("use directory", &"it belongs to, or may be written by, someone else").hint(hint));
    }
    Ok(())
}

/// Opens a file for reading; one that is a pipe is not waited for.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    let no_wait = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(no_wait).open(path)
}

/// Answers why a configuration file is not trusted: it can name commands that this process runs.
pub(crate) fn distrust(file: &File) -> io::Result<Option<String>> {
    let found = file.metadata()?;
    let owner = found.uid();
    if owner != rustix::process::geteuid().as_raw() && owner != 0 {
        return Ok(Some("it belongs to another user".into()));
    }
    Ok((found.mode() & 0o022 != 0).then(|| "others may write to it".into()))
}

/// Opens a file for appending that only the user may read; a pipe in its place is refused, and not waited for.
pub(crate) fn append_private(path: &Path) -> io::Result<File> {
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().create(true).append(true).mode(0o600).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a file")) }
}

/// Takes a lock for as long as the file is open; `None` if another process has it.
pub(crate) fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = append_private(path)?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The signals that the daemon listens to.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Stop,
    Reload,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hang_up.recv() => Asked::Reload,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_as_in_the_user_database() {
        assert_eq!(login_name(0).as_deref(), Some("root"));
        assert_eq!(login_name(u32::MAX - 7), None);
    }
}
