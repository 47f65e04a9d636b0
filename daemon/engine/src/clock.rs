//! Moments that the engine is given, and the time of the server as its answers tell it.
//!
//! Reads no clock. The monotonic clock counts time in suspend; the wall clock may step.

use keyfob_shared::Timestamp;

/// A moment of a clock that never steps and counts suspend, in milliseconds since some start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(pub i64);

impl Monotonic {
    /// Answers the moment `millis` later.
    #[must_use]
    pub const fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// Both clocks, read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// What people's clocks show.
    pub wall: Timestamp,
    /// What durations are measured by.
    pub monotonic: Monotonic,
}

impl Now {
    /// Answers wall minus monotonic, in milliseconds: it changes only when the wall clock steps.
    pub const fn offset(self) -> i64 {
        self.wall.millis() - self.monotonic.0
    }
}

/// Follows the distance between the two clocks, so that a moment has one wall time however often it is asked.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    offset: i64,
    most: i64,
}

impl WallClock {
    /// Wall and monotonic clock are read one after the other; below this, in milliseconds, a change is no step.
    pub const STEP: i64 = 2_000;

    /// Starts with the clocks as they are.
    pub const fn new(now: Now) -> Self {
        Self { offset: now.offset(), most: now.offset() }
    }

    /// Takes note of the clocks and answers by how many milliseconds the wall clock has stepped, if it has.
    pub const fn step(&mut self, now: Now) -> Option<i64> {
        let step = now.offset() - self.offset;
        if step.abs() <= Self::STEP {
            return None;
        }
        self.offset = now.offset();
        if self.offset > self.most {
            self.most = self.offset;
        }
        Some(step)
    }

    /// Answers the wall time of a monotonic moment.
    pub const fn wall(&self, moment: Monotonic) -> Timestamp {
        Timestamp::from_millis(moment.0.saturating_add(self.offset))
    }

    /// Answers the latest that a monotonic moment was on the wall clock, before it was set back.
    pub const fn latest_wall(&self, moment: Monotonic) -> Timestamp {
        Timestamp::from_millis(moment.0.saturating_add(self.most))
    }

    /// Answers the monotonic moment of a wall time.
    pub const fn monotonic(&self, moment: Timestamp) -> Monotonic {
        Monotonic(moment.millis().saturating_sub(self.offset))
    }
}

/// How far the server's clock is ahead of ours, as the `Date` headers of its answers tell (whole seconds, RFC 9110).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skew {
    value: i64,
    most: i64,
}

impl Skew {
    // 2000-01-01 and 2200-01-01: a date outside of them is no clock's.
    const PLAUSIBLE: std::ops::Range<i64> = 946_684_800_000..7_258_118_400_000;

    /// Hears the date of an answer that came between sending and receiving.
    ///
    /// What was known stays while it explains the date; else the smallest value that does is taken.
    #[must_use]
    pub fn heard(self, server_date: Timestamp, sent: Timestamp, received: Timestamp) -> Self {
        if !Self::PLAUSIBLE.contains(&server_date.millis()) {
            return self;
        }
        let least = server_date.millis() - received.millis();
        let most = server_date.millis() + 1_000 - sent.millis();
        let value = match self.value {
            known if (least..=most).contains(&known) => known,
            _ if least > 0 => least,
            _ => most.min(0),
        };
        Self { value, most }
    }

    /// Follows a step of our clock, in milliseconds forward.
    #[must_use]
    pub const fn after_step(self, step: i64) -> Self {
        Self { value: self.value.saturating_sub(step), most: self.most.saturating_sub(step) }
    }

    /// Answers the skew in milliseconds; 0 while our clock may be right.
    pub const fn millis(self) -> i64 {
        self.value
    }

    /// Answers the skew by which the end of a session is judged: the latest that the server's clock may show.
    pub const fn latest(self) -> i64 {
        if self.value == 0 { 0 } else { self.most }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    const YEAR_2026: i64 = 1_767_225_600_000;

    fn heard(before: Skew, date: i64, sent: i64, received: i64) -> Skew {
        before.heard(at(YEAR_2026 + date), at(YEAR_2026 + sent), at(YEAR_2026 + received))
    }

    #[test]
    fn a_date_within_the_round_trip_is_no_skew() {
        assert_eq!(heard(Skew::default(), 10_000, 10_400, 10_900).millis(), 0);
        assert_eq!(heard(Skew::default(), 10_000, 9_900, 10_100).latest(), 0);
    }

    #[test]
    fn skew_is_the_smallest_that_explains_the_date() {
        let ahead = heard(Skew::default(), 70_000, 10_000, 10_200);
        assert_eq!((ahead.millis(), ahead.latest()), (59_800, 61_000));
        let behind = heard(Skew::default(), 10_000, 70_000, 70_200);
        assert_eq!((behind.millis(), behind.latest()), (-59_000, -59_000));
    }

    #[test]
    fn a_skew_that_explains_the_next_date_too_stays_as_it_is() {
        let first = heard(Skew::default(), 70_000, 10_000, 10_200);
        assert_eq!(heard(first, 71_000, 11_300, 11_500).millis(), first.millis());
        assert_ne!(heard(first, 72_000, 11_300, 11_500).millis(), first.millis());
    }

    #[test]
    fn a_step_of_our_clock_changes_the_skew() {
        let skew = heard(Skew::default(), 3_600_000, 0, 0).after_step(3_600_000);
        assert_eq!((skew.millis(), Skew::default().after_step(-5_000).millis()), (0, 5_000));
    }

    #[test]
    fn an_absurd_date_is_not_heard() {
        let skew = Skew::default().heard(at(i64::MAX), at(YEAR_2026), at(YEAR_2026));
        assert_eq!(skew, Skew::default());
    }

    #[test]
    fn slow_drift_of_reading_two_clocks_is_no_step() {
        let mut clock = WallClock::new(Now { wall: at(1_000_000), monotonic: Monotonic(5) });
        assert_eq!(clock.step(Now { wall: at(1_000_900), monotonic: Monotonic(15) }), None);
        assert_eq!(clock.wall(Monotonic(5)), at(1_000_000));
        assert_eq!(clock.step(Now { wall: at(500_000), monotonic: Monotonic(25) }), Some(-500_020));
        assert_eq!(clock.wall(Monotonic(25)), at(500_000));
        assert_eq!(clock.latest_wall(Monotonic(25)), at(1_000_020));
    }
}
