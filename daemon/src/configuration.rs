//! The configuration file, read with bounds.
//!
//! What it means is decided in the engine's package; a file that others may write is not trusted.

use crate::platform;
use crate::watch::{Coverage, Watch};
use keyfob_engine::config::{self, Config, MAX_CONFIG, Surroundings};
use keyfob_shared::wire::{Finding, Severity};
use keyfob_shared::{Failure, FailureKind};
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Lists what is wrong with a file, while a daemon runs.
const CHECK: &str = "keyfob profile check";

/// Why a file can't be in force.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) failure: Failure,
    pub(crate) findings: Vec<Finding>,
}

impl Broken {
    /// Makes one failure of all findings, for a start at which there is no daemon that could list them.
    pub(crate) fn at_start(self, path: &Path) -> Failure {
        /// As many as a line has room for.
        const MOST: usize = 10;
        let errors: Vec<&Finding> =
            self.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
        let Some(first) = errors.first() else {
            let hint = self.failure.hint.clone().filter(|hint| hint != CHECK);
            return self.failure.hint(hint.unwrap_or_else(|| format!("mend {}", path.display())));
        };
        let told =
            errors.iter().take(MOST).map(|finding| format!("{}: {}", finding.subject, finding.message));
        let told = told.collect::<Vec<_>>().join("; ");
        let more = match errors.len().saturating_sub(MOST) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let message = format!("read config {}:{told}{more}", path.display());
        let line = first.subject.split(':').next().unwrap_or_default();
        Failure::new(FailureKind::Usage, message).hint(format!("mend line {line} of {}", path.display()))
    }
}

/// What came of reading the file.
pub(crate) struct Reading {
    pub(crate) result: Result<Config, Broken>,
    /// The policy files that it names: a change of one changes what it means.
    pub(crate) policies: Vec<PathBuf>,
}

/// What an absent file means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// There is nothing to serve yet.
    IsEmpty,
    /// An editor or a backup is half way: what is in force stays.
    IsBroken,
}

/// Reads the file. Blocks.
pub(crate) fn read(path: &Path, absent: Absent) -> Reading {
    let policies = RefCell::new(Vec::new());
    let result = match text(path) {
        Ok(text) if absent == Absent::IsBroken && text.is_empty() => {
            Err(unreadable(path, "it is empty", None))
        }
        Ok(text) => parse(path, &text, &policies),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound && absent == Absent::IsEmpty => {
            Ok(Config::default())
        }
        Err(cause) => Err(unreadable(path, &cause.to_string(), hint(path, &cause))),
    };
    Reading { result, policies: policies.into_inner() }
}

/// Makes a reading of a file that could not be read to its end.
pub(crate) fn unread(path: &Path, why: &dyn std::fmt::Display) -> Reading {
    Reading { result: Err(unreadable(path, &why.to_string(), None)), policies: Vec::new() }
}

fn parse(path: &Path, text: &str, policies: &RefCell<Vec<PathBuf>>) -> Result<Config, Broken> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let (user, host) = (platform::user_name(), platform::host_name());
    let around = Surroundings {
        directory: path.parent().unwrap_or(Path::new("/")),
        home: home.as_deref(),
        user: &user,
        host: &host,
        read: &|policy| {
            policies.borrow_mut().push(policy.to_owned());
            self::policy(policy)
        },
    };
    config::parse(text, &around)
        .map_err(|findings| Broken { failure: config::failure(path, &findings), findings })
}

fn unreadable(path: &Path, why: &str, hint: Option<String>) -> Broken {
    let failure = Failure::new(FailureKind::Usage, format!("read config {}: {why}", path.display()));
    let hint = hint.unwrap_or_else(|| CHECK.into());
    Broken { failure: failure.hint(hint), findings: Vec::new() }
}

fn hint(path: &Path, cause: &io::Error) -> Option<String> {
    match (cause.get_ref().and_then(|inner| inner.downcast_ref::<Distrusted>()), cause.kind()) {
        (Some(_), _) => Some(format!("chmod go-w {0}; chown $USER {0}", path.display())),
        (None, io::ErrorKind::PermissionDenied) => Some(format!("chmod u+r {}", path.display())),
        (None, _) => None,
    }
}

/// A file that someone else can write to.
#[derive(Debug)]
struct Distrusted(String);

impl std::fmt::Display for Distrusted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Distrusted {}

/// Reads the text of the file, if it may be trusted. Blocks.
pub(crate) fn text(path: &Path) -> io::Result<String> {
    let file = platform::open_file(path)?;
    // Security: the file can name commands, so only its owner may have written it.
    if let Some(why) = platform::distrust(&file)? {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, Distrusted(why)));
    }
    bounded(path, file)
}

/// Reads a file that the configuration names. Blocks.
pub(crate) fn policy(path: &Path) -> io::Result<String> {
    bounded(path, platform::open_file(path)?)
}

fn bounded(path: &Path, file: File) -> io::Result<String> {
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(format!("{} is not a file", path.display())));
    }
    let mut text = String::new();
    file.take(MAX_CONFIG as u64 + 1).read_to_string(&mut text)?;
    if text.len() > MAX_CONFIG {
        return Err(io::Error::other(format!("it has more than {MAX_CONFIG} bytes")));
    }
    Ok(text)
}

/// Reads the file at the start, once more if it names files that were not watched while they were read. Blocks.
pub(crate) fn read_watched(path: &Path, watch: &mut Watch) -> Reading {
    let reading = read(path, Absent::IsEmpty);
    match watch.renew(&watched(path, &reading.policies)) {
        Coverage::More => read(path, Absent::IsEmpty),
        Coverage::Same => reading,
    }
}

/// Answers the files whose change is a change of the configuration.
pub(crate) fn watched(path: &Path, policies: &[PathBuf]) -> Vec<PathBuf> {
    std::iter::once(path.to_owned()).chain(policies.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_file_is_an_empty_configuration_at_the_start_only() {
        let path = Path::new("/nonexistent/keyfob/config.toml");
        assert!(read(path, Absent::IsEmpty).result.is_ok_and(|config| config.profiles.is_empty()));
        assert!(read(path, Absent::IsBroken).result.is_err());
    }
}
