//! How long lines are kept: old files leave whole, the oldest first, and the newest never.
//!
//! The mark says which line is the oldest before any file goes, so that those that have left are not missed.

use super::output::MAX_FILE;
use crate::files::{self, file};
use crate::mark::Marks;
use keyfob_shared::Timestamp;
use std::io;
use std::path::Path;
use std::time::Duration;

/// More files than this are not kept; short ones come from rotation by age.
const MAX_FILES: usize = 160;
/// A file is begun for each such part of the age, so that a line leaves at that part of it too late at most.
const PARTS: u32 = 8;

/// How long lines are kept: until one of the bounds is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// For how long at least, and an eighth longer at most; looked at when lines are written.
    pub age: Option<Duration>,
    /// How many bytes of them at most.
    pub size: u64,
}

impl Default for Retention {
    /// No age, and six files of 10 MiB.
    fn default() -> Self {
        Self { age: None, size: 6 * MAX_FILE }
    }
}

impl Retention {
    /// Answers whether a file that was begun then is to be followed by another.
    pub(super) fn ends_file_of(&self, since: Timestamp, now: Timestamp) -> bool {
        self.age.is_some_and(|age| is_past(since, age / PARTS, now))
    }

    /// Removes the files that are kept no longer, and answers how many.
    pub(super) fn apply(&self, directory: &Path, now: Timestamp, marks: &Marks) -> io::Result<usize> {
        let mut rotated = Vec::new();
        for path in files::numbers(directory)?
            .into_iter()
            .filter(|number| *number > 0)
            .map(|number| file(directory, number))
        {
            let size = path.symlink_metadata()?.len();
            rotated.push((path, size));
        }
        // The newest may become as long as it may be.
        let mut size = MAX_FILE + rotated.iter().map(|(_, size)| size).sum::<u64>();
        let mut leaving = 0;
        for (left, (path, of_file)) in (1..=rotated.len()).rev().zip(rotated.iter().rev()) {
            let is_old = |age| files::last_line(path).is_some_and(|line| is_past(line.time, age, now));
            if left < MAX_FILES && size <= self.size && !self.age.is_some_and(is_old) {
                break;
            }
            size -= of_file;
            leaving += 1;
        }
        let stays = rotated.len() - leaving;
        let (stay, leave) = rotated.split_at(stays);
        let Some((first_to_leave, _)) = leave.first() else { return Ok(0) };
        // What follows on the last line that leaves, so that nothing can be taken out between the two unnoticed.
        let first = files::last_line(first_to_leave)
            .map(|line| line.seq.saturating_add(1))
            .or_else(|| stay.iter().rev().find_map(|(path, _)| files::first_line(path)).map(|line| line.seq));
        if let Some(first) = first {
            marks.keep_from(first)?;
        }
        for (path, _) in leave.iter().rev() {
            std::fs::remove_file(path)?;
        }
        Ok(leaving)
    }
}

/// Answers whether it is longer ago; a clock that steps back makes nothing old.
fn is_past(then: Timestamp, age: Duration, now: Timestamp) -> bool {
    let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    now.millis().saturating_sub(then.millis()) > age
}
