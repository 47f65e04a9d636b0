//! The thread of a vault, and the deadline of each call to it.
//!
//! While a call has not come back, further ones fail at once: nobody queues behind a keychain that hangs.

use crate::choose::{self, Settings};
use crate::vault::{Item, ItemKind, ItemName, Passphrase, State, Status, Vault, VaultError};
use keyfob_shared::Secret;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;

const MAX_QUEUE: usize = 256;
const PROBE_TIME: Duration = Duration::from_secs(1);
const READ_TIME: Duration = Duration::from_secs(3);
const WRITE_TIME: Duration = Duration::from_secs(5);
/// A person may have to type.
const UNLOCK_TIME: Duration = Duration::from_secs(90);

type Job = Box<dyn FnOnce(&mut dyn Vault) + Send>;

/// A handle to the vault's own thread.
#[derive(Clone, Debug)]
pub struct Keeper {
    jobs: SyncSender<Job>,
    line: Arc<Line>,
}

/// What both sides of the queue know.
#[derive(Debug)]
struct Line {
    stuck: AtomicBool,
    identity: Mutex<(&'static str, String)>,
}

impl std::fmt::Debug for dyn Vault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.kind())
    }
}

impl Keeper {
    /// Starts the thread, which opens the vault; never blocks.
    pub fn start(settings: Settings) -> Self {
        Self::with(move || choose::open(&settings))
    }

    fn with(open: impl FnOnce() -> (Box<dyn Vault>, String) + Send + 'static) -> Self {
        let (jobs, queue) = sync_channel(MAX_QUEUE);
        let line = Arc::new(Line {
            stuck: AtomicBool::new(false),
            identity: Mutex::new(("unknown", "it is being opened".into())),
        });
        let own = line.clone();
        let spawned =
            std::thread::Builder::new().name("vault".into()).spawn(move || work(open, &queue, &own));
        if let Err(error) = spawned {
            tracing::error!(%error, "start the thread of the vault");
        }
        Self { jobs, line }
    }

    /// Answers what kind of vault it is, and whether it answers now.
    pub async fn status(&self) -> Status {
        let probe = self.call(PROBE_TIME, |vault| vault.state()).await;
        let (kind, chosen) =
            self.line.identity.lock().map(|identity| identity.clone()).unwrap_or(("unknown", String::new()));
        match probe {
            Ok(()) => Status { kind, state: State::Ready, reason: chosen },
            Err(error) => Status { kind, state: error.state, reason: error.message },
        }
    }

    /// Reads all sessions that can be read; damaged ones are left where they are.
    ///
    /// # Errors
    /// If the vault can't be used now.
    pub async fn sessions(&self) -> Result<Vec<Item>, VaultError> {
        let names =
            self.call(READ_TIME, |vault| vault.state().and_then(|()| vault.names(ItemKind::Session))).await?;
        // One call for each: a keychain that hangs half way is found out soon.
        let mut items = Vec::with_capacity(names.len());
        for name in names {
            match self.read(name.clone()).await {
                Ok(item) => items.extend(item),
                Err(error) if error.state == State::Ready => {
                    tracing::warn!(%error, name = name.name, "an item of the vault can't be read");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(items)
    }

    /// Reads one item.
    ///
    /// # Errors
    /// If the vault can't be used now, or the item is damaged.
    pub async fn read(&self, name: ItemName) -> Result<Option<Item>, VaultError> {
        self.call(READ_TIME, move |vault| vault.read(&name)).await
    }

    /// Answers the names of all items of a kind.
    ///
    /// # Errors
    /// If the vault can't be used now.
    pub async fn names(&self, kind: ItemKind) -> Result<Vec<ItemName>, VaultError> {
        self.call(READ_TIME, move |vault| vault.names(kind)).await
    }

    /// Writes an item; the old one stays whole until the new one is.
    ///
    /// # Errors
    /// If the vault can't be used now.
    pub async fn put(&self, item: Item) -> Result<(), VaultError> {
        self.call(WRITE_TIME, move |vault| vault.put(&item)).await
    }

    /// Removes an item, which may be absent.
    ///
    /// # Errors
    /// If the vault can't be used now.
    pub async fn remove(&self, name: ItemName) -> Result<(), VaultError> {
        self.call(WRITE_TIME, move |vault| vault.remove(&name)).await
    }

    /// Answers whether [`Keeper::unlock`] needs a passphrase.
    pub async fn passphrase(&self) -> Passphrase {
        self.call(PROBE_TIME, |vault| Ok(vault.passphrase())).await.unwrap_or(Passphrase::NotNeeded)
    }

    /// Makes the vault usable; a keychain may ask the person itself.
    ///
    /// # Errors
    /// If the passphrase is wrong, or the person declines.
    pub async fn unlock(&self, passphrase: Option<Secret>) -> Result<(), VaultError> {
        self.call(UNLOCK_TIME, move |vault| vault.unlock(passphrase)).await
    }

    /// Forgets the key of a file vault that has a passphrase.
    pub async fn lock(&self) {
        let _ = self
            .call(READ_TIME, |vault| {
                vault.lock();
                Ok(())
            })
            .await;
    }

    async fn call<T: Send + 'static>(
        &self,
        limit: Duration,
        job: impl FnOnce(&mut dyn Vault) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        if self.line.stuck.load(Ordering::Relaxed) {
            return Err(no_answer());
        }
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |vault| {
            // Nobody waits any more: the caller was told that it failed.
            if !sender.is_closed() {
                let _ = sender.send(job(vault));
            }
        });
        self.jobs.try_send(job).map_err(|_| no_answer())?;
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(VaultError::new(State::Unavailable, "the call to the vault has ended")),
            Err(_) => {
                self.line.stuck.store(true, Ordering::Relaxed);
                Err(no_answer())
            }
        }
    }
}

