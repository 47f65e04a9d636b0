//! Restricted sockets: made, replaced and taken away as the configuration says, each with a task and limits of its own.
//!
//! Whoever is behind one shares nothing with the person that could run out: not connections, not conversations, not
//! callers who may wait; and what it asks comes to the loop after what the person asks, at a bounded pace.

use super::Event;
use super::conversations::Conversations;
use keyfob_engine::config::{Config, MAX_SOCKETS};
use keyfob_listen::{Arrival, BindError, Kind, Listener, Settings, SocketFile};
use keyfob_shared::wire::{Finding, Severity, SocketStatus};
use keyfob_shared::{Failure, FailureKind, SocketName};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};

/// Requests of one socket that are taken at once within [`WINDOW`]; others wait in the backlog of the kernel, and are
/// taken one by one. Each is a line of the audit, in which the person's own must not be lost.
const BURST: u32 = 200;
const WINDOW: Duration = Duration::from_secs(10);
const EACH: Duration = Duration::from_millis(50);
/// Requests that have come and are not looked at yet, of all sockets.
const MAX_ARRIVED: usize = 8;
/// Descriptors that one socket may use, however many the process may have.
const SHARE: std::ops::RangeInclusive<usize> = 8..=512;
/// A socket that somebody else holds may be about to be free.
const AGAIN: Duration = Duration::from_millis(500);

/// Where sockets should be, and why they are not.
type Failed = BTreeMap<SocketName, (PathBuf, String)>;

/// The restricted sockets of the configuration in force.
pub(super) struct Sockets {
    open: BTreeMap<SocketName, Open>,
    failed: Failed,
    closing: Vec<(PathBuf, AbortHandle)>,
    arrived: mpsc::Receiver<(SocketName, Arrival)>,
    arrive: mpsc::Sender<(SocketName, Arrival)>,
    events: mpsc::UnboundedSender<Event>,
    share: usize,
    is_mending: bool,
}

struct Open {
    settings: Wanted,
    file: SocketFile,
    task: JoinHandle<()>,
    conversations: Conversations,
}

/// What makes a socket another one.
#[derive(Clone, PartialEq, Eq)]
struct Wanted {
    path: PathBuf,
    users: Vec<u32>,
    allow_root: bool,
}

/// Answers the descriptors that the person's own socket can count on.
pub(crate) const fn own_share(descriptors: usize) -> usize {
    descriptors - reserved(descriptors)
}

const fn reserved(descriptors: usize) -> usize {
    let most = MAX_SOCKETS * *SHARE.end();
    if descriptors / 8 < most { descriptors / 8 } else { most }
}

impl Sockets {
    pub(super) fn new(events: mpsc::UnboundedSender<Event>, descriptors: usize) -> Self {
        let (arrive, arrived) = mpsc::channel(MAX_ARRIVED);
        let share = (reserved(descriptors) / MAX_SOCKETS).clamp(*SHARE.start(), *SHARE.end());
        Self {
            open: BTreeMap::new(),
            failed: Failed::new(),
            closing: Vec::new(),
            arrived,
            arrive,
            events,
            share,
            is_mending: false,
        }
    }

    /// Waits for the next who comes. Can be dropped and asked again.
    pub(super) async fn next(&mut self) -> Option<(SocketName, Arrival)> {
        self.arrived.recv().await
    }

    /// Answers how many callers of one socket may wait at once.
    pub(super) fn most_waiting(&self) -> usize {
        self.share / 2
    }

    /// Goes on with a conversation of one socket, at the cost of its own others only.
    pub(super) fn converse(
        &mut self,
        name: &SocketName,
        conversation: impl Future<Output = ()> + Send + 'static,
    ) {
        if let Some(open) = self.open.get_mut(name) {
            open.conversations.start(conversation);
        }
    }

    /// Has the sockets of a configuration, and no others; `main` is the person's own.
    pub(super) fn apply(&mut self, config: &Config, main: &Path) {
        self.is_mending = false;
        let wanted: BTreeMap<SocketName, Wanted> = config
            .sockets
            .keys()
            .filter_map(|name| Some((name.clone(), wanted(config, name, main)?)))
            .collect();
        let keeps =
            |name: &SocketName, open: &Open| wanted.get(name) == Some(&open.settings) && open.file.is_there();
        let gone: Vec<(SocketName, Open)> =
            self.open.extract_if(.., |name, open| !keeps(name, open)).collect();
        gone.into_iter().for_each(|(_, open)| self.close(open));
        self.closing.retain(|(_, task)| !task.is_finished());
        let told = std::mem::take(&mut self.failed);
        for (name, wanted) in wanted {
            let is_closing = self.closing.iter().any(|(path, _)| *path == wanted.path);
            if !self.open.contains_key(&name) && !is_closing {
                self.bind(name, wanted, main, &told);
            }
        }
    }

