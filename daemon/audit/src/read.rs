//! Reads the audit back, oldest line first, and checks that nothing was changed or taken out.

use crate::chain::{Line, START};
use crate::files::{FILES, file};
use crate::mark::{self, Mark};
use crate::platform::open_to_read;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Longer than any line; what is longer is none.
const MAX_LINE: u64 = 64 * 1024;
/// A check beside a daemon that rotates its files is begun again this often.
const ATTEMPTS: usize = 3;

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
    /// The line, from 1; 0 speaks of the whole file.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}: {}", self.file.display(), self.why),
            line => write!(formatter, "{}:{line}: {}", self.file.display(), self.why),
        }
    }
}

impl std::error::Error for Broken {}

/// Answers every line of the audit, with its place; what is no line, and a file that can't be read, is an error there.
pub fn read(state_directory: &Path) -> impl Iterator<Item = (PathBuf, usize, io::Result<Line>)> {
    let files: Vec<PathBuf> = (0..FILES).rev().map(|number| file(state_directory, number)).collect();
    files.into_iter().filter(|path| path.symlink_metadata().is_ok()).flat_map(|path| {
        pieces(&path).enumerate().map(move |(number, piece)| {
            let line = piece.and_then(|piece| serde_json::from_slice(&piece).map_err(not_a_line));
            (path.clone(), number + 1, line)
        })
    })
}

fn not_a_line(error: serde_json::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Answers what lies between line ends; the first error is the last piece.
fn pieces(path: &Path) -> impl Iterator<Item = io::Result<Vec<u8>>> + use<> {
    let mut reader = Some(open_to_read(path).map(BufReader::new));
    std::iter::from_fn(move || {
        let mut file = match reader.take()? {
            Ok(file) => file,
            Err(error) => return Some(Err(error)),
        };
        let mut piece = Vec::new();
        match file.by_ref().take(MAX_LINE).read_until(b'\n', &mut piece) {
            Ok(0) => None,
            Ok(_) => {
                reader = Some(Ok(file));
                Some(Ok(piece))
            }
            Err(error) => Some(Err(error)),
        }
    })
}

/// Checks the chain of digests from the oldest line that is kept, and that the mark speaks of no other lines.
///
/// # Errors
/// The first line that does not follow from the one before, or what is missing or can't be read.
pub fn verify(state_directory: &Path) -> Result<Verified, Broken> {
    let mut attempts = 1;
    loop {
        // The mark first: lines that are written meanwhile are behind it.
        let mark = read_mark(state_directory)?;
        let checked = check(state_directory, mark.as_ref());
        if checked.is_ok() || attempts == ATTEMPTS || read_mark(state_directory)? == mark {
            return checked;
        }
        attempts += 1;
    }
}

fn read_mark(state_directory: &Path) -> Result<Option<Mark>, Broken> {
    Mark::read(state_directory).map_err(|error| Broken {
        file: mark::path(state_directory),
        line: 0,
        why: format!("the mark can't be read: {error}"),
    })
}

fn check(state_directory: &Path, mark: Option<&Mark>) -> Result<Verified, Broken> {
    let mut verified = Verified { lines: 0, torn: 0 };
    let mut before: Option<Line> = None;
    let mut end = (file(state_directory, 0), 0);
    for (file, line, parsed) in read(state_directory) {
        let parsed = match parsed {
            Ok(parsed) => parsed,
            // A crash may cut the last line short; the daemon goes on in the next.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                verified.torn += 1;
                continue;
            }
            Err(error) => return Err(Broken { file, line: 0, why: format!("it can't be read: {error}") }),
        };
        if let Some(why) = wrong(&parsed, before.as_ref(), mark) {
            return Err(Broken { file, line, why: why.into() });
        }
        verified.lines += 1;
        end = (file, line);
        before = Some(parsed);
    }
    let last = before.map_or(0, |line| line.seq);
    match mark {
        None if last == 0 => Ok(verified),
        None => Err(Broken { file: mark::path(state_directory), line: 0, why: "the mark is missing".into() }),
        Some(mark) if last < mark.seq => {
            let why = format!("the lines {} to {} behind it are missing", last + 1, mark.seq);
            Err(Broken { file: end.0, line: end.1, why })
        }
        Some(_) => Ok(verified),
    }
}

fn wrong(line: &Line, before: Option<&Line>, mark: Option<&Mark>) -> Option<&'static str> {
    if line.digest() != line.hash {
        return Some("the line was changed");
    }
    match before {
        Some(before) if line.previous != before.hash => {
            return Some("a line before it was changed or taken out");
        }
        Some(before) if line.seq != before.seq + 1 => return Some("a line before it was taken out"),
        None if line.seq == 1 && line.previous != START => return Some("the first line was exchanged"),
        None if mark.is_some_and(|mark| line.seq > mark.first) => {
            return Some("the lines before it were taken out");
        }
        Some(_) | None => {}
    }
    let is_exchanged = mark.is_some_and(|mark| mark.seq == line.seq && !mark.is_of(line));
    is_exchanged.then_some("it is not the line that was written")
}
