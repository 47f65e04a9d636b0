//! A line, and the digest that binds it to all lines before it.

use crate::Outcome;
use crate::process::Program;
use keyfob_shared::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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
    /// About which profile or identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was not served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
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

impl Line {
    /// Answers the digest of everything but `hash`; `previous` is part of it.
    pub(crate) fn digest(&self) -> String {
        let unsealed = Self { hash: String::new(), ..self.clone() };
        let text = serde_json::to_vec(&unsealed).expect("lines always serialize");
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Bounds a text of others, and keeps it on one line.
pub(crate) fn clean(text: &str) -> String {
    const LONGEST: usize = 256;
    text.chars().take(LONGEST).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
