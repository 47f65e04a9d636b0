//! What must be true at every moment of every history.

use super::aws::Aws;
use super::vault::Vault;
use super::{Action, FailedKind, HOUR, MINUTE, Outcome, Pace, SECOND};
use std::collections::HashMap;

/// Whole seconds, and the way of an answer.
const NEARLY: i64 = 10 * SECOND;

/// What the promises need to know of what happened.
#[derive(Debug, Default)]
pub(super) struct Promises {
    /// Of each key: good answers in a row, when the last one came, and when a list showed it as active. These and when
    /// the last use of the old key was told are proofs of this process.
    good: HashMap<String, (u32, i64)>,
    listed: HashMap<String, i64>,
    told: Option<i64>,
    /// When the switch was first wanted.
    switch_began: Option<i64>,
    /// Until when uses of the old key are allowed or known: the switch, or a person's word.
    accepted: i64,
    /// When the old key was made inactive.
    inactive: i64,
    /// Whether a person wants no waits.
    hurried: bool,
    /// When the answer of a creation was lost, how many lists have shown only one key of ours since, and since when.
    lost: Option<i64>,
    looks: Option<(u32, i64)>,
    /// When somebody else made the old key active again, and the new one inactive, the last time.
    pub(super) reactivated: Option<i64>,
    pub(super) sabotaged: Option<i64>,
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
        self.told = None;
        self.restarts += 1;
    }

    pub(super) fn somebody_wants(&mut self) {
        self.restarts += 1;
    }

    pub(super) fn somebody_hurries(&mut self) {
        self.hurried = true;
    }

    /// A person knows of all uses until now, and the waits begin again.
    pub(super) fn somebody_accepts(&mut self, now: i64) {
        self.accepted = now;
        self.hurried = false;
    }

    pub(super) fn wants_switch(&mut self, now: i64) {
        self.switch_began.get_or_insert(now);
    }

    /// Somebody is told of a use.
    pub(super) fn tells_use(&mut self, at: i64) {
        let began = self.switch_began.expect("a switch");
        assert!(at >= began, "told of a use at {at}, and the switch began at {began}");
        self.hurried = false;
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

    /// Before something is done.
    pub(super) fn sent(&mut self, action: &Action, now: i64, aws: &Aws, vault: &Vault) {
        self.actions += 1;
        self.count(now);
        match action {
            Action::Create { .. } => self.may_create(now),
            Action::Deactivate { key, .. } => self.may_deactivate(key, now, aws),
            Action::Activate { key, .. } => is_ours(key, aws),
            Action::Delete { key, .. } => self.may_delete(key, now, aws, vault),
            Action::Verify { .. }
            | Action::ListKeys { .. }
            | Action::LastUsed { .. }
            | Action::StoreNext { .. }
            | Action::Switch { .. }
            | Action::SwitchBack { .. }
            | Action::DropNext
            | Action::DropPrevious => {}
        }
    }

    /// After something was done; `None` if nobody lived to hear how it went.
    pub(super) fn heard(&mut self, action: &Action, outcome: Option<&Outcome>, now: i64, aws: &Aws) {
        match (action, outcome) {
            (Action::Verify { by }, Some(outcome)) => {
                let (count, last) = self.good.entry(by.key.clone()).or_default();
                *count = if matches!(outcome, Outcome::Good { .. }) { *count + 1 } else { 0 };
                *last = now;
            }
            (Action::ListKeys { .. }, Some(Outcome::Listed(keys))) => {
                let active = keys.iter().filter(|key| key.active);
                self.listed.extend(active.map(|key| (key.id.clone(), now)));
                let (count, since) = self.looks.unwrap_or((0, now));
                let ours = keys.iter().filter(|key| !aws.find(&key.id).foreign).count();
                self.looks = (ours == 1).then_some((count + 1, since));
            }
            (Action::LastUsed { .. }, Some(Outcome::LastUsed(_))) => self.told = Some(now),
            (Action::Create { .. }, None) => (self.lost, self.looks) = (Some(now), None),
            (Action::Create { .. }, Some(Outcome::Failed(failed)))
                if failed.kind == FailedKind::Transient =>
            {
                (self.lost, self.looks) = (Some(now), None);
            }
            (Action::Switch { .. }, Some(Outcome::Done)) => self.accepted = now,
            (Action::Deactivate { .. }, Some(Outcome::Done)) => self.inactive = now,
            (_, _) => {}
        }
    }

    fn may_create(&mut self, now: i64) {
        if self.lost.take().is_some() {
            let (looks, since) = self.looks.unwrap_or_default();
            assert!(looks >= 4 && now - since >= 30 * SECOND, "creates again after {looks} looks");
        }
    }

    fn may_deactivate(&self, key: &str, now: i64, aws: &Aws) {
        is_ours(key, aws);
        let shown = aws.shown_use(key, now - 6 * MINUTE).unwrap_or(i64::MIN);
        let accepted = self.accepted;
        assert!(
            shown <= accepted + 62 * SECOND,
            "{key} was used at {shown}, and until {accepted} is allowed"
        );
        assert!(self.told.is_some_and(|at| now - at < 6 * MINUTE), "nobody has looked at the last use");
        let waited = now - accepted;
        let watch = Pace::default().watch - NEARLY;
        assert!(self.hurried || waited >= watch, "watched for {waited}");
    }

    fn may_delete(&self, key: &str, now: i64, aws: &Aws, vault: &Vault) {
        is_ours(key, aws);
        let current = vault.current.as_deref().expect("a key signs");
        assert_ne!(key, current, "deletes the key that signs");
        // What happens between a proof and the deletion, nobody can know.
        let is_known = self.sabotaged.is_none_or(|at| now - at > 3 * MINUTE);
        assert!(aws.works(current, now) || !is_known, "deletes {key}, and {current} does not work");
        let listed = self.listed.get(current).is_some_and(|at| now - at < 5 * MINUTE);
        assert!(listed, "deletes {key}, and {current} is not seen to be active");
        let is_old = vault.previous.as_deref() == Some(key);
        if is_old || vault.next.as_deref() == Some(key) {
            let (good, last) = self.good.get(current).copied().unwrap_or_default();
            assert!(good >= 5 && now - last < 5 * MINUTE, "deletes {key}, and {current} is not proven");
        } else {
            // Nobody has its secret.
            assert_eq!(aws.shown_use(key, now), None, "{key} was used");
        }
        if is_old && aws.find(key).deleted.is_none() {
            let since = self.reactivated.map_or(i64::MAX, |at| now - at);
            assert!(!aws.find(key).active || since < 5 * MINUTE, "deletes {key}, which is active");
            let waited = now - self.inactive.max(self.accepted);
            assert!(self.hurried || waited >= Pace::default().wait - NEARLY, "waited for {waited}");
        }
    }
}

fn is_ours(key: &str, aws: &Aws) {
    assert!(!aws.find(key).foreign, "{key} is somebody else's");
}
