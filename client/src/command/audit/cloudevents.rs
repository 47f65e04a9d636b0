//! Lines of the audit as CloudEvents: version 1.0.2 of the specification, its JSON event format.
//!
//! `id` is the digest of the line, which names it for good; `data` is the line as it is stored.

use crate::{platform, report};
use keyfob_audit::{Line, Outcome};
use keyfob_shared::Timestamp;
use serde::Serialize;

/// The format, and where the events come from.
pub(super) struct Format {
    source: String,
}

/// An event.
#[derive(Serialize)]
struct Event<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    kind: String,
    time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    datacontenttype: &'static str,
    data: &'a Line,
}

impl Format {
    pub(super) fn new() -> Self {
        Self { source: source(&platform::machine()) }
    }
}

impl super::Format for Format {
    fn event<'a>(&'a self, line: &'a Line) -> impl Serialize {
        Event {
            specversion: "1.0",
            id: &line.hash,
            source: &self.source,
            kind: format!("keyfob.{}.{}", attribute(&line.request), outcome(line.outcome)),
            time: line.time,
            subject: line.profile.as_deref().map(attribute).filter(|subject| !subject.is_empty()),
            datacontenttype: "application/json",
            data: line,
        }
    }
}

/// Makes a reference of the name of a machine: what has no place in one becomes its bytes in hexadecimal digits.
fn source(machine: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let name = machine
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    format!("/keyfob/audit/{}", name.collect::<String>())
}

/// Leaves out what an attribute may not hold: control characters and code points that are no characters.
fn attribute(text: &str) -> String {
    let is_character = |letter: &char| {
        let code = u32::from(*letter);
        code & 0xfffe != 0xfffe && !(0xfdd0..=0xfdef).contains(&code)
    };
    report::clean(text).chars().filter(is_character).collect()
}

pub(super) const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Served => "served",
        Outcome::Failed => "failed",
        Outcome::Refused => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format as _;
    use super::*;

    #[test]
    fn attributes_hold_what_they_may() {
        assert_eq!(source("host-1.corp.example"), "/keyfob/audit/host-1.corp.example");
        assert_eq!(source("höst 1/x"), "/keyfob/audit/h%C3%B6st%201%2Fx");
        assert_eq!(attribute("a\u{1b}\u{9b}b\u{fffe}\u{fdd0}\u{1ffff}ü"), "a  bü");
        let line = r#"{"seq":1,"time":"2026-01-01T00:00:00Z","request":"get","profile":"","outcome":"refused","uid":1,"pid":7,"previous":"","hash":"h"}"#;
        let line: Line = serde_json::from_str(line).unwrap();
        let event = serde_json::to_value(Format { source: "/s".into() }.event(&line)).unwrap();
        assert_eq!((&event["type"], &event["id"]), (&"keyfob.get.refused".into(), &"h".into()));
        assert!(event.get("subject").is_none(), "an empty subject is none");
    }
}
