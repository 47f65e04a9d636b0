//! Where the chain goes on after a restart, and what is in disorder there.

use crate::files;
use crate::mark::Mark;
use std::io;
use std::path::Path;

/// The line that the next one follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) seq: u64,
    pub(super) hash: String,
}

/// What a start has found.
pub(super) struct Start {
    pub(super) mark: Mark,
    pub(super) end: End,
    pub(super) disorder: Option<&'static str>,
}

/// Finds where the chain goes on. What is missing at its end stays missing: the next line follows from the lost ones.
pub(super) fn find(directory: &Path) -> io::Result<Start> {
    let mut was_changed = false;
    let tail =
        files::tail(directory)?.inspect(|found| was_changed |= !found.is_sealed).map(|found| found.line);
    let lines: Vec<_> = tail.map(|line| (line.seq, line.hash)).collect();
    let newest = lines.first().map(|(seq, hash)| End { seq: *seq, hash: hash.clone() });
    let disorder = was_changed.then_some("a line of the audit was changed");
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
            let first = files::oldest_line(directory).map_or(1, |line| line.seq);
            let mark = newest.map_or_else(Mark::start, |end| Mark { first, seq: end.seq, hash: end.hash });
            let end = End { seq: mark.seq, hash: mark.hash.clone() };
            return Ok(Start { mark, end, disorder: Some("the mark of the audit was missing or damaged") });
        }
    };
    // Files are marked to their end before they are followed by another.
    let rotated = files::numbers(directory)?.into_iter().find(|number| *number > 0);
    let last = rotated.and_then(|number| files::last_line(&files::file(directory, number)));
    if last.is_some_and(|last| last.seq > mark.seq) {
        let end = newest.unwrap_or_else(|| End { seq: mark.seq, hash: mark.hash.clone() });
        let mark = Mark { first: mark.first, seq: end.seq, hash: end.hash.clone() };
        return Ok(Start { mark, end, disorder: Some("an older mark of the audit was put back") });
    }
    let marked = End { seq: mark.seq, hash: mark.hash.clone() };
    let Some(newest) = newest else {
        let disorder = (mark.seq > 0).then_some("the lines of the audit were missing");
        return Ok(Start { mark, end: marked, disorder });
    };
    let beside_mark = lines.iter().find(|(seq, _)| *seq <= mark.seq);
    let (end, disorder) = match beside_mark {
        Some((seq, _)) if *seq < mark.seq => (marked, Some("the last lines of the audit were missing")),
        Some((_, hash)) if *hash != mark.hash => (marked, Some("the last lines of the audit were changed")),
        Some(_) | None => (newest, disorder),
    };
    Ok(Start { mark, end, disorder })
}
