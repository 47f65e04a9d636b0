//! The one place where clocks are read.

use keyfob_engine::clock::{Monotonic, Now};
use keyfob_shared::Timestamp;

/// Reads both clocks.
pub(crate) fn now() -> Now {
    crate::platform::now()
}

/// Answers a moment from its parts: seconds and nanoseconds of the wall clock and of the one that counts suspend.
pub(crate) fn moment(wall: (i64, i64), monotonic: (i64, i64)) -> Now {
    let millis = |(seconds, nanoseconds): (i64, i64)| {
        seconds.saturating_mul(1_000).saturating_add(nanoseconds / 1_000_000)
    };
    Now { wall: Timestamp::from_millis(millis(wall)), monotonic: Monotonic(millis(monotonic)) }
}
