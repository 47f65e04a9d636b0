//! When a key is to be rotated by schedule. Pure arithmetic.

use keyfob_shared::Timestamp;

/// The notice comes this long before, in seconds, or a tenth of the interval if that is less.
const NOTICE: i64 = 7 * 86_400;

/// Whether a key is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Not yet.
    Later {
        /// When a notice is given.
        notice_at: Timestamp,
        /// When it is due.
        due_at: Timestamp,
    },
    /// A notice is given.
    Soon {
        /// When it is due.
        due_at: Timestamp,
    },
    /// It is.
    Now {
        /// Since when.
        due_at: Timestamp,
    },
}

/// Answers whether a key that was created at a moment is to be rotated; `rotate_every` is in seconds.
pub fn due(created: Timestamp, rotate_every: i64, now: Timestamp) -> Due {
    let every = rotate_every.max(0);
    let after =
        |seconds: i64| Timestamp::from_millis(created.millis().saturating_add(seconds.saturating_mul(1_000)));
    let due_at = after(every);
    let notice_at = after(every - NOTICE.min(every / 10));
    match now {
        now if now >= due_at => Due::Now { due_at },
        now if now >= notice_at => Due::Soon { due_at },
        _ => Due::Later { notice_at, due_at },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_millis(day * DAY * 1_000)
    }

    #[test]
    fn a_notice_comes_a_week_before() {
        let (notice_at, due_at) = (day(83), day(90));
        assert_eq!(due(day(0), 90 * DAY, day(82)), Due::Later { notice_at, due_at });
        assert_eq!(due(day(0), 90 * DAY, day(83)), Due::Soon { due_at });
        assert_eq!(due(day(0), 90 * DAY, day(90)), Due::Now { due_at });
        assert_eq!(due(day(0), 90 * DAY, day(900)), Due::Now { due_at });
    }

    #[test]
    fn a_short_interval_has_a_short_notice() {
        let due_at = day(10);
        assert_eq!(due(day(0), 10 * DAY, day(8)), Due::Later { notice_at: day(9), due_at });
        assert_eq!(due(day(0), 10 * DAY, day(9)), Due::Soon { due_at });
    }

    #[test]
    fn absurd_numbers_are_no_overflow() {
        let last = Timestamp::from_millis(i64::MAX);
        assert!(matches!(due(last, i64::MAX, day(0)), Due::Later { .. }));
        assert_eq!(due(day(0), i64::MIN, day(0)), Due::Now { due_at: day(0) });
    }
}
