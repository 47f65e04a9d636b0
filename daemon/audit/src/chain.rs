//! A line, and the digest that binds it to all lines before it.

use crate::Outcome;
use crate::process::Program;
use keyfob_shared::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The digest before the first line.
pub(crate) const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One line of the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Counts from 1, over restarts and files.
    pub seq: u64,
    /// When the request was answered.
    pub time: Timestamp,
    /// What was asked; `lost` tells of lines that were not written.
    pub request: String,
    /// Through which restricted socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// About which profile or identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was not served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// For how many requests this line stands, which failed alike within a minute; 1 if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// The key that was handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// The name of its session in CloudTrail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// Who asked.
    pub uid: u32,
    /// Its number.
    pub pid: u32,
    /// Its program, or its short name if it was gone already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Who started it, and who started that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<Program>,
    /// The digest of the line before.
    pub previous: String,
    /// The digest of this line without this field.
    #[serde(default)]
    pub hash: String,
}

/// What follows the digest, which is the last field.
const END: &[u8] = b"\"}";

/// The beginning of the last field.
const DIGEST: &[u8] = b",\"hash\":\"";

/// Requests of lines that tell of the audit itself.
pub(crate) const DISORDER: &str = "audit";
pub(crate) const LOST: &str = "lost";

impl Line {
    /// Answers for how many requests it stands.
    pub fn requests(&self) -> u64 {
        self.times.unwrap_or(1)
    }

    /// Answers whether it tells of the audit itself, and of no request.
    pub fn is_about_the_audit(&self) -> bool {
        [DISORDER, LOST].contains(&self.request.as_str())
    }

    /// Writes the line, which has no `hash` yet, with its digest, and answers that.
    pub(crate) fn seal(&self, text: &mut Vec<u8>) -> String {
        let line = self.to_json();
        let hash = digest(&line);
        let open = line.strip_suffix(END).unwrap_or(&line);
        [open, hash.as_bytes(), END, b"\n"].into_iter().for_each(|part| text.extend(part));
        hash
    }

    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("lines always serialize")
    }
}

/// Answers whether a line, as it lies in its file without the end of the line, has the digest that it was written with.
///
/// The bytes count, not what they mean: a space that was put in, or a field that nobody knows, is a change as well.
pub(crate) fn is_sealed(raw: &[u8]) -> bool {
    let Some(body) = raw.strip_suffix(END) else { return false };
    let Some((open, hash)) = body.len().checked_sub(START.len()).map(|at| body.split_at(at)) else {
        return false;
    };
    open.ends_with(DIGEST) && digest(&[open, END].concat()).as_bytes() == hash
}

/// Answers the digest of a text in hexadecimal digits.
pub(crate) fn digest(text: &[u8]) -> String {
    let mut hex = String::with_capacity(START.len());
    for byte in Sha256::digest(text) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Bounds a text of others, and keeps it on one line.
pub(crate) fn clean(text: &str) -> String {
    const LONGEST: usize = 256;
    text.chars().take(LONGEST).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"{"seq":1,"time":"2026-01-01T00:00:00Z","request":"get","profile":"ci","outcome":"served","access_key_id":"ASIA1","uid":1000,"pid":7,"previous":"0000000000000000000000000000000000000000000000000000000000000000","hash":"282c49e27775e4400af006a9fa23d98ffafe5bf236ada583a2af3bf0ca0dbbdf"}"#;

    #[test]
    fn a_line_from_before_there_were_sockets_has_its_digest_still() {
        assert!(is_sealed(OLD.as_bytes()));
        let line: Line = serde_json::from_str(OLD).unwrap();
        let mut text = Vec::new();
        Line { hash: String::new(), ..line.clone() }.seal(&mut text);
        assert_eq!(text, format!("{OLD}\n").as_bytes(), "it is written as it was");
        let other = OLD.replace("\"profile\"", "\"socket\":\"ci\",\"profile\"");
        assert!(!is_sealed(other.as_bytes()), "the name of the socket can't be added or changed");
    }

    #[test]
    fn no_byte_of_a_line_can_be_changed_or_put_in() {
        for at in 0..OLD.len() {
            let mut other = OLD.as_bytes().to_vec();
            other[at] ^= 1;
            assert!(!is_sealed(&other), "byte {at} was changed");
            let (before, behind) = OLD.split_at(at);
            assert!(!is_sealed(format!("{before} {behind}").as_bytes()), "a space was put in at {at}");
        }
        assert!(!is_sealed(b"") && !is_sealed(END) && !is_sealed(&OLD.as_bytes()[..OLD.len() - 1]));
    }
}
