//! A handle to the vault: each call has a deadline.
//!
//! While a call has not come back in time, further ones fail at once: nobody queues behind a keychain that hangs.

mod work;

use crate::choose::{self, Chosen, Settings};
use crate::vault::{Item, ItemKind, ItemName, Passphrase, State, Status, Vault, VaultError};
use keyfob_shared::Secret;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tokio::sync::oneshot;
use work::{Job, Line};

const MAX_QUEUE: usize = 256;

/// What is asked of a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// Whether it answers.
    Probe,
    Read,
    Write,
    Unlock,
}

impl Task {
    /// Answers how long it is waited for.
    const fn limit(self) -> Duration {
        match self {
            Self::Probe => Duration::from_secs(1),
            Self::Read => Duration::from_secs(3),
            Self::Write => Duration::from_secs(5),
            // A person may have to type.
            Self::Unlock => Duration::from_secs(90),
        }
    }
}

/// A handle to the vault's own thread.
#[derive(Clone, Debug)]
pub struct Keeper {
    jobs: SyncSender<Job>,
    line: Arc<Line>,
}

impl Keeper {
    /// Starts the thread, which opens the vault; never blocks.
    pub fn start(settings: Settings) -> Self {
        Self::with(move || choose::choose(&settings))
    }

    fn with(choose: impl FnOnce() -> Chosen + Send + 'static) -> Self {
        let (jobs, queue) = sync_channel(MAX_QUEUE);
        let line = Arc::new(Line::new());
        let own = line.clone();
        let spawned =
            std::thread::Builder::new().name("vault".into()).spawn(move || work::work(choose, &queue, &own));
        if let Err(error) = spawned {
            tracing::error!(%error, "start the thread of the vault");
        }
        Self { jobs, line }
    }

    /// Answers what kind of vault it is; `unknown` until it is chosen.
    pub fn kind(&self) -> &'static str {
        self.line.about().kind
    }

    /// Answers what kind of vault it is, and whether it answers now.
    pub async fn status(&self) -> Status {
        let probe = self.call(Task::Probe, |vault| vault.state()).await;
        let about = self.line.about();
        match probe {
            Ok(()) => Status { kind: about.kind, state: State::Ready, reason: about.reason, hint: None },
            Err(error) => {
                Status { kind: about.kind, state: error.state, reason: error.message, hint: error.hint }
            }
        }
    }

    /// Reads all sessions that can be read; damaged ones are left where they are.
    ///
    /// # Errors
    /// If the vault can't be used now.
    pub async fn sessions(&self) -> Result<Vec<Item>, VaultError> {
        let names = self
            .call(Task::Read, |vault| vault.state().and_then(|()| vault.names(ItemKind::Session)))
            .await?;
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
        self.call(Task::Read, move |vault| vault.read(&name)).await
    }

    /// Answers the names of all items of a kind.
    ///
    /// # Errors
    /// If the vault can't be used now.
    pub async fn names(&self, kind: ItemKind) -> Result<Vec<ItemName>, VaultError> {
        self.call(Task::Read, move |vault| vault.names(kind)).await
    }

    /// Writes an item; the old one stays whole until the new one is.
    ///
    /// # Errors
    /// If the vault can't be used now. The error tells when it may have been written all the same.
    pub async fn put(&self, item: Item) -> Result<(), VaultError> {
        self.call(Task::Write, move |vault| vault.put(&item)).await
    }

    /// Removes an item, which may be absent.
    ///
    /// # Errors
    /// If the vault can't be used now. The error tells when it may have been removed all the same.
    pub async fn remove(&self, name: ItemName) -> Result<(), VaultError> {
        self.call(Task::Write, move |vault| vault.remove(&name)).await
    }

    /// Answers whether [`Keeper::unlock`] needs a passphrase.
    pub async fn passphrase(&self) -> Passphrase {
        self.call(Task::Probe, |vault| Ok(vault.passphrase())).await.unwrap_or(Passphrase::NotNeeded)
    }

    /// Makes the vault usable; a keychain may ask the person itself.
    ///
    /// # Errors
    /// If the passphrase is wrong, or the person declines.
    pub async fn unlock(&self, passphrase: Option<Secret>) -> Result<(), VaultError> {
        self.call(Task::Unlock, move |vault| vault.unlock(passphrase)).await
    }

    /// Forgets the key of a file vault that has a passphrase.
    pub async fn lock(&self) {
        let _ = self
            .call(Task::Read, |vault| {
                vault.lock();
                Ok(())
            })
            .await;
    }

    async fn call<T: Send + 'static>(
        &self,
        task: Task,
        run: impl FnOnce(&mut dyn Vault) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let line = &self.line;
        if line.is_late() {
            return Err(line.silence());
        }
        let serial = line.next_serial();
        let begun = Arc::new(AtomicBool::new(false));
        let own = begun.clone();
        let (sender, mut answer) = oneshot::channel();
        let run: work::Run = Box::new(move |vault| {
            own.store(true, Ordering::SeqCst);
            // Nobody waits any more: the caller was told that it was not done.
            if !sender.is_closed() {
                let _ = sender.send(run(vault));
            }
        });
        self.jobs.try_send(Job { serial, task, run }).map_err(|error| match error {
            TrySendError::Full(_) => line.silence(),
            TrySendError::Disconnected(_) => ended(),
        })?;
        let half = task.limit() / 2;
        let soon = tokio::time::timeout(half, &mut answer).await;
        let early = line.running();
        let answered = match soon {
            Ok(answered) => Ok(answered),
            // The receiver is gone behind this line, and with it the wish to have it done.
            Err(_) => tokio::time::timeout(half, answer).await,
        };
        match answered {
            Ok(Ok(result)) => result.map_err(|error| line.advise(error)),
            Ok(Err(_)) => Err(ended()),
            Err(_) => {
                // Late is what has run for half a limit, as far as it is known; a probe is too short to tell.
                if task != Task::Probe && line.running() == early {
                    line.set_late(early);
                }
                let mut error = line.silence();
                if task == Task::Write && begun.load(Ordering::SeqCst) {
                    error.message.push_str("; whether this was carried out is not known");
                }
                Err(error)
            }
        }
    }
}

fn ended() -> VaultError {
    VaultError::new(State::Unavailable, "the thread of the vault has ended").hint("keyfob daemon restart")
}

#[cfg(test)]
mod tests;
