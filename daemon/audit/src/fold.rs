//! Failures that repeat: the first is a line of its own, and those like it within a minute are one more line with their number.
//!
//! What was served is never folded. Without this, whoever asks in vain all the time would wash out what matters.

use crate::process::Program;
use crate::{Caller, Entry, Outcome};
use keyfob_shared::Timestamp;
use std::collections::HashMap;
use std::time::Duration;

/// Failures that are alike are folded for this long.
pub(crate) const FOLD_TIME: Duration = Duration::from_secs(60);
/// Kinds of failures that are told apart within that time; others are counted together.
const MAX_KINDS: usize = 64;

/// An entry, with the programs behind its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) entry: Entry,
    pub(crate) program: Option<String>,
    pub(crate) parents: Vec<Program>,
}

impl Seen {
    /// Makes an entry about the audit itself.
    pub(crate) fn about_itself(beside: &Entry, request: &'static str, reason: String) -> Self {
        let entry = Entry {
            request,
            socket: None,
            profile: None,
            outcome: Outcome::Failed,
            reason: Some(reason),
            access_key_id: None,
            session_name: None,
            caller: Caller::default(),
            ..beside.clone()
        };
        Self { entry, program: None, parents: Vec::new() }
    }
}

/// What makes two failures alike.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Kind {
    Like {
        request: &'static str,
        socket: Option<String>,
        profile: Option<String>,
        reason: Option<String>,
        uid: u32,
        programs: [Option<String>; 2],
    },
    Others,
}

/// Failures of one kind.
#[derive(Debug)]
struct Fold {
    since: Timestamp,
    last: Seen,
    times: u64,
}

/// The failures of the last minute.
#[derive(Debug, Default)]
pub(crate) struct Folds {
    kinds: HashMap<Kind, Fold>,
}

impl Folds {
    /// Answers an entry that is to be written now; one that is folded is kept.
    pub(crate) fn pass(&mut self, seen: Seen) -> Option<Seen> {
        if seen.entry.outcome == Outcome::Served {
            return Some(seen);
        }
        let kind = Kind::Like {
            request: seen.entry.request,
            socket: seen.entry.socket.clone(),
            profile: seen.entry.profile.clone(),
            reason: seen.entry.reason.clone(),
            uid: seen.entry.caller.uid,
            programs: [seen.program.clone(), seen.parents.first().map(|parent| parent.program.clone())],
        };
        let is_new = !self.kinds.contains_key(&kind);
        if is_new && self.kinds.len() < MAX_KINDS {
            self.kinds.insert(kind, Fold { since: seen.entry.time, last: seen.clone(), times: 0 });
            return Some(seen);
        }
        let (kind, seen) = if is_new { (Kind::Others, others(seen)) } else { (kind, seen) };
        let new = || Fold { since: seen.entry.time, last: seen.clone(), times: 0 };
        let fold = self.kinds.entry(kind).or_insert_with(new);
        fold.last = seen;
        fold.times += 1;
        None
    }

    /// Answers what was folded and whose minute is over, or all of it, with the numbers.
    pub(crate) fn due(&mut self, now: Option<Timestamp>) -> Vec<(Seen, u64)> {
        let over = |fold: &Fold| {
            now.is_none_or(|now| now.millis().abs_diff(fold.since.millis()) >= FOLD_TIME.as_millis() as u64)
        };
        let ended = self.kinds.extract_if(|_, fold| over(fold)).map(|(_, fold)| fold);
        let mut ended: Vec<Fold> = ended.filter(|fold| fold.times > 0).collect();
        ended.sort_by_key(|fold| fold.last.entry.time);
        ended.into_iter().map(|fold| (fold.last, fold.times)).collect()
    }

    /// Answers whether something is folded that is not written.
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.values().all(|fold| fold.times == 0)
    }
}

/// Answers what is told of failures that are not told apart.
fn others(seen: Seen) -> Seen {
    let reason = Some("failures of many kinds, which are not told apart".into());
    let caller = Caller { uid: seen.entry.caller.uid, ..Caller::default() };
    let entry = Entry { profile: None, reason, session_name: None, caller, ..seen.entry };
    Seen { entry, program: None, parents: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(profile: &str, outcome: Outcome, seconds: i64) -> Seen {
        let entry = Entry {
            time: Timestamp::from_millis(seconds * 1_000),
            request: "get",
            socket: None,
            profile: Some(profile.into()),
            outcome,
            reason: (outcome != Outcome::Served).then(|| "why".into()),
            access_key_id: None,
            session_name: None,
            caller: Caller::default(),
        };
        Seen { entry, program: Some("keyfob".into()), parents: Vec::new() }
    }

    #[test]
    fn equal_failures_of_a_minute_are_two_lines_and_what_was_served_is_one_each() {
        let mut folds = Folds::default();
        let mut written = Vec::new();
        for second in 0..59 {
            written
                .extend(folds.pass(seen("a", Outcome::Failed, second)).map(|seen| (seen.entry.profile, 0)));
            written
                .extend(folds.pass(seen("p", Outcome::Served, second)).map(|seen| (seen.entry.profile, 1)));
        }
        assert_eq!(written.len(), 60);
        assert!(folds.due(Some(Timestamp::from_millis(59_999))).is_empty() && !folds.is_empty());
        let due = folds.due(Some(Timestamp::from_millis(60_000)));
        assert_eq!(due, [(seen("a", Outcome::Failed, 58), 58)]);
        assert!(folds.is_empty() && folds.due(None).is_empty());
        assert!(folds.pass(seen("a", Outcome::Failed, 60)).is_some(), "the next minute begins with a line");
    }

    #[test]
    fn failures_that_differ_are_told_apart() {
        let mut folds = Folds::default();
        let first = seen("a", Outcome::Failed, 0);
        let mut reason = first.clone();
        reason.entry.reason = Some("another".into());
        let mut parent = first.clone();
        parent.parents = vec![Program { pid: 7, program: "/bin/sh".into() }];
        for seen in [first, seen("b", Outcome::Failed, 0), reason, parent] {
            assert!(folds.pass(seen).is_some());
        }
        assert!(folds.due(None).is_empty(), "nothing was folded");
    }

    #[test]
    fn failures_of_ever_new_kinds_are_bounded_and_counted() {
        let mut folds = Folds::default();
        let written = (0..10_000)
            .filter(|number| folds.pass(seen(&number.to_string(), Outcome::Failed, 1)).is_some())
            .count();
        assert_eq!(written, MAX_KINDS);
        let due = folds.due(None);
        assert_eq!(due.len(), 1);
        assert_eq!((due[0].1, &due[0].0.entry.profile), (10_000 - MAX_KINDS as u64, &None));
    }
}
