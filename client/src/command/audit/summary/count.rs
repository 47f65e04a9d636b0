//! Requests counted by profile, program and day.
//!
//! What is held is bounded, whatever is read: so many profiles with programs, and so many days.

use keyfob_audit::{Line, Outcome};
use keyfob_shared::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

const DAY: i64 = 24 * 3_600 * 1_000;
/// Profiles with programs that are told apart; others are counted together.
const MAX_ROWS: usize = 1_000;
/// Days that are told apart, the newest.
const MAX_DAYS: usize = 400;
/// The longest name that is told; the daemon writes none that is longer.
const MAX_NAME: usize = 256;
/// Stands for a profile or a program that a line does not name.
pub(super) const NONE: &str = "-";

/// Requests by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    pub(super) served: u64,
    pub(super) failed: u64,
    pub(super) refused: u64,
}

impl Counts {
    pub(super) fn add(&mut self, line: &Line) {
        let count = match line.outcome {
            Outcome::Served => &mut self.served,
            Outcome::Failed => &mut self.failed,
            Outcome::Refused => &mut self.refused,
        };
        *count = count.saturating_add(line.requests());
    }

    fn plus(self, other: Self) -> Self {
        Self {
            served: self.served.saturating_add(other.served),
            failed: self.failed.saturating_add(other.failed),
            refused: self.refused.saturating_add(other.refused),
        }
    }

    pub(super) fn all(self) -> u64 {
        self.served.saturating_add(self.failed).saturating_add(self.refused)
    }
}

/// What one program did with one profile, or many of them did.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) counts: Counts,
    pub(super) last: Option<Timestamp>,
    pub(super) days: Days,
}

impl Row {
    pub(super) fn add(&mut self, line: &Line) {
        self.counts.add(line);
        self.last = self.last.max(Some(line.time));
        self.days.add(line);
    }
}

/// Counts by day since 1970, in UTC.
#[derive(Debug, Default)]
pub(super) struct Days(pub(super) BTreeMap<i64, Counts>);

impl Days {
    pub(super) fn add(&mut self, line: &Line) {
        self.0.entry(day(line.time)).or_default().add(line);
        if self.0.len() > MAX_DAYS {
            self.0.pop_first();
        }
    }

    /// Answers the sums of the days of each group.
    pub(super) fn grouped(&self, groups: Groups) -> Vec<(i64, Counts)> {
        let of = |start: i64| {
            let days = self.0.range(start..start + groups.days);
            (start, days.fold(Counts::default(), |sum, (_, counts)| sum.plus(*counts)))
        };
        groups.starts().map(of).collect()
    }
}

/// Days that are drawn, some of them as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Groups {
    first: i64,
    last: i64,
    pub(super) days: i64,
}

impl Groups {
    fn starts(self) -> impl Iterator<Item = i64> {
        (self.first..=self.last).step_by(usize::try_from(self.days).unwrap_or(1))
    }
}

/// Requests by profile and program.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) rows: BTreeMap<(String, String), Row>,
    pub(super) others: Option<Box<Row>>,
    pub(super) days: Days,
    /// Lines that tell of the audit itself.
    pub(super) about_the_audit: u64,
    /// The days that were asked for, where that was said.
    asked: (Option<i64>, Option<i64>),
}

impl Summary {
    pub(super) fn new(since: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        Self { asked: (since.map(day), until.map(day)), ..Self::default() }
    }

    pub(super) fn add(&mut self, line: &Line) {
        if line.is_about_the_audit() {
            self.about_the_audit += 1;
            return;
        }
        self.days.add(line);
        let name = |name: Option<&str>| name.unwrap_or(NONE).chars().take(MAX_NAME).collect::<String>();
        let key = (name(line.profile.as_deref()), name(line.asker()));
        if self.rows.len() >= MAX_ROWS && !self.rows.contains_key(&key) {
            return self.others.get_or_insert_default().add(line);
        }
        self.rows.entry(key).or_default().add(line);
    }

    /// Groups the days that were asked for, or those that have requests, so that there are not more than some.
    pub(super) fn groups(&self, most: i64) -> Option<Groups> {
        let (first, last) = (*self.days.0.first_key_value()?.0, *self.days.0.last_key_value()?.0);
        let last = self.asked.1.map_or(last, |asked| asked.max(last));
        // Years that a wrong clock has skipped are no chart.
        let first = self.asked.0.map_or(first, |asked| asked.min(first)).max(last - MAX_DAYS as i64 + 1);
        Some(Groups { first, last, days: (last - first + most) / most })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (&str, &str, &Row)> {
        let rows =
            self.rows.iter().map(|((profile, program), row)| (profile.as_str(), program.as_str(), row));
        rows.chain(self.others.as_deref().map(|row| ("others", NONE, row)))
    }
}

fn day(moment: Timestamp) -> i64 {
    moment.millis().div_euclid(DAY)
}

/// Answers a day as it is written.
pub(super) fn date(day: i64) -> String {
    Timestamp::from_millis(day.saturating_mul(DAY)).to_string().chars().take("2026-01-01".len()).collect()
}
