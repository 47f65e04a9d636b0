//! Stdout for lists of any length.

use crate::command::listing::escaped;
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
