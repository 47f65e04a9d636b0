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
}

impl WallClock {
    /// Wall and monotonic clock are read one after the other; below this, in milliseconds, a change is no step.
    pub const STEP: i64 = 2_000;

    /// Starts with the clocks as they are.
    pub const fn new(now: Now) -> Self {
        Self { offset: now.offset() }
    }

    /// Takes note of the clocks and answers whether the wall clock has stepped.
    pub const fn stepped(&mut self, now: Now) -> bool {
        let stepped = (now.offset() - self.offset).abs() > Self::STEP;
        if stepped {
            self.offset = now.offset();
        }
        stepped
    }

    /// Answers the wall time of a monotonic moment.
    pub const fn wall(&self, moment: Monotonic) -> Timestamp {
        Timestamp::from_millis(moment.0.saturating_add(self.offset))
    }

    /// Answers the monotonic moment of a wall time.
    pub const fn monotonic(&self, moment: Timestamp) -> Monotonic {
        Monotonic(moment.millis().saturating_sub(self.offset))
    }
}

/// Answers how far the server's clock is ahead of ours, in milliseconds: the smallest value that a `Date` header
/// (whole seconds, RFC 9110) between sending and receiving allows.
pub fn skew(server_date: Timestamp, sent: Timestamp, received: Timestamp) -> i64 {
    let least = server_date.millis() - received.millis();
    let most = server_date.millis() + 1_000 - sent.millis();
    if least > 0 { least } else { most.min(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_date_within_the_round_trip_is_no_skew() {
        assert_eq!(skew(at(10_000), at(10_400), at(10_900)), 0);
        assert_eq!(skew(at(10_000), at(9_900), at(10_100)), 0);
    }

    #[test]
    fn skew_is_the_smallest_that_explains_the_date() {
        assert_eq!(skew(at(70_000), at(10_000), at(10_200)), 59_800);
        assert_eq!(skew(at(10_000), at(70_000), at(70_200)), -59_000);
    }

    #[test]
    fn slow_drift_of_reading_two_clocks_is_no_step() {
        let mut clock = WallClock::new(Now { wall: at(1_000_000), monotonic: Monotonic(5) });
        assert!(!clock.stepped(Now { wall: at(1_000_900), monotonic: Monotonic(15) }));
        assert_eq!(clock.wall(Monotonic(5)), at(1_000_000));
        assert!(clock.stepped(Now { wall: at(500_000), monotonic: Monotonic(25) }));
        assert_eq!(clock.wall(Monotonic(25)), at(500_000));
    }
}