fn no_answer() -> VaultError {
    VaultError::new(State::Unavailable, "the keychain does not answer")
}

fn work(open: impl FnOnce() -> (Box<dyn Vault>, String), queue: &Receiver<Job>, line: &Line) {
    let (mut vault, reason) = open();
    tracing::info!(kind = vault.kind(), reason, "vault");
    if let Ok(mut identity) = line.identity.lock() {
        *identity = (vault.kind(), reason);
    }
    line.stuck.store(false, Ordering::Relaxed);
    while let Ok(job) = queue.recv() {
        job(vault.as_mut());
        line.stuck.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;
    use std::sync::mpsc;

    /// A keychain that hangs until it is let go.
    struct Hanging {
        inner: Memory,
        gate: mpsc::Receiver<()>,
    }

    impl Vault for Hanging {
        fn kind(&self) -> &'static str {
            "hanging"
        }
        fn state(&mut self) -> Result<(), VaultError> {
            let _ = self.gate.recv();
            Ok(())
        }
        fn names(&mut self, kind: ItemKind) -> Result<Vec<ItemName>, VaultError> {
            self.inner.names(kind)
        }
        fn read(&mut self, name: &ItemName) -> Result<Option<Item>, VaultError> {
            self.inner.read(name)
        }
        fn put(&mut self, item: &Item) -> Result<(), VaultError> {
            self.inner.put(item)
        }
        fn remove(&mut self, name: &ItemName) -> Result<(), VaultError> {
            self.inner.remove(name)
        }
    }

    #[tokio::test]
    async fn a_keychain_that_hangs_fails_callers_and_recovers() {
        let (let_go, gate) = mpsc::channel();
        let keeper = Keeper::with(|| (Box::new(Hanging { inner: Memory::default(), gate }), String::new()));
        let status = keeper.status().await;
        assert_eq!(status.state, State::Unavailable);
        let start = tokio::time::Instant::now();
        assert!(keeper.names(ItemKind::Session).await.is_err());
        assert!(start.elapsed() < Duration::from_millis(100), "later callers fail at once");
        let_go.send(()).unwrap();
        while keeper.names(ItemKind::Session).await.is_err() {
            assert!(start.elapsed() < Duration::from_secs(5));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn an_item_that_is_damaged_does_not_keep_the_others_from_being_read() {
        let place = tempfile::tempdir().unwrap();
        let settings = Settings {
            choice: crate::Choice::File,
            key_file: Some(place.path().join("key")),
            passphrase_command: None,
            state_directory: place.path().to_owned(),
        };
        let keeper = Keeper::start(settings);
        for name in ["a", "b"] {
            let name = ItemName { kind: ItemKind::Session, name: name.into() };
            keeper.put(Item { name, generation: 1, value: Secret::new("s") }).await.unwrap();
        }
        let records = std::fs::read_dir(place.path().join("vault")).unwrap().flatten();
        let record = records
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|end| end == "sealed"));
        let record = record.unwrap();
        let mut bytes = std::fs::read(&record).unwrap();
        bytes.pop();
        std::fs::write(&record, bytes).unwrap();
        assert_eq!(keeper.sessions().await.unwrap().len(), 1);
    }
}
