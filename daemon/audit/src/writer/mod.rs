//! The thread that writes: in batches, rotated, going on where the last daemon ended.
//!
//! A batch is on the disk whole, or it is cut off again and counted as lost; what was lost is told in a line of its own.

mod end;
mod output;
mod retention;

pub use retention::Retention;

use crate::Entry;
use crate::chain::{DISORDER, LOST, Line, clean};
use crate::files;
use crate::fold::{FOLD_TIME, Folds, Seen};
use crate::mark::{Marker, Marks, Wish};
use crate::process::Programs;
use end::{End, Start};
use keyfob_shared::Timestamp;
use output::Output;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MAX_BATCH: usize = 512;
/// Lines are collected this long, so that not every one of them wakes the thread; there is no pause while many wait.
const PAUSE: Duration = Duration::from_millis(2);
/// The mark lags behind by this much.
const BETWEEN_MARKS: Duration = Duration::from_secs(1);

pub(crate) struct Writer {
    output: Output,
    end: End,
    marks: Arc<Marks>,
    marked_at: Option<Timestamp>,
    is_mark_due: bool,
    /// What was found in disorder, until it is told.
    disorder: Option<&'static str>,
    programs: Programs,
    folds: Folds,
}

impl Writer {
    pub(crate) fn open(directory: &Path, retention: Arc<Mutex<Retention>>) -> io::Result<Self> {
        let (output, not_a_file) = Output::open(directory, retention)?;
        files::protect(directory)?;
        let Start { mark, end, disorder } = end::find(directory)?;
        let disorder = disorder.or(not_a_file);
        if let Some(disorder) = disorder {
            tracing::warn!(disorder, "the audit was changed: keyfob audit --verify");
        }
        Ok(Self {
            output,
            end,
            marks: Arc::new(Marks::new(directory, mark)),
            marked_at: None,
            is_mark_due: false,
            disorder,
            programs: Programs::default(),
            folds: Folds::default(),
        })
    }

