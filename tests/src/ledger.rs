//! An audit that is made by hand, for times that have gone by and for names that no daemon would write: its format, and
//! none of the product's code.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Lines that follow each other.
#[derive(Clone, Debug)]
pub struct Ledger {
    seq: u64,
    previous: String,
    lines: Vec<String>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { seq: 0, previous: "0".repeat(64), lines: Vec::new() }
    }
}

impl Ledger {
    /// Adds a line with these fields beside those that each line has.
    ///
    /// # Panics
    /// If the fields are no object.
    pub fn add(&mut self, time: &str, fields: Value) {
        self.seq += 1;
        let mut line = format!("{{\"seq\":{},\"time\":\"{time}\"", self.seq);
        let default = json!({ "request": "get", "outcome": "served", "uid": 1000, "pid": 7 });
        let fields = fields.as_object().unwrap();
        // The order is that of the format.
        for name in [
            "request",
            "socket",
            "profile",
            "outcome",
            "reason",
            "times",
            "access_key_id",
            "session_name",
            "uid",
            "pid",
            "program",
            "parents",
        ] {
            if let Some(value) = fields.get(name).or_else(|| default.get(name)) {
                write!(line, ",\"{name}\":{value}").unwrap();
            }
        }
        write!(line, ",\"previous\":\"{}\",\"hash\":\"", self.previous).unwrap();
        self.previous = digest(&format!("{line}\"}}"));
        write!(line, "{}\"}}", self.previous).unwrap();
        self.lines.push(line);
    }

    /// Answers how many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Answers whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Writes files that end with these lines, counted from 1, the last with all that are left, and the mark.
    pub fn save(&self, directory: &Path, ends: &[usize]) {
        let starts: Vec<usize> = [&[0], ends].concat();
        for (at, start) in starts.iter().enumerate() {
            let name = match starts.len() - 1 - at {
                0 => "audit.jsonl".to_owned(),
                number => format!("audit.{number}.jsonl"),
            };
            let end = starts.get(at + 1).copied().unwrap_or(self.lines.len());
            let text: String = self.lines[*start..end].iter().map(|line| format!("{line}\n")).collect();
            fs::write(directory.join(name), text).unwrap();
        }
        let mark = json!({ "first": 1, "seq": self.seq, "hash": self.previous });
        fs::write(directory.join("audit.mark"), mark.to_string()).unwrap();
    }
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}
