//! The wall clock: cookies and assertions end at a time of day.

use keyfob_shared::Timestamp;
use std::time::SystemTime;

/// Reads the wall clock.
#[expect(clippy::disallowed_methods, reason = "the one place where this room reads a clock")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
