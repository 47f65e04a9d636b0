//! The thread that writes: in batches, rotated, going on where the last daemon ended.
//!
//! A batch is on the disk whole, or it is cut off again and counted as lost; what was lost is told in a line of its own.

use crate::Entry;
use crate::chain::{Line, clean};
use crate::files::{self, FILES, file};
use crate::fold::{FOLD_TIME, Folds, Seen};
use crate::mark::{Mark, Marker, Marks, Wish};
use crate::platform::{Writing, open_to_write};
use crate::process::Programs;
use keyfob_shared::Timestamp;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

const MAX_FILE: u64 = 10 * 1024 * 1024;
const MAX_BATCH: usize = 512;
/// Lines are collected this long, so that not every one of them wakes the thread; there is no pause while many wait.
const PAUSE: Duration = Duration::from_millis(2);
/// The mark lags behind by this much.
const BETWEEN_MARKS: Duration = Duration::from_secs(1);

pub(crate) struct Writer {
    directory: PathBuf,
    file: File,
    size: u64,
    /// What is no part of the audit may lie behind `size`.
    is_ragged: bool,
    end: End,
    marks: Arc<Marks>,
    marked_at: Option<Timestamp>,
    is_mark_due: bool,
    /// What was found in disorder, until it is told.
    disorder: Option<&'static str>,
    programs: Programs,
    folds: Folds,
}

/// Where the chain goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    seq: u64,
    hash: String,
}

impl Writer {
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let path = file(directory, 0);
        let mut opened = open_to_write(&path, Writing::AtTheEnd)?;
        files::protect(directory);
        let mut size = opened.metadata()?.len();
        if size > 0 && files::last_byte(&path)? != Some(b'\n') {
            opened.write_all(b"\n")?;
            size += 1;
        }
        let (mark, end, disorder) = find_end(directory)?;
        if let Some(disorder) = disorder {
            tracing::warn!(disorder, "the audit was changed");
        }
        Ok(Self {
            directory: directory.to_owned(),
            file: opened,
            size,
            is_ragged: false,
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
        if let Err(error) = self.end_of_file().and_then(|end| self.marks.write(&end, None)) {
            tracing::warn!(%error, "write the last mark of the audit");
        }
    }

    /// Starts the thread that writes marks for [`Writer::run`].
    pub(crate) fn marker(&self) -> io::Result<Marker> {
        Marker::start(self.marks.clone())
    }

    fn end_of_file(&self) -> io::Result<Wish> {
        Ok(Wish { file: self.file.try_clone()?, seq: self.end.seq, hash: self.end.hash.clone() })
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
        let before = self.end.clone();
        let mut text = Vec::new();
        if let Some(disorder) = self.disorder {
            self.seal(&mut text, Seen::about_itself(first, "audit", disorder.into()), None);
        }
        let mut count = lost.swap(0, Ordering::Relaxed);
        if count > 0 {
            self.seal(
                &mut text,
                Seen::about_itself(first, "lost", format!("{count} lines were not written")),
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
        self.put(&text, before, count, lost);
    }

    /// Writes what was folded.
    fn unfold(&mut self, lost: &AtomicU64) {
        let before = self.end.clone();
        let mut text = Vec::new();
        let folded = self.folds.due(None);
        let count = folded.len() as u64;
        for (seen, times) in folded {
            self.seal(&mut text, seen, Some(times));
        }
        self.put(&text, before, count, lost);
    }

    /// Writes lines whole, or counts them as lost and goes on from where the chain was before.
    fn put(&mut self, text: &[u8], before: End, count: u64, lost: &AtomicU64) {
        if text.is_empty() {
            return;
        }
        if let Err(error) = self.write(text) {
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

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        if self.is_ragged {
            self.cut()?;
        }
        if self.size > MAX_FILE {
            self.rotate()?;
        }
        if let Err(error) = self.file.write_all(text) {
            self.is_ragged = self.cut().is_err();
            return Err(error);
        }
        self.size += text.len() as u64;
        Ok(())
    }

    /// Takes away what lies behind the known end; a file that became shorter meanwhile is not filled up.
    fn cut(&mut self) -> io::Result<()> {
        if self.file.metadata()?.len() > self.size {
            self.file.set_len(self.size)?;
        }
        self.file.seek(SeekFrom::End(0))?;
        self.is_ragged = false;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        // The mark first: lines older than it speaks of may be there, but none that it speaks of may be missing.
        let first = files::first(&self.directory, FILES - 1);
        self.marks.write(&self.end_of_file()?, first)?;
        for number in (1..FILES).rev() {
            match std::fs::rename(file(&self.directory, number - 1), file(&self.directory, number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        self.file = open_to_write(&file(&self.directory, 0), Writing::AtTheEnd)?;
        self.size = 0;
        Ok(())
    }
}

/// Finds where the chain goes on. What is missing at its end stays missing: the next line follows from the lost ones.
fn find_end(directory: &Path) -> io::Result<(Mark, End, Option<&'static str>)> {
    let mut tail = files::tail(directory)?;
    let newest = tail.next();
    let mark = match Mark::read(directory) {
        Ok(Some(mark)) => mark,
        Ok(None) if newest.is_none() => {
            let mark = Mark::start();
            if let Err(error) = mark.write(directory) {
                tracing::warn!(%error, "write the mark of the audit");
            }
            mark
        }
        Ok(None) | Err(_) => {
            let first = files::first(directory, FILES).unwrap_or(1);
            let end = newest.map_or_else(Mark::start, |line| Mark { first, seq: line.seq, hash: line.hash });
            let disorder = Some("the mark of the audit was missing or damaged");
            return Ok((end.clone(), End { seq: end.seq, hash: end.hash }, disorder));
        }
    };
    let marked = End { seq: mark.seq, hash: mark.hash.clone() };
    let Some(newest) = newest else {
        let disorder = (mark.seq > 0).then_some("the lines of the audit were missing");
        return Ok((mark, marked, disorder));
    };
    let end = End { seq: newest.seq, hash: newest.hash.clone() };
    let beside_mark = std::iter::once(newest).chain(tail).find(|line| line.seq <= mark.seq);
    match beside_mark {
        Some(line) if line.seq < mark.seq => {
            Ok((mark, marked, Some("the last lines of the audit were missing")))
        }
        Some(line) if !mark.is_of(&line) => {
            Ok((mark, marked, Some("the last lines of the audit were changed")))
        }
        Some(_) | None => Ok((mark, end, None)),
    }
}

#[cfg(test)]
mod tests;
