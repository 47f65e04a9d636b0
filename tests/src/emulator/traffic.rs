//! What came with the sessions of one role: a client has a role of its own.

use super::answer::Refusal;
use super::{Emulator, State, sts};
use hyper::HeaderMap;
use std::time::{Duration, Instant};

/// The requests to the object store and `GetCallerIdentity` that were signed with sessions of one role.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// How many had a good session.
    pub accepted: u64,
    /// Why others were refused.
    pub refused: Vec<String>,
    /// The access keys in the order of their first use.
    pub keys: Vec<String>,
    /// What the client calls itself.
    pub agent: String,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Traffic {
    /// Answers how long after the first request the last one came.
    pub fn lasted(&self) -> Duration {
        self.first.zip(self.last).map(|(first, last)| last - first).unwrap_or_default()
    }
}

impl Emulator {
    /// Answers how long ago the last request came.
    pub fn idle(&self) -> Duration {
        let last = self.state().traffic.values().filter_map(|traffic| traffic.last).max();
        last.map(|last| last.elapsed()).unwrap_or_default()
    }

    /// Answers what came with the sessions of a role, by the role's name.
    pub fn traffic(&self, role: &str) -> Traffic {
        self.state().traffic.get(role).cloned().unwrap_or_default()
    }
}

impl State {
    /// Takes note of a request and whether it was refused.
    pub(super) fn note(&mut self, headers: &HeaderMap, wrong: Option<&Refusal>, what: &str) {
        let refused = wrong.map(|wrong| format!("{what}: {}", wrong.message));
        let key = sts::signer(headers).unwrap_or_default();
        let arn = self.keys.get(&key).map(|known| known.arn.clone()).unwrap_or_default();
        let traffic = self.traffic.entry(arn.split('/').nth(1).unwrap_or_default().to_owned()).or_default();
        traffic.last = Some(Instant::now());
        traffic.first = traffic.first.or(traffic.last);
        if !traffic.keys.contains(&key) {
            traffic.keys.push(key);
        }
        let agent = headers.get("user-agent").and_then(|value| value.to_str().ok());
        traffic.agent = agent.unwrap_or_default().to_owned();
        traffic.refused.extend(refused.clone());
        traffic.accepted += u64::from(refused.is_none());
        self.accepted += u64::from(refused.is_none());
        self.refused.extend(refused);
    }
}
