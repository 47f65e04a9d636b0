//! The files of the audit: which there are, and the first and last lines of one.

use crate::chain::{Line, is_sealed};
use crate::platform::{Writing, open_to_read, open_to_write};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Larger numbers are none of this audit's files.
const MAX_NUMBER: usize = 999;
/// More than is written between two marks when callers come in hundreds each second.
const MAX_TAIL: u64 = 1024 * 1024;
/// Longer than any line.
pub(crate) const MAX_LINE: u64 = 64 * 1024;
/// What is no file is put aside under this name.
const ASIDE: &str = "audit.aside";

/// Answers the path of a file; 0 is the newest.
pub(crate) fn file(state_directory: &Path, number: usize) -> PathBuf {
    match number {
        0 => state_directory.join("audit.jsonl"),
        number => state_directory.join(format!("audit.{number}.jsonl")),
    }
}

/// Answers the numbers of the files that are there, the newest first.
///
/// # Errors
/// If the directory can't be read; one that is absent has none.
pub(crate) fn numbers(state_directory: &Path) -> io::Result<Vec<usize>> {
    let entries = match std::fs::read_dir(state_directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        numbers.extend(entry?.file_name().to_str().and_then(number));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn number(name: &str) -> Option<usize> {
    let middle = name.strip_prefix("audit.")?.strip_suffix("jsonl")?;
    if middle.is_empty() {
        return Some(0);
    }
    let digits = middle.strip_suffix('.')?;
    let number = digits.parse().ok().filter(|number| (1..=MAX_NUMBER).contains(number))?;
    // One number, one name.
    (digits == number.to_string()).then_some(number)
}

/// Makes the rotated files private, which a backup or a copy may have made readable.
pub(crate) fn protect(state_directory: &Path) -> io::Result<()> {
    for path in numbers(state_directory)?.into_iter().map(|number| file(state_directory, number)) {
        // Opening for writing would make it.
        if is_file(&path)
            && let Err(error) = open_to_write(&path, Writing::AtTheEnd)
        {
            tracing::warn!(%error, path = %path.display(), "make a file of the audit private");
        }
    }
    Ok(())
}

fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_file())
}

/// Puts aside what lies in the place of the newest file and is no file, in the place of what was put aside before;
/// answers whether there was something.
pub(crate) fn put_aside(state_directory: &Path) -> io::Result<bool> {
    let path = file(state_directory, 0);
    if is_file(&path) || path.symlink_metadata().is_err() {
        return Ok(false);
    }
    std::fs::rename(&path, state_directory.join(ASIDE)).map(|()| true)
}

/// A line, and whether it is as it was written.
pub(crate) struct Found {
    pub(crate) line: Line,
    pub(crate) is_sealed: bool,
}

/// Answers the last lines of the newest file that has any, newest first; what is no line is left out.
pub(crate) fn tail(state_directory: &Path) -> io::Result<impl Iterator<Item = Found>> {
    let mut text = Vec::new();
    for number in numbers(state_directory)? {
        text = end(&file(state_directory, number), MAX_TAIL)?;
        if !text.is_empty() {
            break;
        }
    }
    let mut pieces: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    pieces.reverse();
    Ok(pieces.into_iter().filter_map(|piece| parse(&piece)))
}

fn parse(piece: &[u8]) -> Option<Found> {
    let line = serde_json::from_slice(piece).ok()?;
    Some(Found { line, is_sealed: is_sealed(piece) })
}

/// Answers the end of a file; one that is absent, or is no file, has none.
fn end(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if let Some(mut file) = present(path)? {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
        file.take(most).read_to_end(&mut text)?;
    }
    Ok(text)
}

/// Opens a file; one that is absent, or is no file, is none.
fn present(path: &Path) -> io::Result<Option<File>> {
    if is_file(path) { open_to_read(path).map(Some) } else { Ok(None) }
}

/// Answers whether a file ends within a line.
pub(crate) fn is_torn(path: &Path) -> io::Result<bool> {
    Ok(end(path, 1)?.last().is_some_and(|last| *last != b'\n'))
}

/// Answers the last line of a file.
pub(crate) fn last_line(path: &Path) -> Option<Line> {
    let text = end(path, 2 * MAX_LINE).ok()?;
    text.rsplit(|byte| *byte == b'\n').find_map(|piece| serde_json::from_slice(piece).ok())
}

/// Answers the first line of a file.
pub(crate) fn first_line(path: &Path) -> Option<Line> {
    let mut text = Vec::new();
    present(path).ok()??.take(2 * MAX_LINE).read_to_end(&mut text).ok()?;
    text.split(|byte| *byte == b'\n').find_map(|piece| serde_json::from_slice(piece).ok())
}

/// Answers the oldest line that is there.
pub(crate) fn oldest_line(state_directory: &Path) -> Option<Line> {
    let numbers = numbers(state_directory).ok()?;
    numbers.into_iter().rev().find_map(|number| first_line(&file(state_directory, number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_names() {
        let directory = tempfile::tempdir().unwrap();
        let others = [
            "audit.mark",
            "audit.0.jsonl",
            "audit.01.jsonl",
            "audit.1000.jsonl",
            "audit.x.jsonl",
            "audit.-1.jsonl",
        ];
        for name in others.iter().chain(&["audit.10.jsonl", "audit.jsonl", "audit.2.jsonl"]) {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        assert_eq!(numbers(directory.path()).unwrap(), [0, 2, 10]);
        assert!(numbers(&directory.path().join("absent")).unwrap().is_empty());
        for number in [0, 2, 10] {
            assert!(file(directory.path(), number).exists());
        }
    }
}