    fn bind(&mut self, name: SocketName, wanted: Wanted, main: &Path, told: &Failed) {
        let result = if wanted.path == main {
            Err("it is the path of the main socket: give it another `path`".to_owned())
        } else if self.open.values().any(|open| open.settings.path == wanted.path) {
            Err("another restricted socket has this path".to_owned())
        } else {
            let settings = Settings {
                socket: wanted.path.clone(),
                allow_root: wanted.allow_root,
                descriptors: self.share,
                kind: Kind::Restricted { users: wanted.users.clone() },
            };
            Listener::bind(&settings).map_err(|error| match error {
                BindError::AlreadyRunning => "another daemon has it".to_owned(),
                BindError::Unsafe(_) | BindError::Io(..) => error.to_string(),
            })
        };
        match result {
            Ok(listener) => {
                tracing::info!(%name, path = %wanted.path.display(), "a restricted socket is open");
                let file = listener.file().clone();
                let task = tokio::spawn(take(listener, name.clone(), self.arrive.clone()));
                let conversations = Conversations::new(self.share);
                self.open.insert(name, Open { settings: wanted, file, task, conversations });
            }
            Err(error) => {
                let failed = (wanted.path, error);
                // One that is tried again is told of once.
                if told.get(&name) != Some(&failed) {
                    tracing::warn!(%name, error = %failed.1, "a restricted socket can't be had");
                }
                self.failed.insert(name, failed);
            }
        }
    }

    /// Ends a socket; another of the same path can be made when it is gone.
    fn close(&mut self, open: Open) {
        let events = self.events.clone();
        open.task.abort();
        self.closing.push((open.settings.path, open.task.abort_handle()));
        tokio::spawn(async move {
            let _ = open.task.await;
            let _ = events.send(Event::SocketsChanged);
        });
    }

    /// Looks after sockets whose files have gone, and those that could not be had: not at once, since who can remove a
    /// file can do it again and again.
    pub(super) fn mend_later(&mut self) {
        let all_well = self.failed.is_empty() && self.open.values().all(|open| open.file.is_there());
        if all_well || self.is_mending {
            return;
        }
        self.is_mending = true;
        let events = self.events.clone();
        tokio::spawn(async move {
            tokio::time::sleep(AGAIN).await;
            let _ = events.send(Event::SocketsChanged);
        });
    }

    /// Ends all sockets, and returns when they are gone.
    pub(super) async fn finish(self) {
        for (_, open) in self.open {
            open.task.abort();
            let _ = open.task.await;
        }
    }

    /// Answers where sockets are, or should be.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let open = self.open.values().map(|open| open.file.path());
        open.chain(self.failed.values().map(|(path, _)| path.as_path()))
    }

    pub(super) fn status(&self, config: &Config) -> Vec<SocketStatus> {
        let status = |name: &SocketName| {
            let scoped = config.sockets.get(name)?.scoped.is_some();
            let profiles = config.restricted_plans(name).count();
            let (path, error) = match (self.open.get(name), self.failed.get(name)) {
                (Some(open), _) => (open.file.path(), None),
                (None, Some((path, error))) => (path.as_path(), Some(error.clone())),
                (None, None) => return None,
            };
            let state = if error.is_none() { "ready" } else { "failed" }.into();
            Some(SocketStatus {
                name: name.clone(),
                path: path.display().to_string(),
                state,
                error,
                profiles,
                scoped,
            })
        };
        config.sockets.keys().filter_map(status).collect()
    }

    /// What a person should mend.
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> {
        self.failed.iter().map(|(name, (path, error))| Finding {
            severity: Severity::Error,
            subject: format!("socket {name}"),
            message: Failure::new(FailureKind::Usage, format!("{}: {error}", path.display())).message,
            hint: Some(format!("set `path` of [socket.{name}] to one in a directory of your own")),
        })
    }
}

fn wanted(config: &Config, name: &SocketName, main: &Path) -> Option<Wanted> {
    let socket = config.sockets.get(name)?;
    let path = path(config, name, main)?;
    Some(Wanted { path, users: socket.allow_uids.clone(), allow_root: config.daemon.allow_root })
}

/// Answers where a socket is, or should be: beside the main one unless the configuration says where.
pub(crate) fn path(config: &Config, name: &SocketName, main: &Path) -> Option<PathBuf> {
    let path = config.sockets.get(name)?.path.clone();
    Some(path.unwrap_or_else(|| main.with_file_name(format!("{name}.sock"))))
}

/// Hands on who comes, until the task is ended.
async fn take(mut listener: Listener, name: SocketName, arrive: mpsc::Sender<(SocketName, Arrival)>) {
    let mut left = BURST;
    let mut window = Box::pin(tokio::time::sleep(WINDOW));
    loop {
        let arrival = listener.next().await;
        let is_over = tokio::select! {
            biased;
            () = window.as_mut() => true,
            () = std::future::ready(()) => false,
        };
        if is_over {
            left = BURST;
            window = Box::pin(tokio::time::sleep(WINDOW));
        }
        match left.checked_sub(1) {
            Some(fewer) => left = fewer,
            None => tokio::time::sleep(EACH).await,
        }
        if arrive.send((name.clone(), arrival)).await.is_err() {
            return;
        }
    }
}
