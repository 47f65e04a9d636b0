//! Checks that nothing of the audit was changed, moved, put in or taken out.

use crate::chain::{DISORDER, LOST, Line, START, is_sealed};
use crate::files::file;
use crate::mark::{self, Mark};
use crate::read::{History, Part};
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A check beside a daemon that removes old files is begun again this often.
const ATTEMPTS: usize = 3;

/// What a check has found in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Lines that were checked.
    pub lines: u64,
    /// Lines that were half written when the daemon ended.
    pub torn: u64,
    /// Lines which tell that others could not be written.
    pub lost: u64,
    /// The oldest line that is kept; 0 if there is none.
    pub first: u64,
    /// The newest line; `None` if there is none.
    pub newest: Option<Anchor>,
}

/// A line that was there once. Kept elsewhere, it shows what nothing beside the audit can: an older state that was put
/// back with its mark, and an audit that was written anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The number of the line.
    pub seq: u64,
    /// Its digest.
    pub hash: String,
}

impl fmt::Display for Anchor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for Anchor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "an anchor is the number of a line, a colon and its 64 hexadecimal digits";
        let (seq, hash) = text.split_once(':').ok_or(WRONG)?;
        let is_digest = hash.len() == START.len() && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let seq = seq.parse().ok().filter(|seq| *seq > 0 && is_digest).ok_or(WRONG)?;
        Ok(Self { seq, hash: hash.to_ascii_lowercase() })
    }
}

/// Where the audit was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 speaks of the whole file.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl Broken {
    fn whole(file: PathBuf, why: impl Into<String>) -> Self {
        Self { file, line: 0, why: why.into() }
    }
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

/// Checks the chain of digests from the oldest line that is kept, that the mark speaks of no other lines, and that an
/// anchor is one of them. An anchor older than [`Verified::first`] was not met.
///
/// # Errors
/// The first line that does not follow from the one before, or what is missing or can't be read.
pub fn verify(state_directory: &Path, anchor: Option<&Anchor>) -> Result<Verified, Broken> {
    let mut attempts = 1;
    loop {
        // The mark first: lines that are written meanwhile are behind it.
        let mark = read_mark(state_directory)?;
        let history = History::open(state_directory).map_err(|error| {
            Broken::whole(state_directory.to_owned(), format!("it can't be read: {error}"))
        })?;
        let mut check = Check::new(state_directory, mark.as_ref(), anchor);
        let checked = history.parts().iter().try_for_each(|part| check.part(part)).and_then(|()| check.end());
        if checked.is_ok() || attempts == ATTEMPTS || read_mark(state_directory)? == mark {
            return checked;
        }
        attempts += 1;
    }
}

fn read_mark(state_directory: &Path) -> Result<Option<Mark>, Broken> {
    Mark::read(state_directory).map_err(|error| {
        Broken::whole(mark::path(state_directory), format!("the mark can't be read: {error}"))
    })
}

/// A place in a file.
#[derive(Clone)]
struct Place {
    file: PathBuf,
    line: usize,
}

impl Place {
    fn broken(&self, why: impl Into<String>) -> Broken {
        Broken { file: self.file.clone(), line: self.line, why: why.into() }
    }
}

/// A check, as far as it has come.
struct Check<'a> {
    state_directory: &'a Path,
    mark: Option<&'a Mark>,
    anchor: Option<&'a Anchor>,
    verified: Verified,
    /// The newest line so far.
    before: Option<Place>,
    /// Half a line behind it.
    half: Option<Place>,
}

impl<'a> Check<'a> {
    fn new(state_directory: &'a Path, mark: Option<&'a Mark>, anchor: Option<&'a Anchor>) -> Self {
        let verified = Verified { lines: 0, torn: 0, lost: 0, first: 0, newest: None };
        Self { state_directory, mark, anchor, verified, before: None, half: None }
    }

    fn part(&mut self, part: &Part) -> Result<(), Broken> {
        let mut place = Place { file: part.path.clone(), line: 0 };
        let read = part.pieces(|number, piece| {
            place.line = number;
            match self.piece(&place, piece) {
                Ok(()) => ControlFlow::Continue(()),
                Err(broken) => ControlFlow::Break(broken),
            }
        });
        match read {
            Ok(ControlFlow::Continue(())) => self.is_marked(part),
            Ok(ControlFlow::Break(broken)) => Err(broken),
            Err(error) => Err(Broken::whole(part.path.clone(), format!("it can't be read: {error}"))),
        }
    }

    /// Checks that the mark speaks of all lines of a file that is no longer written to: it does before there is a next.
    fn is_marked(&self, part: &Part) -> Result<(), Broken> {
        let (Some(mark), Some(newest)) = (self.mark, &self.verified.newest) else { return Ok(()) };
        if newest.seq <= mark.seq || part.path == file(self.state_directory, 0) {
            return Ok(());
        }
        let path = mark::path(self.state_directory);
        Err(Broken::whole(
            path,
            format!("the mark is older than {}: an older one was put back", part.path.display()),
        ))
    }

