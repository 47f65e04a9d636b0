//! The mark: which lines there must be, in a file beside them.
//!
//! It is written after the lines that it speaks of are on the disk, so it may lag behind them by a second and is never
//! ahead. Whoever can rewrite both can hide what he did; the digests are no signatures.

use crate::chain::{START, digest};
use crate::platform::{Writing, open_to_read, open_to_write};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

const NAME: &str = "audit.mark";
const NEW: &str = "audit.mark.new";
const MAX_MARK: u64 = 1_024;

/// Answers where the mark lies.
pub(crate) fn path(state_directory: &Path) -> PathBuf {
    state_directory.join(NAME)
}

/// Which lines there must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The oldest line that is kept, or an older one.
    pub(crate) first: u64,
    /// The newest line, or an older one.
    pub(crate) seq: u64,
    /// Its digest.
    pub(crate) hash: String,
}

/// The mark as it lies in its file.
#[derive(Serialize, Deserialize)]
struct Sealed {
    #[serde(flatten)]
    mark: Mark,
    /// The digest of the fields before; the first version wrote none.
    digest: Option<String>,
}

impl Mark {
    /// Answers the mark of an audit without lines.
    pub(crate) fn start() -> Self {
        Self { first: 1, seq: 0, hash: START.into() }
    }

    fn digest(&self) -> String {
        digest(format!("{} {} {}", self.first, self.seq, self.hash).as_bytes())
    }

    /// Reads the mark; `None` if there is none.
    ///
    /// # Errors
    /// If it can't be read, is none, or was changed.
    pub(crate) fn read(state_directory: &Path) -> io::Result<Option<Self>> {
        let file = match open_to_read(&path(state_directory)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut text = Vec::new();
        file.take(MAX_MARK).read_to_end(&mut text)?;
        let Sealed { mark, digest } = serde_json::from_slice(&text)?;
        if digest.is_some_and(|digest| digest != mark.digest()) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it was changed"));
        }
        Ok(Some(mark))
    }

    /// Writes the mark; the old one stays until the new one is whole.
    pub(crate) fn write(&self, state_directory: &Path) -> io::Result<()> {
        let new = state_directory.join(NEW);
        let mut file = open_to_write(&new, Writing::Anew)?;
        let sealed = Sealed { mark: self.clone(), digest: Some(self.digest()) };
        file.write_all(&serde_json::to_vec(&sealed)?)?;
        file.sync_all()?;
        std::fs::rename(new, path(state_directory))
    }
}

/// A file with lines, and the number and digest of the last of them.
pub(crate) struct Wish {
    pub(crate) file: File,
    pub(crate) seq: u64,
    pub(crate) hash: String,
}

/// Writes marks, the newest last whoever writes it.
pub(crate) struct Marks {
    directory: PathBuf,
    last: Mutex<Mark>,
}

impl Marks {
    pub(crate) fn new(directory: &Path, last: Mark) -> Self {
        Self { directory: directory.to_owned(), last: Mutex::new(last) }
    }

    /// Has the lines on the disk, and then the mark.
    pub(crate) fn write(&self, wish: &Wish) -> io::Result<()> {
        wish.file.sync_data()?;
        self.change(|last| {
            let mark = Mark { first: last.first, seq: wish.seq, hash: wish.hash.clone() };
            if mark.seq >= last.seq { mark } else { last.clone() }
        })
    }

    /// Writes down which line is the oldest that is kept from now on.
    pub(crate) fn keep_from(&self, first: u64) -> io::Result<()> {
        self.change(|last| Mark { first: first.max(last.first), ..last.clone() })
    }

    fn change(&self, next: impl FnOnce(&Mark) -> Mark) -> io::Result<()> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = next(&last);
        if mark != *last {
            mark.write(&self.directory)?;
            *last = mark;
        }
        Ok(())
    }
}

/// The thread that writes marks: a disk may be slow, and callers have to be looked at before they are gone.
pub(crate) struct Marker {
    wishes: SyncSender<Wish>,
    thread: JoinHandle<()>,
}

impl Marker {
    pub(crate) fn start(marks: Arc<Marks>) -> io::Result<Self> {
        let (wishes, queue): (_, Receiver<Wish>) = sync_channel(1);
        let work = move || {
            for wish in queue {
                if let Err(error) = marks.write(&wish) {
                    tracing::warn!(%error, "write the mark of the audit");
                }
            }
        };
        let thread = std::thread::Builder::new().name("audit-mark".into()).spawn(work)?;
        Ok(Self { wishes, thread })
    }

    /// Has a mark written soon; answers whether it will be.
    pub(crate) fn wish(&self, wish: Wish) -> bool {
        !matches!(self.wishes.try_send(wish), Err(TrySendError::Full(_)))
    }

    /// Waits until what was wished for is written.
    pub(crate) fn close(self) {
        drop(self.wishes);
        let _ = self.thread.join();
    }
}
