//! Programs behind a caller: its own and its parents', as far as they still live.
//!
//! Names of programs only; command lines may hold secrets and are never read.

use crate::Caller;
use crate::chain::clean;
use keyfob_shared::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

const MAX_PARENTS: usize = 8;
const MAX_CACHE: usize = 1_024;

/// A process and its program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its number.
    pub pid: u32,
    /// The path of its program, or its short name.
    pub program: String,
}

/// A number is taken for the same process this long, in milliseconds, before it is looked at again.
const TRUSTED: i64 = 1_000;

/// Remembers programs by number and start, which together name a process for good.
#[derive(Default)]
pub(crate) struct Programs {
    known: HashMap<(u32, u64), Known>,
    // The start of the process with a number, and when it was looked at.
    seen: HashMap<u32, (u64, i64)>,
}

#[derive(Clone)]
struct Known {
    program: Option<String>,
    parent: u32,
}

impl Programs {
    /// Answers the program of a caller and of its parents, nearest first.
    pub(crate) fn of(&mut self, caller: &Caller, now: Timestamp) -> (Option<String>, Vec<Program>) {
        let own = match (caller.pid, caller.started) {
            (0, _) | (_, None) => None,
            (pid, Some(started)) => self.of_start(pid, started).and_then(|known| known.program),
        };
        let mut parents = Vec::new();
        let mut next = caller.ppid;
        while let Some(pid) = next.filter(|pid| *pid > 1 && parents.len() < MAX_PARENTS) {
            let Some(known) = self.of_number(pid, now.millis()) else { break };
            let Some(program) = known.program else { break };
            parents.push(Program { pid, program });
            next = Some(known.parent);
        }
        (own.or_else(|| caller.comm.as_deref().map(clean)), parents)
    }

    /// Answers what is known of a process with a number and a start, if it is still there or was seen before.
    fn of_start(&mut self, pid: u32, started: u64) -> Option<Known> {
        if let Some(known) = self.known.get(&(pid, started)) {
            return Some(known.clone());
        }
        let found = stat(pid).filter(|found| found.started == started)?;
        Some(self.learn(pid, found))
    }

    /// Answers what is known of the process that has a number now.
    fn of_number(&mut self, pid: u32, now: i64) -> Option<Known> {
        if let Some((started, seen)) = self.seen.get(&pid)
            && (*seen..*seen + TRUSTED).contains(&now)
            && let Some(known) = self.known.get(&(pid, *started))
        {
            return Some(known.clone());
        }
        let found = stat(pid)?;
        if self.seen.len() >= MAX_CACHE {
            self.seen.clear();
        }
        self.seen.insert(pid, (found.started, now));
        match self.known.get(&(pid, found.started)) {
            Some(known) => Some(known.clone()),
            None => Some(self.learn(pid, found)),
        }
    }

    fn learn(&mut self, pid: u32, found: Stat) -> Known {
        let program = std::fs::read_link(format!("/proc/{pid}/exe")).ok();
        let program = program.map_or(found.comm, |path| path.to_string_lossy().into_owned());
        let known = Known { program: Some(clean(&program)), parent: found.parent };
        if self.known.len() >= MAX_CACHE {
            self.known.clear();
        }
        self.known.insert((pid, found.started), known.clone());
        known
    }
}

/// A process as `/proc` describes it.
struct Stat {
    parent: u32,
    started: u64,
    comm: String,
}

/// Answers parent, start and short name of a process.
fn stat(pid: u32) -> Option<Stat> {
    let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (front, back) = (line.find('(')?, line.rfind(')')?);
    let mut fields = line.get(back + 1..)?.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    let started = fields.nth(17)?.parse().ok()?;
    Some(Stat { parent, started, comm: line.get(front + 1..back)?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_named_with_its_parents() {
        let pid = std::process::id();
        let Stat { parent: ppid, started, comm } = stat(pid).unwrap();
        let caller = Caller { uid: 0, pid, ppid: Some(ppid), started: Some(started), comm: Some(comm) };
        let mut programs = Programs::default();
        let (program, parents) = programs.of(&caller, Timestamp::from_millis(0));
        assert_eq!(programs.of(&caller, Timestamp::from_millis(1)), (program.clone(), parents.clone()));
        assert_eq!(program.as_deref(), std::env::current_exe().unwrap().to_str());
        assert_eq!(parents.first().map(|parent| parent.pid), Some(ppid));
    }

    #[test]
    fn a_process_that_took_over_a_number_is_not_named() {
        let caller = Caller {
            uid: 0,
            pid: std::process::id(),
            ppid: None,
            started: Some(1),
            comm: Some("gone".into()),
        };
        assert_eq!(
            Programs::default().of(&caller, Timestamp::from_millis(0)),
            (Some("gone".into()), Vec::new())
        );
    }
}
