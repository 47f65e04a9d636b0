//! Reads the audit back, oldest line first, a piece at a time however long it is.
//!
//! The files are opened together, so that a daemon which rotates or removes some meanwhile does not disturb.

use crate::chain::Line;
use crate::files::{MAX_LINE, file, numbers};
use crate::platform::{is_in_place, open_to_read};
use crate::select::Selection;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// The files are opened again this often when they were rotated meanwhile.
const ATTEMPTS: usize = 3;
/// Read at once.
const BUFFER: usize = 128 * 1024;

/// The files of the audit as they were at one moment, oldest first.
#[derive(Debug)]
pub struct History(Vec<Part>);

/// One of them, as long as it was then.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) path: PathBuf,
    opened: io::Result<(File, u64)>,
}

/// A file that could not be read to its end.
#[derive(Debug)]
pub struct Unread {
    /// The file.
    pub file: PathBuf,
    /// Why.
    pub cause: io::Error,
}

impl History {
    /// Opens the files in a directory; without it there are none.
    ///
    /// # Errors
    /// If the directory can't be read.
    pub fn open(state_directory: &Path) -> io::Result<Self> {
        let mut attempts = 1;
        loop {
            let numbers = numbers(state_directory)?;
            let history =
                Self(numbers.iter().rev().map(|number| Part::open(file(state_directory, *number))).collect());
            if attempts == ATTEMPTS || (history.is_in_place() && self::numbers(state_directory)? == numbers) {
                return Ok(history);
            }
            attempts += 1;
        }
    }

    fn is_in_place(&self) -> bool {
        self.0.iter().all(|part| match &part.opened {
            Ok((file, _)) => is_in_place(file, &part.path).unwrap_or(false),
            Err(_) => true,
        })
    }

    /// Answers how many bytes there are.
    pub fn bytes(&self) -> u64 {
        self.0.iter().filter_map(|part| part.opened.as_ref().ok()).map(|(_, length)| length).sum()
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Hands the lines that are wanted to a function, oldest first, or the newest `last` of them. What is no line is
    /// passed over; [`verify`](crate::verify()) tells of it. Answers the files that could not be read.
    ///
    /// # Errors
    /// What the function answers; it is not called again then.
    pub fn each<E>(
        &self,
        wanted: &Selection,
        last: Option<u64>,
        mut each: impl FnMut(Line) -> Result<(), E>,
    ) -> Result<Vec<Unread>, E> {
        let (first, mut skipped) = last.map_or((0, 0), |last| self.start_of(wanted, last));
        let mut unread = Vec::new();
        for part in self.0.iter().skip(first) {
            let read = part.lines(wanted, |line| {
                if skipped > 0 {
                    skipped -= 1;
                    return ControlFlow::Continue(());
                }
                match each(line) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => ControlFlow::Break(error),
                }
            });
            match read {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(error)) => return Err(error),
                Err(cause) => unread.push(Unread { file: part.path.clone(), cause }),
            }
        }
        Ok(unread)
    }

    /// Answers the file in which the newest lines begin, and how many before them are to be skipped there. Only those
    /// files are read.
    fn start_of(&self, wanted: &Selection, last: u64) -> (usize, u64) {
        let mut count = 0;
        for (at, part) in self.0.iter().enumerate().rev() {
            // What can't be read is told of when it is read again.
            let _ = part.lines(wanted, |_| {
                count += 1;
                ControlFlow::<()>::Continue(())
            });
            if count >= last {
                return (at, count - last);
            }
        }
        (0, 0)
    }
}

impl Part {
    fn open(path: PathBuf) -> Self {
        let opened = open_to_read(&path).and_then(|file| file.metadata().map(|found| (file, found.len())));
        Self { path, opened }
    }

    fn lines<B>(
        &self,
        wanted: &Selection,
        mut each: impl FnMut(Line) -> ControlFlow<B>,
    ) -> io::Result<ControlFlow<B>> {
        self.pieces(|_, piece| match serde_json::from_slice::<Line>(piece) {
            Ok(line) if wanted.takes(&line) => each(line),
            Ok(_) | Err(_) => ControlFlow::Continue(()),
        })
    }

    /// Hands what lies between line ends to a function, with its number from 1, until the function breaks off.
    pub(crate) fn pieces<B>(
        &self,
        mut each: impl FnMut(usize, &[u8]) -> ControlFlow<B>,
    ) -> io::Result<ControlFlow<B>> {
        let (mut file, length) = match &self.opened {
            Ok((file, length)) => (file, *length),
            Err(error) => return Err(io::Error::new(error.kind(), error.to_string())),
        };
        file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::with_capacity(BUFFER, file.take(length));
        let mut piece = Vec::new();
        for number in 1.. {
            piece.clear();
            if reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut piece)? == 0 {
                break;
            }
            if let ControlFlow::Break(end) = each(number, piece.strip_suffix(b"\n").unwrap_or(&piece)) {
                return Ok(ControlFlow::Break(end));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}
