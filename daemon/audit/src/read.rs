//! Reads the audit back, oldest line first, and checks that nothing was changed or taken out.

use crate::chain::{Line, START};
use crate::log::{FILES, file};
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// What a check has found in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Lines that were checked.
    pub lines: u64,
    /// Lines that were half written when the daemon ended.
    pub torn: u64,
}

/// Where the audit was changed.
#[derive(Debug)]
pub struct Broken {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file.display(), self.line, self.why)
    }
}

impl std::error::Error for Broken {}

/// Answers every line of the audit, with its place; a line that is none is an error in its place.
pub fn read(state_directory: &Path) -> impl Iterator<Item = (PathBuf, usize, io::Result<Line>)> {
    let files: Vec<PathBuf> = (0..FILES).rev().map(|number| file(state_directory, number)).collect();
    files.into_iter().flat_map(|path| {
        let lines =
            File::open(&path).ok().map(|file| BufReader::new(file).split(b'\n')).into_iter().flatten();
        lines.enumerate().map(move |(number, line)| {
            let parsed = line.and_then(|line| Ok(serde_json::from_slice(&line)?));
            (path.clone(), number + 1, parsed)
        })
    })
}

/// Checks the chain of digests from the oldest line that is kept.
///
/// # Errors
/// The first line that does not follow from the one before.
pub fn verify(state_directory: &Path) -> Result<Verified, Broken> {
    let mut verified = Verified { lines: 0, torn: 0 };
    let mut before: Option<Line> = None;
    for (file, line, parsed) in read(state_directory) {
        let Ok(parsed) = parsed else {
            // A crash may cut the last line short; the daemon goes on in the next.
            verified.torn += 1;
            continue;
        };
        let expected = before.as_ref().map(|before| (before.hash.as_str(), before.seq + 1));
        let why = match expected {
            _ if parsed.digest() != parsed.hash => Some("the line was changed"),
            Some((hash, _)) if parsed.previous != hash => Some("a line before it was changed or taken out"),
            Some((_, seq)) if parsed.seq != seq => Some("a line before it was taken out"),
            None if parsed.seq == 1 && parsed.previous != START => Some("the first line was exchanged"),
            Some(_) | None => None,
        };
        if let Some(why) = why {
            return Err(Broken { file, line, why: why.into() });
        }
        verified.lines += 1;
        before = Some(parsed);
    }
    Ok(verified)
}