    fn piece(&mut self, place: &Place, piece: &[u8]) -> Result<(), Broken> {
        let Ok(line) = serde_json::from_slice::<Line>(piece) else {
            let next = self.verified.newest.as_ref().map(|newest| newest.seq.saturating_add(1));
            if !is_torn(piece, next) {
                return Err(place.broken("it is no line of the audit, and no crash has left it"));
            }
            self.verified.torn += 1;
            self.half = Some(place.clone());
            return Ok(());
        };
        if !is_sealed(piece) {
            return Err(place.broken("the line was changed"));
        }
        match &self.verified.newest {
            Some(newest) => self.follows(&line, newest, place)?,
            None => {
                self.begins(&line, place)?;
                self.verified.first = line.seq;
            }
        }
        self.is_what_was_written(&line).map_err(|why| place.broken(why))?;
        self.verified.lines += 1;
        self.verified.lost += u64::from(line.request == LOST);
        self.verified.newest = Some(Anchor { seq: line.seq, hash: line.hash });
        match &mut self.before {
            Some(before) if before.file == place.file => before.line = place.line,
            before => *before = Some(place.clone()),
        }
        self.half = None;
        Ok(())
    }

    /// Checks a line against the one before it.
    fn follows(&self, line: &Line, newest: &Anchor, place: &Place) -> Result<(), Broken> {
        let expected = newest.seq.saturating_add(1);
        if line.seq > expected {
            let before = self.before.as_ref().filter(|before| before.file != place.file);
            let behind = before.map_or_else(String::new, |before| {
                format!(", behind {}:{}", before.file.display(), before.line)
            });
            return Err(self.missing_before(place, expected, line.seq - 1, &behind));
        }
        if line.seq < expected {
            let why = format!("it is line {} of the audit, and line {expected} belongs here", line.seq);
            return Err(place.broken(why));
        }
        if line.previous != newest.hash {
            let why = "it does not follow from the line before it: one of the two was exchanged";
            return Err(place.broken(why));
        }
        Ok(())
    }

    /// Checks the oldest line that is there.
    fn begins(&self, line: &Line, place: &Place) -> Result<(), Broken> {
        if line.seq == 1 && line.previous != START {
            return Err(place.broken("the first line was exchanged"));
        }
        match self.mark {
            Some(mark) if line.seq > mark.first => {
                Err(self.missing_before(place, mark.first, line.seq - 1, ""))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn missing_before(&self, place: &Place, first: u64, last: u64, behind: &str) -> Broken {
        let (lines, are) = lines(first, last);
        match &self.half {
            Some(half) => half.broken(format!("it was changed or cut: {lines} {are} missing")),
            None => place.broken(format!("{lines} before it {are} missing{behind}")),
        }
    }

    /// Checks a line against what is known of it from elsewhere.
    fn is_what_was_written(&self, line: &Line) -> Result<(), String> {
        if self.mark.is_some_and(|mark| mark.seq == line.seq && mark.hash != line.hash) {
            return Err("it is not the line that was written".into());
        }
        if self.anchor.is_some_and(|anchor| anchor.seq == line.seq && anchor.hash != line.hash) {
            return Err("it is not the line of the anchor: the audit was written anew".into());
        }
        if line.request == DISORDER {
            let reason = line.reason.as_deref().unwrap_or("something was wrong");
            return Err(format!("the daemon has found then: {reason}"));
        }
        Ok(())
    }

    /// Checks that nothing is missing at the end.
    fn end(self) -> Result<Verified, Broken> {
        let last = self.verified.newest.as_ref().map_or(0, |newest| newest.seq);
        match self.mark {
            None if last > 0 => {
                return Err(Broken::whole(mark::path(self.state_directory), "the mark is missing"));
            }
            Some(mark) if last < mark.seq => return Err(self.missing_behind(last + 1, mark.seq, "")),
            Some(_) | None => {}
        }
        match self.anchor {
            Some(anchor) if last < anchor.seq => {
                let why = ": an older state was put back, or the audit was begun anew";
                Err(self.missing_behind(last + 1, anchor.seq, why))
            }
            Some(_) | None => Ok(self.verified),
        }
    }

    fn missing_behind(&self, first: u64, last: u64, more: &str) -> Broken {
        let (lines, are) = lines(first, last);
        match (&self.half, &self.before) {
            (Some(half), _) => half.broken(format!("it was changed or cut: {lines} {are} missing{more}")),
            (None, Some(before)) => before.broken(format!("{lines} behind it {are} missing{more}")),
            (None, None) => {
                Broken::whole(file(self.state_directory, 0), format!("{lines} {are} missing{more}"))
            }
        }
    }
}

fn lines(first: u64, last: u64) -> (String, &'static str) {
    if first == last {
        (format!("line {first}"), "is")
    } else {
        (format!("the lines {first} to {last}"), "are")
    }
}

/// Answers whether a crash may have left this: the beginning of the line that was to follow, or zeros, which a file
/// system may leave where it lost power.
fn is_torn(piece: &[u8], next: Option<u64>) -> bool {
    let start = match next {
        Some(next) => format!("{{\"seq\":{next},\"time\":\""),
        None => "{\"seq\":".into(),
    };
    let zeros = piece.iter().rev().take_while(|byte| **byte == 0).count();
    let text = &piece[..piece.len() - zeros];
    let common = text.len().min(start.len());
    !piece.is_empty() && text[..common] == start.as_bytes()[..common]
}
