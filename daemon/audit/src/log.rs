//! The handle of the audit: a bounded queue to the thread that writes.

use crate::Entry;
use crate::writer::{Retention, Writer};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

const MAX_QUEUE: usize = 4_096;
const LAST_WRITES: Duration = Duration::from_secs(1);

/// The audit of a daemon.
#[derive(Debug)]
pub struct Audit {
    // Boxed: the queue's room is taken at the start, and touched in turn.
    queue: SyncSender<Box<Entry>>,
    lost: Arc<AtomicU64>,
    retention: Arc<Mutex<Retention>>,
    thread: JoinHandle<()>,
    ended: Receiver<()>,
}

impl Audit {
    /// Opens the audit in a directory and starts its thread. One that is damaged goes on, and tells of it in its first
    /// line.
    ///
    /// # Errors
    /// If the newest file can't be opened.
    pub fn open(state_directory: &Path, retention: Retention) -> io::Result<Self> {
        let retention = Arc::new(Mutex::new(retention));
        let mut writer = Writer::open(state_directory, retention.clone())?;
        let marker = writer.marker()?;
        let (queue, entries) = sync_channel(MAX_QUEUE);
        let (end, ended) = sync_channel(1);
        let lost = Arc::new(AtomicU64::new(0));
        let own = lost.clone();
        let thread = std::thread::Builder::new().name("audit".into()).spawn(move || {
            writer.run(&entries, marker, &own);
            let _ = end.send(());
        })?;
        Ok(Self { queue, lost, retention, thread, ended })
    }

    /// Has a request written down; never waits.
    pub fn record(&self, entry: Entry) {
        if self.queue.try_send(Box::new(entry)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Changes how long lines are kept, from the next line on.
    pub fn keep(&self, retention: Retention) {
        *self.retention.lock().unwrap_or_else(PoisonError::into_inner) = retention;
    }

    /// Answers how many lines could not be written and were not told of in the audit yet.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Writes what is queued, for a second at most.
    pub fn close(self) {
        drop(self.queue);
        if self.ended.recv_timeout(LAST_WRITES) != Err(RecvTimeoutError::Timeout) {
            let _ = self.thread.join();
        }
    }
}
