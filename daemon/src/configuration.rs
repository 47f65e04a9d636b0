//! The configuration file: read with bounds, watched for change.
//!
//! What it means is decided in the engine's package; a file that others may write is not trusted.

use crate::platform;
use keyfob_engine::config::{self, Config, MAX_CONFIG, Surroundings};
use keyfob_shared::wire::Finding;
use keyfob_shared::{Failure, FailureKind};
use notify::{EventKind, RecursiveMode, Watcher};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

/// Why a file can't be in force.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) failure: Failure,
    pub(crate) findings: Vec<Finding>,
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

fn parse(path: &Path, text: &str, policies: &RefCell<Vec<PathBuf>>) -> Result<Config, Broken> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let user = platform::user_name();
    let around = Surroundings {
        directory: path.parent().unwrap_or(Path::new("/")),
        home: home.as_deref(),
        user: &user,
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
    let hint = hint.unwrap_or_else(|| "keyfob profile check".into());
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

/// Tells when something happens to one of some files, a directory above it, or what a symbolic link on the way names.
pub(crate) struct Watch {
    watcher: notify::RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
    // Directories hold files that change all the time, the daemon's own log among them.
    wanted: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Watch {
    /// Starts to watch; `changed` gets a message after each change, and holds one at most.
    pub(crate) fn start(paths: &[PathBuf], changed: mpsc::Sender<()>) -> notify::Result<Self> {
        let wanted: Arc<Mutex<BTreeSet<PathBuf>>> = Arc::default();
        let own = wanted.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let is_ours = |event: &notify::Event| {
                own.lock().map_or(true, |wanted| event.paths.iter().any(|path| wanted.contains(path)))
            };
            let is_access = |event: &notify::Event| matches!(event.kind, EventKind::Access(_));
            if event.is_ok_and(|event| is_access(&event) || !(event.need_rescan() || is_ours(&event))) {
                return;
            }
            // A full channel has the message already.
            let _ = changed.try_send(());
        })?;
        let mut watch = Self { watcher, watched: BTreeSet::new(), wanted };
        watch.renew(paths);
        Ok(watch)
    }

    /// Watches what the paths lead to now.
    pub(crate) fn renew(&mut self, paths: &[PathBuf]) {
        let ways: Vec<Way> = paths.iter().map(|path| way(path)).collect();
        if let Ok(mut wanted) = self.wanted.lock() {
            let on_the_way = ways.iter().flat_map(|way| &way.paths);
            *wanted = on_the_way.flat_map(|path| path.ancestors()).map(Path::to_owned).collect();
        }
        let directories: BTreeSet<PathBuf> = ways.into_iter().flat_map(|way| way.directories).collect();
        for gone in self.watched.difference(&directories) {
            let _ = self.watcher.unwatch(gone);
        }
        for directory in &directories {
            // Watched again each time: a directory that was removed and made anew has lost its watch.
            if let Err(error) = self.watcher.watch(directory, RecursiveMode::NonRecursive) {
                tracing::warn!(%error, directory = %directory.display(), "watch the configuration");
            }
        }
        self.watched = directories;
    }
}

/// The way to a file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Way {
    /// The file, and the links that lead to it.
    paths: Vec<PathBuf>,
    /// The directories in which a change can change what the path leads to.
    directories: BTreeSet<PathBuf>,
}

fn way(path: &Path) -> Way {
    const MAX_LINKS: usize = 8;
    let mut way = Way::default();
    let mut next = Some(path.to_owned());
    for _ in 0..MAX_LINKS {
        let Some(path) = next.take() else { break };
        let parent = path.ancestors().skip(1).find(|ancestor| ancestor.is_dir());
        let Some(parent) = parent else { break };
        way.directories.insert(parent.to_owned());
        next = std::fs::read_link(&path).ok().map(|target| parent.join(target));
        way.paths.push(path);
    }
    if let Ok(end) = std::fs::canonicalize(path) {
        way.directories.extend(end.parent().map(Path::to_owned));
        way.paths.push(end);
    }
    way
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

    #[test]
    fn a_missing_directory_is_awaited_where_it_would_appear() {
        let directories = way(Path::new("/nonexistent/keyfob/config.toml")).directories;
        assert_eq!(directories, BTreeSet::from([PathBuf::from("/")]));
    }
}
