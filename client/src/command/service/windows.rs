//! Windows: no file starts a program at log-on, so commands are printed. Type-checked; not run yet.

use super::files::Entry;
use keyfob_shared::Failure;
use std::io;
use std::path::{Path, PathBuf};

/// There is nothing to write.
pub(super) fn entries(_daemon: &Path) -> Result<Vec<Entry>, Failure> {
    Ok(Vec::new())
}

/// Nothing was written.
pub(super) fn paths() -> Result<Vec<PathBuf>, Failure> {
    Ok(Vec::new())
}

/// There are no links here.
pub(super) fn link(_target: &Path, _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Answers what to do.
pub(super) fn after_install(daemon: &Path) -> String {
    format!(
        "nothing was written. This has Windows start the daemon when you log on:\n  \
         schtasks /Create /F /TN keyfobd /SC ONLOGON /RL LIMITED /TR \"\\\"{}\\\"\"\n",
        daemon.display()
    )
}

/// What to do.
pub(super) const AFTER_UNINSTALL: &str =
    "nothing was written. This has Windows start it no more:\n  schtasks /Delete /F /TN keyfobd\n";
