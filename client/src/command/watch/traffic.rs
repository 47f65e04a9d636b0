//! Who asked how often within the last hour, and what failed last, as the audit tells it. Bounded, whatever happens.

use crate::report::clean;
use keyfob_audit::{Line, Outcome};
use std::collections::{BTreeMap, VecDeque};

/// Minutes that are counted.
pub(super) const MINUTES: usize = 60;
/// Programs that are told apart; requests of more are counted together.
const MAX_PROGRAMS: usize = 128;
/// Failures that are kept.
const MAX_FAILURES: usize = 16;
/// The most characters of a text of others that are kept.
const MAX_TEXT: usize = 200;
const MINUTE: i64 = 60_000;
/// What stands for the programs that are one too many.
const OTHERS: &str = "others";

/// A request that was not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unserved {
    /// When, in milliseconds since the Unix epoch.
    pub(super) time: i64,
    /// About which profile or identity; empty if about none.
    pub(super) subject: String,
    /// Why.
    pub(super) reason: String,
}

/// Counts for each minute of an hour and each program.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    programs: BTreeMap<String, BTreeMap<i64, u64>>,
    failures: VecDeque<Unserved>,
    /// From when on nothing was passed over, if something was.
    since: Option<i64>,
    passed_over: bool,
}

impl Traffic {
    /// Takes note that lines before the next one were not seen.
    pub(super) fn pass_over(&mut self) {
        self.passed_over = true;
    }

    /// Counts a line.
    pub(super) fn add(&mut self, line: &Line) {
        let time = line.time.millis();
        if std::mem::take(&mut self.passed_over) {
            self.since = Some(time);
        }
        let program = program(line);
        let is_room = self.programs.len() < MAX_PROGRAMS || self.programs.contains_key(&program);
        let minutes = self.programs.entry(if is_room { program } else { OTHERS.into() }).or_default();
        *minutes.entry(time.div_euclid(MINUTE)).or_default() += line.times.unwrap_or(1);
        // A clock that is set about could make more minutes than there are.
        while minutes.len() > MINUTES + 1 {
            minutes.pop_first();
        }
        if line.outcome != Outcome::Served {
            self.failures.push_front(Unserved {
                time,
                subject: short(line.profile.as_deref().unwrap_or_default()),
                reason: short(line.reason.as_deref().unwrap_or("no reason is told")),
            });
            self.failures.truncate(MAX_FAILURES);
        }
    }

    /// Forgets what is older than an hour.
    pub(super) fn forget(&mut self, now: i64) {
        let oldest = now.div_euclid(MINUTE) - MINUTES as i64;
        for minutes in self.programs.values_mut() {
            *minutes = minutes.split_off(&(oldest + 1));
        }
        self.programs.retain(|_, minutes| !minutes.is_empty());
        self.since = self.since.filter(|since| since.div_euclid(MINUTE) > oldest);
    }

    /// Answers the programs with their requests, the busiest first.
    pub(super) fn programs(&self) -> Vec<(&str, u64)> {
        let sum = |minutes: &BTreeMap<i64, u64>| minutes.values().sum();
        let mut programs: Vec<(&str, u64)> =
            self.programs.iter().map(|(name, minutes)| (name.as_str(), sum(minutes))).collect();
        programs.sort_by_key(|(_, requests)| std::cmp::Reverse(*requests));
        programs
    }

    /// Answers for how many minutes requests were counted.
    pub(super) fn minutes(&self, now: i64) -> i64 {
        let hour = MINUTES as i64;
        self.since.map_or(hour, |since| ((now - since) / MINUTE).clamp(1, hour))
    }

    /// Answers what was not served, newest first.
    pub(super) fn failures(&self) -> impl Iterator<Item = &Unserved> {
        self.failures.iter()
    }
}

/// Answers who started the client: the caller of almost every request is `keyfob` itself.
fn program(line: &Line) -> String {
    let path = line.parents.first().map(|parent| &parent.program).or(line.program.as_ref());
    let name = path.and_then(|path| path.rsplit(['/', '\\']).next()).filter(|name| !name.is_empty());
    name.map_or_else(|| "not known".into(), short)
}

fn short(text: &str) -> String {
    clean(&text.chars().take(MAX_TEXT).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_225_600_000;

    fn line(minutes_ago: i64, program: &str, more: &str) -> Line {
        let time = keyfob_shared::Timestamp::from_millis(NOW - minutes_ago * MINUTE);
        let text = format!(
            r#"{{"seq":1,"time":"{time}","request":"get","outcome":"served","uid":1,"pid":7,"previous":"","program":"/usr/bin/keyfob","parents":[{{"pid":8,"program":"/opt/{program}"}}]{more}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn requests_count_for_who_started_the_client_and_for_an_hour() {
        let mut traffic = Traffic::default();
        traffic.add(&line(61, "terraform", ""));
        traffic.add(&line(30, "terraform", ""));
        traffic.add(&line(1, "aws", r#","times":5"#));
        traffic.forget(NOW);
        assert_eq!(traffic.programs(), [("aws", 5), ("terraform", 1)]);
        assert_eq!(traffic.minutes(NOW), 60);
        traffic.forget(NOW + 45 * MINUTE);
        assert_eq!(traffic.programs(), [("aws", 5)]);
    }

    #[test]
    fn what_was_passed_over_shortens_the_time_that_is_spoken_of() {
        let mut traffic = Traffic::default();
        traffic.pass_over();
        traffic.add(&line(12, "aws", ""));
        traffic.add(&line(2, "aws", ""));
        traffic.forget(NOW);
        assert_eq!(traffic.minutes(NOW), 12);
        traffic.forget(NOW + 50 * MINUTE);
        assert_eq!(traffic.minutes(NOW + 50 * MINUTE), 60);
    }

    #[test]
    fn stays_small_and_clean_whatever_the_audit_holds() {
        let mut traffic = Traffic::default();
        for number in 0..10_000 {
            traffic.add(&line(number % 2_000, &format!("p{number}"), ""));
            traffic.add(&line(number, "one", ""));
        }
        assert!(traffic.programs.len() <= MAX_PROGRAMS + 1, "{}", traffic.programs.len());
        assert!(traffic.programs.values().all(|minutes| minutes.len() <= MINUTES + 1));
        for _ in 0..100 {
            let mut failed = line(0, "aws", "");
            failed.outcome = Outcome::Failed;
            failed.reason = Some(format!("\u{1b}[2J{}", "x".repeat(500)));
            traffic.add(&failed);
        }
        assert_eq!(traffic.failures().count(), MAX_FAILURES);
        let reason = &traffic.failures().next().unwrap().reason;
        assert!(reason.starts_with(" [2Jxx") && reason.chars().count() == MAX_TEXT, "{reason}");
    }
}
