//! macOS: an agent of launchd. Type-checked; not run yet.

use super::files::Entry;
use super::launchd;
use keyfob_shared::{Failure, FailureKind};
use std::env;
use std::io;
use std::path::{Path, PathBuf};

/// Answers what to write.
pub(super) fn entries(daemon: &Path) -> Result<Vec<Entry>, Failure> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    Ok(vec![launchd::entry(&home()?, daemon, variable)])
}

/// Answers what may have been written.
pub(super) fn paths() -> Result<Vec<PathBuf>, Failure> {
    Ok(vec![launchd::path(&home()?)])
}

fn home() -> Result<PathBuf, Failure> {
    let home = env::var_os("HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    home.ok_or_else(|| Failure::new(FailureKind::Usage, "there is no home directory").hint("set HOME"))
}

/// There are no links here.
pub(super) fn link(_target: &Path, _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Answers what is left to do.
pub(super) fn after_install(_daemon: &Path) -> String {
    "it is started at the next log-in. At once, in the place of a daemon that runs:\n  keyfob daemon stop\n  \
     launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/keyfobd.plist\n"
        .to_owned()
}

/// What is left to do.
pub(super) const AFTER_UNINSTALL: &str =
    "what launchd has started goes on until:\n  launchctl bootout gui/$(id -u)/keyfobd\n";
