//! The time by the clock of AWS, as far as its answers tell it; without them, ours.
//!
//! Within one process it never steps, whatever happens to our wall clock.

use super::Record;
use crate::clock::{Monotonic, Now, Skew, WallClock};
use keyfob_shared::Timestamp;

#[derive(Clone, Copy, Debug)]
pub(super) struct AwsClock {
    wall: WallClock,
    skew: Skew,
    // Moments that were recorded before any answer has told the time; they are put right then.
    undated: Option<Undated>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Undated {
    since: Option<Monotonic>,
    switched: Option<Monotonic>,
    accepted: Option<Monotonic>,
}

impl AwsClock {
    pub(super) fn new(now: Now) -> Self {
        Self { wall: WallClock::new(now), skew: Skew::default(), undated: Some(Undated::default()) }
    }

    /// Takes note of the clocks; to be called before anything else is done at a moment.
    pub(super) fn tick(&mut self, now: Now) {
        if let Some(step) = self.wall.step(now) {
            self.skew = self.skew.after_step(step);
        }
    }

    /// Hears the date of an answer that came between two moments. The first one puts right what was recorded before.
    pub(super) fn hear(&mut self, date: Timestamp, sent: Now, received: Now, record: &mut Record) {
        let wall = |moment: Now| self.wall.wall(moment.monotonic);
        self.skew = self.skew.heard(date, wall(sent), wall(received));
        let Some(undated) = self.undated.take() else { return };
        if std::mem::take(&mut record.undated) {
            // After a crash it is not known when a stage began that has no date: it begins anew.
            record.since = self.at(undated.since.unwrap_or(received.monotonic));
        }
        if let Some(moment) = undated.switched {
            record.switched_at = Some(self.at(moment));
        }
        if let Some(moment) = undated.accepted {
            record.accepted_at = Some(self.at(moment));
        }
    }

    /// Records since when the stage is what it is.
    pub(super) fn record_since(&mut self, now: Now, record: &mut Record) {
        record.since = self.at(now.monotonic);
        record.undated = self.undated.is_some();
        if let Some(undated) = &mut self.undated {
            undated.since = Some(now.monotonic);
        }
    }

    /// Records when the new key began to sign. Until a date tells, that was when the switch was begun: then a use may be
    /// told that was before it, but none goes unseen after it.
    pub(super) fn record_switch(&mut self, now: Now, record: &mut Record) {
        record.switched_at = Some(match &mut self.undated {
            None => self.at(now.monotonic),
            Some(undated) => {
                undated.switched = Some(now.monotonic);
                record.since
            }
        });
    }

    /// Records until when a person has accepted uses of the old key; until a date tells, those before a stop.
    pub(super) fn record_acceptance(&mut self, stopped: Timestamp, now: Now, record: &mut Record) {
        record.accepted_at = Some(match &mut self.undated {
            None => self.at(now.monotonic),
            Some(undated) => {
                undated.accepted = Some(now.monotonic);
                stopped
            }
        });
    }

    /// Answers by how many milliseconds the time may be wrong. AWS tells whole seconds, and an answer takes some; a clock
    /// that nobody has set right is off by minutes.
    pub(super) const fn may_be_off(&self) -> i64 {
        match self.undated {
            None => 5_000,
            Some(_) => 120_000,
        }
    }

    /// Answers the time by the clock of AWS.
    pub(super) fn at(&self, moment: Monotonic) -> Timestamp {
        Timestamp::from_millis(self.wall.wall(moment).millis().saturating_add(self.skew.millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::Pace;

    const START: i64 = 1_767_225_600_000;

    fn now(wall: i64, monotonic: i64) -> Now {
        Now { wall: Timestamp::from_millis(START + wall), monotonic: Monotonic(monotonic) }
    }

    fn record(now: Now) -> Record {
        Record::new("alice".parse().unwrap(), "AKIA1".into(), Pace::default(), now.wall)
    }

    #[test]
    fn a_step_of_our_clock_does_not_change_the_time_of_aws() {
        let mut clock = AwsClock::new(now(0, 0));
        for (wall, monotonic) in [(10_000, 10_000), (3_620_000, 20_000), (-7_170_000, 30_000)] {
            clock.tick(now(wall, monotonic));
            assert_eq!(clock.at(Monotonic(monotonic)).millis(), START + monotonic);
        }
    }

    #[test]
    fn the_first_date_puts_right_what_was_recorded_by_a_wrong_clock() {
        let (start, later) = (now(3_600_000, 0), now(3_610_000, 10_000));
        let (mut clock, mut record) = (AwsClock::new(start), record(start));
        clock.record_since(start, &mut record);
        clock.record_switch(start, &mut record);
        clock.record_acceptance(start.wall, start, &mut record);
        clock.hear(Timestamp::from_millis(START + 10_000), later, later, &mut record);
        for told in [Some(record.since), record.switched_at, record.accepted_at] {
            let told = told.unwrap().millis() - START;
            assert!((0..2_000).contains(&told), "{told}");
        }
    }
}
