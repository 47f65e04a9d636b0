//! Reads the newest file of the audit as it grows: what a live view counts, not what a check trusts.
//!
//! Each call reads a bounded piece, however much was written: what is older than that is passed over, and said.

use crate::chain::Line;
use crate::files::file;
use crate::platform::open_to_read;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The most that one call reads of a file, in bytes: some thousand lines.
const MAX_PIECE: u64 = 2 * 1024 * 1024;

/// A place in the audit, from which it is read on.
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    file: Option<File>,
    /// The start of a line that was not written to its end.
    rest: Vec<u8>,
}

impl Follow {
    /// Begins near the end of the audit, as far back as one call reads.
    pub fn new(state_directory: &Path) -> Self {
        Self { path: file(state_directory, 0), file: None, rest: Vec::new() }
    }

    /// Hands over each line that was written since the last call, oldest first, and answers whether others before them
    /// were passed over. What is no line is left out.
    ///
    /// # Errors
    /// If the file can't be read; one that is not there yet has no lines.
    pub fn read(&mut self, mut each: impl FnMut(Line)) -> io::Result<bool> {
        let Some(file) = self.file.take() else { return self.open(&mut each) };
        let (file, mut passed_over) = self.go_on(file, &mut each)?;
        // The daemon renames a full file; a new one has another length than the one that grows no more.
        let before = file.metadata()?.len();
        let named = self.path.symlink_metadata().map(|found| found.len());
        let is_renamed = named.is_ok_and(|named| named != before) && file.metadata()?.len() == before;
        if is_renamed {
            self.rest.clear();
            passed_over |= self.open(&mut each)?;
        } else {
            self.file = Some(file);
        }
        Ok(passed_over)
    }

    fn open(&mut self, each: &mut impl FnMut(Line)) -> io::Result<bool> {
        match open_to_read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
            Ok(file) => {
                let (file, passed_over) = self.go_on(file, each)?;
                self.file = Some(file);
                Ok(passed_over)
            }
        }
    }

    fn go_on(&mut self, mut file: File, each: &mut impl FnMut(Line)) -> io::Result<(File, bool)> {
        let (length, place) = (file.metadata()?.len(), file.stream_position()?);
        let is_too_much = length.saturating_sub(place) > MAX_PIECE;
        if is_too_much {
            file.seek(SeekFrom::Start(length - MAX_PIECE))?;
            self.rest.clear();
        }
        let mut piece = std::mem::take(&mut self.rest);
        Read::by_ref(&mut file).take(MAX_PIECE).read_to_end(&mut piece)?;
        let end = piece.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.rest = piece.split_off(end);
        // What has no end for so long is no line.
        if self.rest.len() as u64 > MAX_PIECE {
            self.rest.clear();
        }
        let pieces = piece.split(|byte| *byte == b'\n');
        pieces.filter_map(|piece| serde_json::from_slice(piece).ok()).for_each(each);
        Ok((file, is_too_much))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn line(seq: u64) -> String {
        format!(
            r#"{{"seq":{seq},"time":"2026-01-01T00:00:00Z","request":"get","outcome":"served","uid":1,"pid":7,"previous":""}}"#
        )
    }

    fn append(path: &Path, text: &str) {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn read(follow: &mut Follow) -> (Vec<u64>, bool) {
        let mut seen = Vec::new();
        let passed_over = follow.read(|line| seen.push(line.seq)).unwrap();
        (seen, passed_over)
    }

    #[test]
    fn each_line_is_seen_once_when_it_is_whole() {
        let place = tempfile::tempdir().unwrap();
        let path = file(place.path(), 0);
        let mut follow = Follow::new(place.path());
        assert_eq!(read(&mut follow), (vec![], false), "there is no audit yet");
        append(&path, &format!("{}\nno line\n{}\n", line(1), line(2)));
        assert_eq!(read(&mut follow), (vec![1, 2], false));
        let third = line(3);
        append(&path, &third[..20]);
        assert_eq!(read(&mut follow), (vec![], false));
        append(&path, &format!("{}\n", &third[20..]));
        assert_eq!(read(&mut follow), (vec![3], false));
        assert_eq!(read(&mut follow), (vec![], false));
    }

    #[test]
    fn goes_on_in_the_next_file_when_one_is_full() {
        let place = tempfile::tempdir().unwrap();
        let path = file(place.path(), 0);
        let mut follow = Follow::new(place.path());
        append(&path, &format!("{}\n{}\n", line(1), line(2)));
        assert_eq!(read(&mut follow).0, [1, 2]);
        append(&path, &format!("{}\n", line(3)));
        std::fs::rename(&path, file(place.path(), 1)).unwrap();
        append(&path, &format!("{}\n", line(4)));
        assert_eq!(read(&mut follow), (vec![3, 4], false));
        append(&path, &format!("{}\n", line(5)));
        assert_eq!(read(&mut follow), (vec![5], false));
    }

    #[test]
    fn reads_a_bounded_piece_and_says_what_it_passes_over() {
        let place = tempfile::tempdir().unwrap();
        let path = file(place.path(), 0);
        let many = MAX_PIECE / line(1_000_000).len() as u64 + 1_000;
        let text: String = (0..many).map(|seq| format!("{}\n", line(1_000_000 + seq))).collect();
        append(&path, &text);
        let mut follow = Follow::new(place.path());
        let (seen, passed_over) = read(&mut follow);
        assert!(passed_over && seen.len() as u64 <= many - 1_000 && seen.len() > 1_000, "{}", seen.len());
        assert_eq!(seen.last(), Some(&(1_000_000 + many - 1)), "the newest are the ones that count");
        assert_eq!(read(&mut follow), (vec![], false));
    }
}