    /// Writes until nobody can send any more.
    pub(crate) fn run(&mut self, entries: &Receiver<Box<Entry>>, marker: Marker, lost: &AtomicU64) {
        let mut last = None;
        loop {
            let first = match (self.is_mark_due, self.folds.is_empty()) {
                (true, _) => entries.recv_timeout(BETWEEN_MARKS),
                (false, false) => entries.recv_timeout(FOLD_TIME),
                (false, true) => entries.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match first {
                Ok(first) => {
                    let mut more = 0;
                    let others =
                        entries.try_iter().take(MAX_BATCH).map(|entry| *entry).inspect(|_| more += 1);
                    self.batch(&first, std::iter::once((*first).clone()).chain(others), lost);
                    self.wish_mark_after(&first, &marker);
                    last = Some(first);
                    if more < MAX_BATCH {
                        std::thread::sleep(PAUSE);
                    }
                }
                Err(RecvTimeoutError::Timeout) if self.is_mark_due => self.wish_mark(&marker),
                // Nothing has come for as long as failures are folded.
                Err(RecvTimeoutError::Timeout) => self.unfold(lost),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Some(last) = last.filter(|_| lost.load(Ordering::Relaxed) > 0) {
            self.batch(&last, std::iter::empty(), lost);
        }
        self.unfold(lost);
        marker.close();
        if let Err(error) = self.end_of_file().and_then(|end| self.marks.write(&end)) {
            tracing::warn!(%error, "write the last mark of the audit");
        }
    }

    /// Starts the thread that writes marks for [`Writer::run`].
    pub(crate) fn marker(&self) -> io::Result<Marker> {
        Marker::start(self.marks.clone())
    }

    fn end_of_file(&self) -> io::Result<Wish> {
        self.output.wish(&self.end)
    }

    fn wish_mark(&mut self, marker: &Marker) {
        self.is_mark_due = match self.end_of_file() {
            Ok(end) => !marker.wish(end),
            Err(error) => {
                tracing::warn!(%error, "write the mark of the audit");
                false
            }
        };
    }

    /// Has a mark written if the last one is old by now.
    fn wish_mark_after(&mut self, entry: &Entry, marker: &Marker) {
        let since = |at: Timestamp| Duration::from_millis(entry.time.millis().abs_diff(at.millis()));
        if self.is_mark_due && self.marked_at.is_none_or(|at| since(at) >= BETWEEN_MARKS) {
            self.marked_at = Some(entry.time);
            self.wish_mark(marker);
        }
    }

    /// Writes entries, and before them what there is to tell about the audit itself.
    fn batch(&mut self, first: &Entry, entries: impl Iterator<Item = Entry>, lost: &AtomicU64) {
        self.look();
        let before = self.end.clone();
        let mut text = Vec::new();
        if let Some(disorder) = self.disorder {
            self.seal(&mut text, Seen::about_itself(first, DISORDER, disorder.into()), None);
        }
        let mut count = lost.swap(0, Ordering::Relaxed);
        if count > 0 {
            self.seal(
                &mut text,
                Seen::about_itself(first, LOST, format!("{count} lines were not written")),
                None,
            );
        }
        for (seen, times) in self.folds.due(Some(first.time)) {
            self.seal(&mut text, seen, Some(times));
            count += 1;
        }
        for entry in entries {
            let (program, parents) = self.programs.of(&entry.caller, entry.time);
            if let Some(seen) = self.folds.pass(Seen { entry, program, parents }) {
                self.seal(&mut text, seen, None);
                count += 1;
            }
        }
        self.put(&text, first.time, before, count, lost);
    }

    /// Writes what was folded.
    fn unfold(&mut self, lost: &AtomicU64) {
        let folded = self.folds.due(None);
        let Some((last, _)) = folded.last() else { return };
        let now = last.entry.time;
        self.look();
        let before = self.end.clone();
        let mut text = Vec::new();
        let count = folded.len() as u64;
        for (seen, times) in folded {
            self.seal(&mut text, seen, Some(times));
        }
        self.put(&text, now, before, count, lost);
    }

    /// Takes note of what somebody else has done to the newest file.
    fn look(&mut self) {
        match self.output.look() {
            Ok(None) => {}
            Ok(Some(disorder)) => {
                tracing::warn!(disorder, "the audit was changed: keyfob audit --verify");
                self.disorder = self.disorder.or(Some(disorder));
            }
            Err(error) => tracing::warn!(%error, "look at the audit"),
        }
    }

    /// Writes lines whole, or counts them as lost and goes on from where the chain was before.
    fn put(&mut self, text: &[u8], now: Timestamp, before: End, count: u64, lost: &AtomicU64) {
        if text.is_empty() {
            return;
        }
        if let Err(error) = self.output.write(text, now, &before, &self.marks) {
            tracing::warn!(%error, "write the audit");
            self.end = before;
            lost.fetch_add(count, Ordering::Relaxed);
            return;
        }
        self.disorder = None;
        self.is_mark_due = true;
    }

    fn seal(&mut self, text: &mut Vec<u8>, seen: Seen, times: Option<u64>) {
        let Seen { entry, program, parents } = seen;
        let line = Line {
            seq: self.end.seq + 1,
            time: entry.time,
            request: entry.request.into(),
            socket: entry.socket.as_deref().map(clean),
            profile: entry.profile.as_deref().map(clean),
            outcome: entry.outcome,
            reason: entry.reason.as_deref().map(clean),
            times,
            access_key_id: entry.access_key_id.as_deref().map(clean),
            session_name: entry.session_name.as_deref().map(clean),
            uid: entry.caller.uid,
            pid: entry.caller.pid,
            program,
            parents,
            previous: self.end.hash.clone(),
            hash: String::new(),
        };
        self.end = End { seq: line.seq, hash: line.seal(text) };
    }
}

#[cfg(test)]
mod tests;
