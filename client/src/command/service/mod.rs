//! `keyfob daemon install` and `uninstall`: the files by which the system starts the daemon for this user.
//!
//! Only files are written and removed, each shown. The service manager is never called: what is left to do is printed
//! as commands, since taking over from a daemon that runs is for the person to decide.

mod files;
#[cfg(any(target_os = "macos", test))]
mod launchd;
#[cfg(any(target_os = "linux", test))]
mod systemd;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
use macos as system;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

use super::print;
use crate::start;
use files::{Entry, Outcome};
use keyfob_shared::{Failure, FailureKind};
use std::fmt::Write as _;
use std::path::Path;

/// Writes what is not there yet and shows all of it; again, it changes nothing.
pub(super) fn install() -> Result<(), Failure> {
    let daemon = start::daemon()?;
    let entries = system::entries(&daemon)?;
    // Nothing is written if something of somebody else is in the way of any of it.
    for entry in &entries {
        entry.refuse_foreign()?;
    }
    let mut told = String::new();
    for entry in &entries {
        let outcome = entry.write().map_err(|cause| failure("write", &entry.path, &cause))?;
        describe(&mut told, outcome, entry);
    }
    print(&format!("{told}{}", system::after_install(&daemon)))
}

/// Removes what `install` wrote; a file that was edited since stays, and is told.
pub(super) fn uninstall() -> Result<(), Failure> {
    let mut told = String::new();
    for path in system::paths()? {
        let line = match files::remove(&path).map_err(|cause| failure("remove", &path, &cause))? {
            Outcome::Removed => format!("removed: {}\n", path.display()),
            Outcome::Foreign => {
                format!("left, since it was written or edited by others: {}\n", path.display())
            }
            Outcome::Written | Outcome::Same | Outcome::Absent => continue,
        };
        told.push_str(&line);
    }
    if told.is_empty() && !system::paths()?.is_empty() {
        return print("nothing is installed\n");
    }
    print(&format!("{told}{}", system::AFTER_UNINSTALL))
}

fn describe(told: &mut String, outcome: Outcome, entry: &Entry) {
    let how = match outcome {
        Outcome::Written => "written",
        Outcome::Same => "there already",
        Outcome::Removed | Outcome::Foreign | Outcome::Absent => "left",
    };
    // A String takes everything.
    let _ = writeln!(told, "{how}: {}", entry.path.display());
    for line in entry.shown().lines() {
        let _ = writeln!(told, "  {line}");
    }
}

fn failure(what: &str, path: &Path, cause: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Usage, format!("{what} {}: {cause}", path.display()))
        .hint(format!("look at who owns {}", path.parent().unwrap_or(path).display()))
}
