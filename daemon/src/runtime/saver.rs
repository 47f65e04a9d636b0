//! Writes sessions to the vault, one after the other and behind everybody's back.
//!
//! Only the newest state of an item is kept, so what waits is bounded by the number of sessions. What can't be written
//! keeps nothing else from being written, and is tried again.

use keyfob_shared::Secret;
use keyfob_vault::{Item, ItemKind, ItemName, Keeper, State, VaultError};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Unwritten sessions hold up the end of the daemon this long at most, and as long as nothing was written.
const LAST_WRITES: Duration = Duration::from_secs(30);
const NO_PROGRESS: Duration = Duration::from_secs(2);

/// The way to the writing task.
#[derive(Clone)]
pub(super) struct Saver {
    desk: Arc<Desk>,
}

/// Sessions to write by their names, or none where one is to be removed.
type Pending = BTreeMap<String, Option<Secret>>;

/// What both sides work on.
struct Desk {
    pending: Mutex<Pending>,
    news: Notify,
    hurry: Notify,
    /// Why the last round has left something.
    trouble: Mutex<Option<VaultError>>,
    written: watch::Sender<u64>,
}

/// How a round over everything that waits has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    SomeWritten,
    NoneWritten,
}

impl Saver {
    pub(super) fn start(vault: Keeper) -> Self {
        let desk = Arc::new(Desk {
            pending: Mutex::default(),
            news: Notify::new(),
            hurry: Notify::new(),
            trouble: Mutex::default(),
            written: watch::Sender::new(0),
        });
        tokio::spawn(run(vault, desk.clone()));
        Self { desk }
    }

    /// Has a session written, or removed.
    pub(super) fn write(&self, item: String, record: Option<Secret>) {
        self.desk.lock().insert(item, record);
        self.desk.news.notify_one();
    }

    /// Waits until everything is written, as long as there is progress, and for a limited time.
    pub(super) async fn finish(&self) {
        self.wait(Pending::len).await;
    }

    /// Waits in the same way until what was forgotten has left the vault; answers what is left.
    pub(super) async fn forgotten(&self) -> usize {
        self.wait(|pending| pending.values().filter(|record| record.is_none()).count()).await
    }

    /// Answers how many changes can't be written at this time, and why.
    pub(super) fn trouble(&self) -> Option<(usize, VaultError)> {
        let trouble = self.desk.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some((self.desk.lock().len(), trouble)).filter(|(waiting, _)| *waiting > 0)
    }

