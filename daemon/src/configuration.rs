//! The configuration file: read with bounds, watched for change.
//!
//! What it means is decided in the engine's package; a file that others may write is not trusted.

use crate::platform;
use keyfob_engine::config::{self, Config, MAX_CONFIG, Surroundings};
use keyfob_shared::wire::Finding;
use keyfob_shared::{Failure, FailureKind};
use notify::{EventKind, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// Why a file can't be in force.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) failure: Failure,
    pub(crate) findings: Vec<Finding>,
}

/// Reads the file; an absent one is an empty configuration. Blocks.
pub(crate) fn read(path: &Path) -> Result<Config, Broken> {
    let text = match text(path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Config::default()),
        Err(cause) => {
            let failure =
                Failure::new(FailureKind::Usage, format!("read config {}: {cause}", path.display()));
            let mode = cause.kind() == io::ErrorKind::PermissionDenied;
            let failure = if mode { failure.hint(format!("chmod go-w {}", path.display())) } else { failure };
            return Err(Broken { failure, findings: Vec::new() });
        }
    };
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let user = platform::user_name();
    let around = Surroundings {
        directory: path.parent().unwrap_or(Path::new("/")),
        home: home.as_deref(),
        user: &user,
        read: &|policy| bounded(policy, File::open(policy)?),
    };
    config::parse(&text, &around)
        .map_err(|findings| Broken { failure: config::failure(path, &findings), findings })
}

fn text(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    // Security: the file can name commands, so only its owner may have written it.
    if let Some(why) = platform::distrust(&file)? {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    bounded(path, file)
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

/// Tells when something happens to a file, its directory, or what a symbolic link on the way names.
pub(crate) struct Watch {
    path: PathBuf,
    watcher: notify::RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
}

impl Watch {
    /// Starts to watch; `changed` gets a message after each change, and holds one at most.
    pub(crate) fn start(path: &Path, changed: mpsc::Sender<()>) -> notify::Result<Self> {
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                return;
            }
            // A full channel has the message already.
            let _ = changed.try_send(());
        })?;
        let mut watch = Self { path: path.to_owned(), watcher, watched: BTreeSet::new() };
        watch.renew();
        Ok(watch)
    }

    /// Watches what the path leads to now.
    pub(crate) fn renew(&mut self) {
        let wanted = directories(&self.path);
        for gone in self.watched.difference(&wanted) {
            let _ = self.watcher.unwatch(gone);
        }
        for directory in &wanted {
            // Watched again each time: a directory that was removed and made anew has lost its watch.
            if let Err(error) = self.watcher.watch(directory, RecursiveMode::NonRecursive) {
                tracing::warn!(%error, directory = %directory.display(), "watch the configuration");
            }
        }
        self.watched = wanted;
    }
}

/// Answers the directories in which a change can change what the path leads to.
fn directories(path: &Path) -> BTreeSet<PathBuf> {
    const MAX_LINKS: usize = 8;
    let mut directories = BTreeSet::new();
    let mut next = Some(path.to_owned());
    for _ in 0..MAX_LINKS {
        let Some(path) = next.take() else { break };
        let parent = path.ancestors().skip(1).find(|ancestor| ancestor.is_dir());
        let Some(parent) = parent else { break };
        directories.insert(parent.to_owned());
        next = std::fs::read_link(&path).ok().map(|target| parent.join(target));
    }
    if let Some(parent) = std::fs::canonicalize(path).ok().as_deref().and_then(Path::parent) {
        directories.insert(parent.to_owned());
    }
    directories
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_file_is_an_empty_configuration() {
        assert!(read(Path::new("/nonexistent/keyfob/config.toml")).unwrap().profiles.is_empty());
    }

    #[test]
    fn a_missing_directory_is_awaited_where_it_would_appear() {
        assert_eq!(
            directories(Path::new("/nonexistent/keyfob/config.toml")),
            BTreeSet::from([PathBuf::from("/")])
        );
    }
}
