//! What must be true at every moment of every history.

use super::aws::Aws;
use super::vault::Vault;
use super::{Action, HOUR, MINUTE, SECOND};
use std::collections::HashMap;

/// What the promises need to know of what happened.
#[derive(Debug, Default)]
pub(super) struct Promises {
    /// Of each key: good answers in a row, when the last one came, and when a list showed it as active.
    pub(super) good: HashMap<String, (u32, i64)>,
    pub(super) listed: HashMap<String, i64>,
    /// Until when uses of the old key are allowed or known.
    pub(super) accepted: i64,
    /// When somebody else made the old key active again.
    pub(super) reactivated: Option<i64>,
    /// When somebody else made the new key inactive, the last time.
    pub(super) sabotaged: i64,
    /// Things done and asked within an hour, and how often a crash or a person has begun anew.
    hour: i64,
    actions: u32,
    turns: u32,
    restarts: u32,
}

impl Promises {
    pub(super) fn check(&self, now: i64, aws: &Aws, vault: &Vault, sabotaged: Option<&str>) {
        assert!(aws.living().len() <= 2, "three keys");
        let current = vault.current.as_deref().expect("a key signs");
        assert!(aws.works(current, now) || sabotaged == Some(current), "{current} signs and does not work");
    }

    /// A program that begins anew has no proofs.
    pub(super) fn begin_anew(&mut self) {
        self.good.clear();
        self.listed.clear();
        self.restarts += 1;
    }

    pub(super) fn somebody_wants(&mut self) {
        self.restarts += 1;
    }

    fn count(&mut self, now: i64) {
        if self.hour != now / HOUR {
            (self.hour, self.actions, self.turns, self.restarts) = (now / HOUR, 0, 0, 0);
        }
        let most = 450 + 30 * self.restarts;
        assert!(self.actions <= most, "{} actions in an hour", self.actions);
        assert!(self.turns <= 3 * most, "{} turns in an hour", self.turns);
    }

    pub(super) fn turn(&mut self, now: i64) {
        self.turns += 1;
        self.count(now);
    }

    pub(super) fn act(&mut self, now: i64) {
        self.actions += 1;
        self.count(now);
    }

    pub(super) fn answered(&mut self, key: &str, good: bool, now: i64) {
        let (count, last) = self.good.entry(key.into()).or_default();
        *count = if good { *count + 1 } else { 0 };
        *last = now;
    }

    /// Before AWS is asked to do something to a key.
    pub(super) fn may(&self, action: &Action, now: i64, aws: &Aws, vault: &Vault) {
        match action {
            Action::Deactivate { key, .. } => {
                self.is_ours(key, aws);
                let shown = aws.shown_use(key, now - 6 * MINUTE).unwrap_or(i64::MIN);
                assert!(
                    shown <= self.accepted + 62 * SECOND,
                    "{key} was used at {shown}, and until {} is allowed",
                    self.accepted
                );
            }
            Action::Activate { key, .. } => self.is_ours(key, aws),
            Action::Delete { key, .. } => self.may_delete(key, now, aws, vault),
            Action::Verify { .. }
            | Action::ListKeys { .. }
            | Action::LastUsed { .. }
            | Action::Create { .. }
            | Action::StoreNext { .. }
            | Action::Switch { .. }
            | Action::SwitchBack { .. }
            | Action::DropNext
            | Action::DropPrevious => {}
        }
    }

    fn is_ours(&self, key: &str, aws: &Aws) {
        assert!(!aws.find(key).foreign, "{key} is somebody else's");
    }

    fn may_delete(&self, key: &str, now: i64, aws: &Aws, vault: &Vault) {
        self.is_ours(key, aws);
        let current = vault.current.as_deref().expect("a key signs");
        assert_ne!(key, current, "deletes the key that signs");
        // What happens between a proof and the deletion, nobody can know.
        let known = self.sabotaged == 0 || now - self.sabotaged > 3 * MINUTE;
        assert!(aws.works(current, now) || !known, "deletes {key}, and {current} does not work");
        let listed = self.listed.get(current).is_some_and(|at| now - at < 5 * MINUTE);
        assert!(listed, "deletes {key}, and {current} is not seen to be active");
        let is_old = vault.previous.as_deref() == Some(key);
        let is_known = is_old || vault.next.as_deref() == Some(key);
        if is_known {
            let (good, last) = self.good.get(current).copied().unwrap_or_default();
            assert!(good >= 5 && now - last < 5 * MINUTE, "deletes {key}, and {current} is not proven");
        } else {
            // Nobody has its secret.
            assert_eq!(aws.shown_use(key, now), None, "{key} was used");
        }
        if is_old && aws.find(key).active {
            let since = self.reactivated.map_or(i64::MAX, |at| now - at);
            assert!(since < 5 * MINUTE, "deletes {key}, which is active");
        }
    }
}
