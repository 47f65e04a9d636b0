//! Leases: how long a session is renewed unasked after somebody began to use it.

use crate::clock::Monotonic;

/// A lease of a slot. It begins with a session that was asked for, and renewal goes on within it only; when that session
/// has ended, whoever asks begins another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lease {
    /// Milliseconds; `None` means without an end.
    pub(crate) length: Option<i64>,
    since: Option<Monotonic>,
}

impl Lease {
    /// Takes the longest of several profiles; one without a lease has no end.
    pub(crate) fn join(&mut self, length: Option<i64>, is_first: bool) {
        self.length = if is_first { length } else { self.length.and_then(|own| Some(own.max(length?))) };
    }

    /// Begins, unless it runs.
    pub(crate) fn begin(&mut self, now: Monotonic) {
        self.since.get_or_insert(now);
    }

    /// Ends: the next session begins another.
    pub(crate) fn reset(&mut self) {
        self.since = None;
    }

    /// Answers its end, where it runs and has one.
    pub(crate) fn end(&self) -> Option<Monotonic> {
        Some(self.since?.plus(self.length?))
    }

    pub(crate) fn is_over(&self, now: Monotonic) -> bool {
        self.end().is_some_and(|end| end <= now)
    }

    /// Answers the same lease with another length.
    pub(crate) fn with_length_of(self, other: Self) -> Self {
        Self { length: other.length, ..self }
    }
}
