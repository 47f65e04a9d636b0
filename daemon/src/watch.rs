//! Tells when something happens to one of some files, a directory above it, or what a symbolic link on the way names.
//!
//! Where the operating system does not tell, the files are looked at every few seconds, and `doctor` says so.

use notify::{EventKind, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// How often files are looked at whose changes are not told.
pub(crate) const LOOK_EACH: Duration = Duration::from_secs(5);

/// Whether files are watched that were not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coverage {
    More,
    Same,
}

/// A watch over some files.
pub(crate) struct Watch {
    watcher: Option<notify::RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    // Directories hold files that change all the time, the daemon's own log among them.
    wanted: Arc<Mutex<BTreeSet<PathBuf>>>,
    files: Arc<Mutex<Vec<PathBuf>>>,
    changed: mpsc::Sender<()>,
    blind: Option<String>,
}

impl Watch {
    /// Starts to watch; `changed` gets a message after each change, and holds one at most.
    pub(crate) fn start(files: &[PathBuf], changed: mpsc::Sender<()>) -> Self {
        let wanted: Arc<Mutex<BTreeSet<PathBuf>>> = Arc::default();
        let watcher = watcher(wanted.clone(), changed.clone());
        let mut watch = Self {
            watcher: None,
            watched: BTreeSet::new(),
            wanted,
            files: Arc::default(),
            changed,
            blind: None,
        };
        let trouble = watcher.map(|watcher| watch.watcher = Some(watcher)).err();
        watch.renew(files);
        if let Some(error) = trouble {
            watch.look_instead(&error, LOOK_EACH);
        }
        watch
    }

    /// Answers why changes are looked for, where they are not told.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.blind.as_deref()
    }

    /// Watches what the paths lead to now.
    pub(crate) fn renew(&mut self, files: &[PathBuf]) -> Coverage {
        let ways: Vec<Way> = files.iter().map(|path| way(path)).collect();
        let on_the_way = ways.iter().flat_map(|way| &way.paths);
        let wanted: BTreeSet<PathBuf> =
            on_the_way.flat_map(|path| path.ancestors()).map(Path::to_owned).collect();
        let before = std::mem::replace(&mut *lock(&self.wanted), wanted.clone());
        files.clone_into(&mut lock(&self.files));
        let directories: BTreeSet<PathBuf> = ways.into_iter().flat_map(|way| way.directories).collect();
        let mut trouble = None;
        if let Some(watcher) = &mut self.watcher {
            for gone in self.watched.difference(&directories) {
                let _ = watcher.unwatch(gone);
            }
            for directory in &directories {
                // Watched again each time: a directory that was removed and made anew has lost its watch.
                if let Err(error) = watcher.watch(directory, RecursiveMode::NonRecursive) {
                    tracing::warn!(%error, directory = %directory.display(), "watch the configuration");
                    trouble = Some(error).filter(|_| directory.exists());
                }
            }
        }
        let is_more = !(wanted.is_subset(&before) && directories.is_subset(&self.watched));
        self.watched = directories;
        if let Some(error) = trouble {
            self.look_instead(&error, LOOK_EACH);
        }
        if is_more { Coverage::More } else { Coverage::Same }
    }

    /// Looks at the files from now on, as long as the watch lives.
    fn look_instead(&mut self, why: &notify::Error, each: Duration) {
        let first = self.blind.replace(why.to_string()).is_none();
        if !first {
            return;
        }
        tracing::warn!(error = %why, "changes of files are not told; they are looked at every {} s", each.as_secs());
        let (files, changed) = (Arc::downgrade(&self.files), self.changed.clone());
        let mut seen = looks(&lock(&self.files));
        let look = move || {
            loop {
                std::thread::sleep(each);
                let Some(files) = files.upgrade() else { return };
                let files = lock(&files).clone();
                let now = looks(&files);
                if std::mem::replace(&mut seen, now.clone()) != now {
                    let _ = changed.try_send(());
                }
            }
        };
        if let Err(error) = std::thread::Builder::new().name("look".into()).spawn(look) {
            tracing::warn!(%error, "look at files");
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watcher(
    wanted: Arc<Mutex<BTreeSet<PathBuf>>>,
    changed: mpsc::Sender<()>,
) -> notify::Result<notify::RecommendedWatcher> {
    notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let is_ours = |event: &notify::Event| {
            let wanted = lock(&wanted);
            event.paths.iter().any(|path| wanted.contains(path))
        };
        let is_access = |event: &notify::Event| matches!(event.kind, EventKind::Access(_));
        if event.is_ok_and(|event| is_access(&event) || !(event.need_rescan() || is_ours(&event))) {
            return;
        }
        // A full channel has the message already.
        let _ = changed.try_send(());
    })
}

/// Answers what tells that a file has changed.
fn looks(files: &[PathBuf]) -> Vec<String> {
    let look = |path: &PathBuf| match std::fs::metadata(path) {
        Ok(found) => format!("{} {:?}", found.len(), found.modified()),
        Err(error) => error.kind().to_string(),
    };
    files.iter().map(look).collect()
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
    fn a_missing_directory_is_awaited_where_it_would_appear() {
        let directories = way(Path::new("/nonexistent/keyfob/config.toml")).directories;
        assert_eq!(directories, BTreeSet::from([PathBuf::from("/")]));
    }

    #[test]
    fn a_watch_tells_whether_it_covers_more_than_before() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        let (changed, _told) = mpsc::channel(1);
        let mut watch = Watch::start(&[path("a")], changed);
        assert_eq!(watch.renew(&[path("a")]), Coverage::Same);
        assert_eq!(watch.renew(&[path("a"), path("b")]), Coverage::More);
        assert_eq!(watch.renew(&[path("a")]), Coverage::Same);
        std::fs::create_dir(path("sub")).unwrap();
        assert_eq!(watch.renew(&[path("sub/c")]), Coverage::More);
    }

    #[test]
    fn files_are_looked_at_where_changes_are_not_told() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("config.toml");
        let (changed, mut told) = mpsc::channel(1);
        let mut watch = Watch::start(std::slice::from_ref(&file), changed);
        assert_eq!(watch.trouble(), None);
        watch.watcher = None;
        watch.look_instead(&notify::Error::generic("no instance left"), Duration::from_millis(5));
        assert!(watch.trouble().is_some_and(|why| why.contains("no instance left")));
        let mut changes = [1, 2, 3].map(|number| {
            std::fs::write(&file, format!("edit {number:>number$}")).unwrap();
            told.blocking_recv()
        });
        assert!(changes.iter_mut().all(|change| change.take().is_some()));
        std::fs::remove_file(&file).unwrap();
        assert!(told.blocking_recv().is_some());
    }
}
