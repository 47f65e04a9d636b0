//! The clock that dates signatures: ours, corrected by what the server's answers told.
//!
//! A correction that no real clock needs is not made, so that no answer can stop the signing.

use aws_smithy_async::time::TimeSource;
use keyfob_shared::Timestamp;
use std::time::{Duration, SystemTime};

/// Ten years, in milliseconds: further off, a date is an error or an attack, not a clock that is wrong.
const FARTHEST: u64 = 10 * 366 * 24 * 60 * 60 * 1_000;

/// The local clock, shifted by milliseconds.
#[derive(Debug)]
pub struct Corrected(i64);

impl Corrected {
    /// Shifts the local clock; a shift of more than ten years is ignored.
    #[must_use]
    pub fn by(skew: i64) -> Self {
        Self(if skew.unsigned_abs() <= FARTHEST { skew } else { 0 })
    }
}

impl TimeSource for Corrected {
    fn now(&self) -> SystemTime {
        shifted(local(), self.0)
    }
}

/// Answers whether a server's clock can show this date: it is within ten years of ours.
pub(crate) fn is_plausible(date: Timestamp) -> bool {
    let since = local().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    date.millis().abs_diff(now) <= FARTHEST
}

#[expect(clippy::disallowed_methods, reason = "the one place where signatures are dated")]
fn local() -> SystemTime {
    SystemTime::now()
}

// The signer can't write a date before 1970.
fn shifted(moment: SystemTime, millis: i64) -> SystemTime {
    let shift = Duration::from_millis(millis.unsigned_abs());
    let shifted = if millis < 0 { moment.checked_sub(shift) } else { moment.checked_add(shift) };
    shifted.filter(|shifted| *shifted >= SystemTime::UNIX_EPOCH).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    #[test]
    fn the_clock_is_shifted_both_ways() {
        let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(12 * 60 * 60);
        assert_eq!(shifted(noon, 20 * MINUTE), noon + Duration::from_secs(20 * 60));
        assert_eq!(shifted(noon, -20 * MINUTE), noon - Duration::from_secs(20 * 60));
        assert_eq!(Corrected::by(-20 * MINUTE).0, -20 * MINUTE);
    }

    #[test]
    fn a_shift_of_more_than_ten_years_is_ignored() {
        // The years 9999 and 0001, and the ends of the number.
        for skew in [251_000_000_000_000, -64_000_000_000_000, i64::MAX, i64::MIN] {
            assert_eq!(Corrected::by(skew).0, 0);
            Corrected::by(skew).now();
        }
    }

    #[test]
    fn no_shift_leads_out_of_the_calendar() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        assert_eq!(shifted(start, -MINUTE), start);
        shifted(SystemTime::UNIX_EPOCH, i64::MIN);
        shifted(SystemTime::UNIX_EPOCH, i64::MAX);
    }

    #[test]
    fn only_dates_near_our_own_are_plausible() {
        assert!(is_plausible(Timestamp::parse("2026-06-01T00:00:00Z").unwrap()));
        for text in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
            assert!(!is_plausible(Timestamp::parse(text).unwrap()), "{text}");
        }
        assert!(
            !is_plausible(Timestamp::from_millis(i64::MAX))
                && !is_plausible(Timestamp::from_millis(i64::MIN))
        );
    }
}
