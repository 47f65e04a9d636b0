//! Stdout for lists of any length.

use crate::command::{unexpected, unwritten};
use crate::platform::Stdout;
use keyfob_shared::Failure;
use serde::Serialize;
use std::io::{BufWriter, Write};

/// Stdout, written to in large pieces.
pub(super) struct Output(BufWriter<Stdout>);

impl Output {
    pub(super) fn new() -> Self {
        Self(BufWriter::with_capacity(64 * 1024, Stdout))
    }

    pub(super) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.0.write_all(text.as_bytes()).map_err(|error| unwritten(&error))
    }

    /// Writes an object on a line of its own.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|_| unexpected())?;
        self.text(&escaped(text))?;
        self.text("\n")
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.0.flush().map_err(|error| unwritten(&error))
    }
}

/// JSON escapes the control characters of ASCII; those behind them move the cursor of some terminals as well.
fn escaped(json: String) -> String {
    if !json.contains(char::is_control) {
        return json;
    }
    json.chars().fold(String::with_capacity(json.len()), |mut escaped, letter| {
        if letter.is_control() {
            escaped.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            escaped.push(letter);
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_is_printed_and_the_text_stays_the_same() {
        let text = "a\u{1b}[31m\n\u{7f}\u{9b}ü";
        let json = escaped(serde_json::to_string(text).unwrap());
        assert!(!json.contains(char::is_control), "{json:?}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
