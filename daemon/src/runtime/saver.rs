//! Writes sessions to the vault, one after the other and behind everybody's back.
//!
//! What can't be written now is kept and tried again; only the newest state of an item counts.

use keyfob_shared::Secret;
use keyfob_vault::{Item, ItemKind, ItemName, Keeper};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The way to the writing task.
pub(super) struct Saver {
    work: mpsc::UnboundedSender<Work>,
}

enum Work {
    Write(String, Option<Secret>),
    Finish(oneshot::Sender<()>),
}

impl Saver {
    pub(super) fn start(vault: Keeper) -> Self {
        let (work, queue) = mpsc::unbounded_channel();
        tokio::spawn(run(vault, queue));
        Self { work }
    }

    /// Has a session written, or removed.
    pub(super) fn write(&self, item: String, record: Option<Secret>) {
        let _ = self.work.send(Work::Write(item, record));
    }

    /// Waits until everything is written, for a limited time.
    pub(super) async fn finish(&self, limit: Duration) {
        let (done, finished) = oneshot::channel();
        let _ = self.work.send(Work::Finish(done));
        if tokio::time::timeout(limit, finished).await.is_err() {
            tracing::warn!("some sessions were not written to the vault; they will be minted again");
        }
    }
}

async fn run(vault: Keeper, mut queue: mpsc::UnboundedReceiver<Work>) {
    let mut pending: BTreeMap<String, Option<Secret>> = BTreeMap::new();
    let mut finished: Vec<oneshot::Sender<()>> = Vec::new();
    let mut pause = FIRST_PAUSE;
    loop {
        if pending.is_empty() {
            for done in finished.drain(..) {
                let _ = done.send(());
            }
            let Some(work) = queue.recv().await else { return };
            take(work, &mut pending, &mut finished);
        }
        while let Ok(work) = queue.try_recv() {
            take(work, &mut pending, &mut finished);
        }
        let Some((item, record)) = pending.pop_first() else { continue };
        match write(&vault, &item, record.clone()).await {
            Ok(()) => pause = FIRST_PAUSE,
            Err(error) => {
                tracing::warn!(%error, "write a session to the vault; will try again");
                pending.entry(item).or_insert(record);
                let wait = tokio::time::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
                tokio::select! {
                    () = wait => {}
                    Some(work) = queue.recv() => take(work, &mut pending, &mut finished),
                }
            }
        }
    }
}

fn take(work: Work, pending: &mut BTreeMap<String, Option<Secret>>, finished: &mut Vec<oneshot::Sender<()>>) {
    match work {
        Work::Write(item, record) => drop(pending.insert(item, record)),
        Work::Finish(done) => finished.push(done),
    }
}

async fn write(vault: &Keeper, item: &str, record: Option<Secret>) -> Result<(), keyfob_vault::VaultError> {
    let name = ItemName { kind: ItemKind::Session, name: item.to_owned() };
    match record {
        Some(value) => {
            let generation = crate::clock::now().wall.millis().unsigned_abs();
            vault.put(Item { name, generation, value }).await
        }
        None => vault.remove(name).await,
    }
}
