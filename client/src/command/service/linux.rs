//! Linux: units of systemd, for this user.

use super::files::Entry;
use super::systemd;
use keyfob_shared::{Failure, FailureKind};
use std::env;
use std::io;
use std::path::{Path, PathBuf};

/// Answers what to write.
pub(super) fn entries(daemon: &Path) -> Result<Vec<Entry>, Failure> {
    systemd::entries(&directory()?, daemon, |name| env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Answers what may have been written.
pub(super) fn paths() -> Result<Vec<PathBuf>, Failure> {
    Ok(systemd::paths(&directory()?))
}

/// Answers where systemd looks for units of this user.
fn directory() -> Result<PathBuf, Failure> {
    let set = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")));
    let config = config.ok_or_else(|| {
        Failure::new(FailureKind::Usage, "there is no home directory").hint("set HOME, or XDG_CONFIG_HOME")
    })?;
    Ok(config.join("systemd").join("user"))
}

/// Makes a symbolic link.
pub(super) fn link(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

/// Answers what is left to do.
pub(super) fn after_install(_daemon: &Path) -> String {
    "it serves from the next log-in on. At once, in the place of a daemon that runs:\n  systemctl --user daemon-reload\n  \
     keyfob daemon stop\n  systemctl --user start keyfobd.socket\n"
        .to_owned()
}

/// What is left to do.
pub(super) const AFTER_UNINSTALL: &str = "what systemd has started goes on until:\n  systemctl --user stop keyfobd.socket keyfobd.service\n  \
     systemctl --user daemon-reload\n";