    async fn wait(&self, left: impl Fn(&Pending) -> usize) -> usize {
        let mut written = self.desk.written.subscribe();
        self.desk.hurry.notify_one();
        let all = async {
            while left(&self.desk.lock()) > 0 {
                if !matches!(tokio::time::timeout(NO_PROGRESS, written.changed()).await, Ok(Ok(()))) {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(LAST_WRITES, all).await;
        let left = left(&self.desk.lock());
        if left > 0 {
            tracing::warn!(left, "changes of sessions have not reached the vault");
        }
        left
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, after: Option<&str>) -> Option<(String, Option<Secret>)> {
        let pending = self.lock();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let (item, record) = pending.range::<str, _>((start, Bound::Unbounded)).next()?;
        Some((item.clone(), record.clone()))
    }

    /// Takes an item off the list, unless it has a newer state.
    fn done(&self, item: &str, record: &Option<Secret>) {
        let mut pending = self.lock();
        if pending.get(item) == Some(record) {
            pending.remove(item);
        }
        self.written.send_modify(|count| *count += 1);
    }
}

async fn run(vault: Keeper, desk: Arc<Desk>) {
    let mut pause = FIRST_PAUSE;
    loop {
        match round(&vault, &desk).await {
            _ if desk.lock().is_empty() => {
                pause = FIRST_PAUSE;
                desk.news.notified().await;
            }
            Round::SomeWritten => pause = FIRST_PAUSE,
            // New work does not shorten it: with many sessions there would be no pause at all.
            Round::NoneWritten => {
                tokio::select! {
                    () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                    () = desk.hurry.notified() => pause = FIRST_PAUSE,
                }
            }
        }
    }
}

/// Tries everything that waits once.
async fn round(vault: &Keeper, desk: &Desk) -> Round {
    let mut round = Round::NoneWritten;
    let mut trouble = None;
    let mut after: Option<String> = None;
    while let Some((item, record)) = desk.next(after.as_deref()) {
        match write(vault, &item, record.clone()).await {
            Ok(()) => {
                desk.done(&item, &record);
                round = Round::SomeWritten;
            }
            Err(error) => {
                let is_closed = matches!(error.state, State::Locked | State::Sealed);
                trouble = Some(error);
                // Not the trouble of one record.
                if is_closed {
                    break;
                }
            }
        }
        after = Some(item);
    }
    desk.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&trouble);
    if let Some(error) = trouble {
        tracing::warn!(%error, waiting = desk.lock().len(), "write sessions to the vault; will try again");
    }
    round
}

async fn write(vault: &Keeper, item: &str, record: Option<Secret>) -> Result<(), VaultError> {
    let name = ItemName { kind: ItemKind::Session, name: item.to_owned() };
    match record {
        Some(value) => {
            let generation = crate::clock::now().wall.millis().unsigned_abs();
            vault.put(Item { name, generation, value }).await
        }
        None => vault.remove(name).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    fn open(place: &Path) -> Keeper {
        Keeper::start(keyfob_vault::Settings {
            choice: keyfob_vault::Choice::File,
            key_file: Some(place.join("key")),
            passphrase_command: None,
            state_directory: place.to_owned(),
        })
    }

    fn records(place: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(place.join("vault")).unwrap().flatten().map(|entry| entry.path());
        entries.filter(|path| path.extension().is_some_and(|end| end == "sealed")).collect()
    }

    /// A vault in which the first record, that of `a`, can't be written.
    async fn obstructed(place: &Path) -> (Keeper, PathBuf) {
        let vault = open(place);
        write(&vault, "a", Some(Secret::new("old"))).await.unwrap();
        let record = records(place).remove(0);
        std::fs::remove_file(&record).unwrap();
        std::fs::create_dir_all(record.join("in the way")).unwrap();
        (vault, record)
    }

    async fn names(vault: &Keeper) -> Vec<String> {
        let mut names: Vec<String> =
            vault.sessions().await.unwrap().into_iter().map(|item| item.name.name).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_record_that_can_not_be_written_keeps_no_other_from_being_written() {
        let place = tempfile::tempdir().unwrap();
        let (vault, record) = obstructed(place.path()).await;
        let saver = Saver::start(vault.clone());
        for item in ["a", "b", "c", "d"] {
            saver.write(item.into(), Some(Secret::new("new")));
        }
        let start = tokio::time::Instant::now();
        saver.finish().await;
        assert!(start.elapsed() < Duration::from_secs(4), "no progress was made for two seconds");
        assert_eq!(names(&vault).await, ["b", "c", "d"]);
        std::fs::remove_dir_all(&record).unwrap();
        saver.finish().await;
        assert_eq!(names(&vault).await, ["a", "b", "c", "d"]);
    }

    #[tokio::test]
    async fn only_the_newest_state_of_an_item_waits() {
        let place = tempfile::tempdir().unwrap();
        let (vault, record) = obstructed(place.path()).await;
        let saver = Saver::start(vault.clone());
        for number in 0..1_000 {
            saver.write("a".into(), Some(Secret::new(number.to_string())));
            tokio::task::yield_now().await;
        }
        assert_eq!(saver.desk.lock().len(), 1);
        std::fs::remove_dir_all(&record).unwrap();
        saver.finish().await;
        let sessions = vault.sessions().await.unwrap();
        assert_eq!(sessions.iter().map(|item| item.value.expose()).collect::<Vec<_>>(), ["999"]);
        saver.write("a".into(), None);
        saver.finish().await;
        assert!(records(place.path()).is_empty());
    }
}
