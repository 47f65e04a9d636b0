//! The newest file: written to, rotated, and looked at for what others have done to it meanwhile.

use super::End;
use super::retention::Retention;
use crate::files::{self, file};
use crate::mark::{Marks, Wish};
use crate::platform::{Writing, is_in_place, open_to_write};
use keyfob_shared::Timestamp;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The most bytes of a file.
pub(super) const MAX_FILE: u64 = 10 * 1024 * 1024;
/// The next file, until those before it have moved on.
const NEW: &str = "audit.new";
/// Old files are looked for this often, when lines are written.
const BETWEEN_LOOKS: Duration = Duration::from_secs(3_600);

/// The newest file.
pub(super) struct Output {
    directory: PathBuf,
    pub(super) file: File,
    pub(super) size: u64,
    /// It is followed by another before it has more bytes.
    pub(super) longest: u64,
    /// When its first line was written.
    since: Option<Timestamp>,
    /// What is no part of the audit may lie behind `size`.
    pub(super) is_ragged: bool,
    /// The file has left its place, and no other could be made there.
    is_gone: bool,
    retention: Arc<Mutex<Retention>>,
    /// With which bounds old files were looked for, and when.
    looked: Option<(Retention, Timestamp)>,
}

impl Output {
    /// Opens or makes the newest file; answers what was found in disorder too.
    pub(super) fn open(
        directory: &Path,
        retention: Arc<Mutex<Retention>>,
    ) -> io::Result<(Self, Option<&'static str>)> {
        let disorder = files::put_aside(directory)?.then_some("the newest file of the audit was no file");
        let path = file(directory, 0);
        let opened = open_to_write(&path, Writing::AtTheEnd)?;
        let since = files::first_line(&path).map(|line| line.time);
        let directory = directory.to_owned();
        let mut output = Self {
            directory,
            file: opened,
            size: 0,
            longest: MAX_FILE,
            since,
            is_ragged: false,
            is_gone: false,
            retention,
            looked: None,
        };
        output.settle()?;
        Ok((output, disorder))
    }

    /// Takes the file as it is, and ends the line in which it ends.
    fn settle(&mut self) -> io::Result<()> {
        if files::is_torn(&file(&self.directory, 0))? {
            self.file.write_all(b"\n")?;
        }
        self.size = self.file.metadata()?.len();
        Ok(())
    }

    /// Answers what somebody else has done to the file since the last lines were written, and goes on with what is there.
    pub(super) fn look(&mut self) -> io::Result<Option<&'static str>> {
        if self.is_ragged {
            return Ok(None);
        }
        if !is_in_place(&self.file, &file(&self.directory, 0)).unwrap_or(false) {
            // What is written to a file that nobody finds is lost.
            self.is_gone = true;
            let (output, _) = Self::open(&self.directory, self.retention.clone())?;
            *self = Self { longest: self.longest, looked: self.looked, ..output };
            return Ok(Some("the newest file of the audit was removed or exchanged while it was written to"));
        }
        self.is_gone = false;
        if self.file.metadata()?.len() != self.size {
            self.settle()?;
            return Ok(Some("somebody else has written to the newest file of the audit, or has cut it"));
        }
        Ok(None)
    }

    /// Writes lines whole or not at all; `before` is the line that they follow.
    pub(super) fn write(
        &mut self,
        text: &[u8],
        now: Timestamp,
        before: &End,
        marks: &Marks,
    ) -> io::Result<()> {
        if self.is_gone {
            return Err(io::Error::other("the newest file is gone"));
        }
        if self.is_ragged {
            self.cut()?;
        }
        let retention = *self.retention.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = self.size > 0 && self.size + text.len() as u64 > self.longest;
        if is_full || self.since.is_some_and(|since| retention.ends_file_of(since, now)) {
            self.rotate(before, marks)?;
        }
        if let Err(error) = self.file.write_all(text) {
            self.is_ragged = self.cut().is_err();
            return Err(error);
        }
        self.size += text.len() as u64;
        self.since.get_or_insert(now);
        self.let_old_files_leave(retention, now, marks);
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

    /// Begins a new file. A kill on the way leaves a number without a file, up to which others move next time.
    pub(super) fn rotate(&mut self, before: &End, marks: &Marks) -> io::Result<()> {
        // From now on marks have another file on the disk.
        marks.write(&self.wish(before)?)?;
        let new = self.directory.join(NEW);
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let next = open_to_write(&new, Writing::AtTheEnd)?;
        let is_free = |number: &usize| file(&self.directory, *number).symlink_metadata().is_err();
        let free = (1..).find(is_free).unwrap_or(1);
        for number in (1..=free).rev() {
            std::fs::rename(file(&self.directory, number - 1), file(&self.directory, number))?;
        }
        std::fs::rename(new, file(&self.directory, 0))?;
        self.file = next;
        self.size = 0;
        self.since = None;
        self.looked = None;
        Ok(())
    }

    fn let_old_files_leave(&mut self, retention: Retention, now: Timestamp, marks: &Marks) {
        let is_soon = |(then, at): (Retention, Timestamp)| {
            then == retention && now.millis().abs_diff(at.millis()) < BETWEEN_LOOKS.as_millis() as u64
        };
        if self.looked.is_some_and(is_soon) {
            return;
        }
        self.looked = Some((retention, now));
        match retention.apply(&self.directory, now, marks) {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "old files of the audit have left"),
            Err(error) => tracing::warn!(%error, "remove old files of the audit"),
        }
    }

    /// Answers what a mark of a line needs.
    pub(super) fn wish(&self, end: &End) -> io::Result<Wish> {
        Ok(Wish { file: self.file.try_clone()?, seq: end.seq, hash: end.hash.clone() })
    }
}
