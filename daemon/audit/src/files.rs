//! The files of the audit: which there are, and the last lines of the newest.

use crate::chain::Line;
use crate::platform::{Writing, open_to_read, open_to_write};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Files that are kept, the one that is written to among them.
pub(crate) const FILES: usize = 6;
/// More than is written between two marks when callers come in hundreds each second.
const MAX_TAIL: u64 = 1024 * 1024;

/// Answers the path of a file; 0 is the newest.
pub(crate) fn file(state_directory: &Path, number: usize) -> PathBuf {
    match number {
        0 => state_directory.join("audit.jsonl"),
        number => state_directory.join(format!("audit.{number}.jsonl")),
    }
}

/// Makes the rotated files private, which a backup or a copy may have made readable.
pub(crate) fn protect(state_directory: &Path) {
    for path in (1..FILES).map(|number| file(state_directory, number)) {
        // Opening for writing would make it.
        if path.symlink_metadata().is_ok_and(|found| found.is_file())
            && let Err(error) = open_to_write(&path, Writing::AtTheEnd)
        {
            tracing::warn!(%error, path = %path.display(), "make a file of the audit private");
        }
    }
}

/// Answers the last lines of the newest file that has any, newest first; what is no line is left out.
pub(crate) fn tail(state_directory: &Path) -> io::Result<impl Iterator<Item = Line>> {
    let mut text = Vec::new();
    for path in (0..FILES).map(|number| file(state_directory, number)) {
        let Some(mut file) = present(&path)? else { continue };
        let length = file.metadata()?.len();
        if length > 0 {
            file.seek(SeekFrom::Start(length.saturating_sub(MAX_TAIL)))?;
            file.take(MAX_TAIL).read_to_end(&mut text)?;
            break;
        }
    }
    let mut pieces: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    pieces.reverse();
    Ok(pieces.into_iter().filter_map(|piece| serde_json::from_slice(&piece).ok()))
}

/// Opens a file; one that is absent, or is no file, is none.
fn present(path: &Path) -> io::Result<Option<File>> {
    if path.symlink_metadata().is_ok_and(|found| found.is_file()) {
        return open_to_read(path).map(Some);
    }
    Ok(None)
}

/// Answers the last byte of a file.
pub(crate) fn last_byte(path: &Path) -> io::Result<Option<u8>> {
    let mut file = open_to_read(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(1)))?;
    let mut last = Vec::new();
    file.take(1).read_to_end(&mut last)?;
    Ok(last.first().copied())
}

/// Answers the number of the oldest line in the newest files.
pub(crate) fn first(state_directory: &Path, files: usize) -> Option<u64> {
    let first_line = |number: usize| {
        let path = file(state_directory, number);
        let mut start = Vec::new();
        present(&path).ok()??.take(MAX_TAIL).read_to_end(&mut start).ok()?;
        start.split(|byte| *byte == b'\n').find_map(|piece| serde_json::from_slice::<Line>(piece).ok())
    };
    (0..files).rev().find_map(first_line).map(|line| line.seq)
}
