//! The head of an item: one line that says where the value is, and how to know it.
//!
//! `keyfob1 GENERATION WRITE CHUNKS LENGTH SHA256`, then the value itself if there are no chunks. Whoever writes the
//! head makes the value valid, all at once.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const FORMAT: &str = "keyfob1";
/// The longest first line: five numbers of 20 digits would fit.
pub(super) const MAX_LINE: usize = 192;
/// The longest value; a session has about 2 KB.
pub(super) const MAX_VALUE: usize = 64 * 1_024;

/// Where a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The generation that the caller gave.
    pub(super) generation: u64,
    /// Which write of the item made the chunks.
    pub(super) write: u64,
    /// How many chunks there are; 0 if the value follows the line.
    pub(super) chunks: usize,
    /// Length of the value in bytes.
    pub(super) length: usize,
    digest: String,
}

impl Head {
    pub(super) fn of(value: &[u8], generation: u64, write: u64, chunks: usize) -> Self {
        Self { generation, write, chunks, length: value.len(), digest: digest(value) }
    }

    /// Answers whether bytes are the value that was written.
    pub(super) fn fits(&self, value: &[u8]) -> bool {
        value.len() == self.length && digest(value) == self.digest
    }

    /// Writes the line, with the value behind it if there is one.
    pub(super) fn to_bytes(&self, value: &[u8]) -> Zeroizing<Vec<u8>> {
        let Self { generation, write, chunks, length, digest } = self;
        let line = format!("{FORMAT} {generation} {write} {chunks} {length} {digest}\n");
        let mut bytes = Zeroizing::new(Vec::with_capacity(line.len() + value.len()));
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(value);
        bytes
    }

    /// Reads the line, and answers what follows it; `None` if it is damaged.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let end = bytes.iter().take(MAX_LINE).position(|byte| *byte == b'\n')?;
        let (line, rest) = bytes.split_at(end);
        let words: Vec<&str> = std::str::from_utf8(line).ok()?.split(' ').collect();
        let [FORMAT, generation, write, chunks, length, digest] = words.as_slice() else { return None };
        let head = Self {
            generation: generation.parse().ok()?,
            write: write.parse().ok()?,
            chunks: chunks.parse().ok()?,
            length: length.parse().ok()?,
            digest: (*digest).to_owned(),
        };
        (head.length <= MAX_VALUE && head.chunks <= MAX_VALUE).then_some((head, rest.get(1..)?))
    }
}

fn digest(value: &[u8]) -> String {
    Sha256::digest(value).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_comes_back_with_what_follows_it() {
        let head = Head::of(b"secret", 3, 9, 0);
        let bytes = head.to_bytes(b"secret");
        assert_eq!(Head::parse(&bytes), Some((head.clone(), b"secret".as_slice())));
        assert!(head.fits(b"secret"));
        assert!(!head.fits(b"secreT") && !head.fits(b"secret ") && !head.fits(b""));
    }

    #[test]
    fn the_longest_line_has_room() {
        let head = Head { length: MAX_VALUE, chunks: MAX_VALUE, ..Head::of(b"", u64::MAX, u64::MAX, 0) };
        assert!(head.to_bytes(b"").len() <= MAX_LINE);
        assert_eq!(Head::parse(&head.to_bytes(b"")), Some((head, b"".as_slice())));
    }

    #[test]
    fn a_damaged_head_is_refused_and_never_a_crash() {
        let whole = Head::of(b"x", 1, 1, 0).to_bytes(b"");
        for length in 0..whole.len() {
            assert_eq!(Head::parse(&whole[..length]), None);
        }
        for text in ["keyfob2 1 1 0 1 aa\n", "keyfob1 1 1 0 99999999 aa\n", "keyfob1 1 -1 0 1 aa\n", "\n"] {
            assert_eq!(Head::parse(text.as_bytes()), None, "{text}");
        }
    }
}
