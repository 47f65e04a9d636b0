//! What is due without being asked: renewals, ended sessions, the vault.

use super::attempt::Trigger;
use super::{Command, Engine, Loading};
use crate::clock::Monotonic;
use crate::config::Renew;
use crate::session::Session;
use crate::slot::{Slot, SlotKey, Work};
use crate::timing;
use keyfob_shared::{Failure, FailureKind, Secret};

/// The vault is read again this long after it could not be, when nobody asks earlier.
const LOAD_AGAIN: i64 = 60_000;
/// Sessions that no profile needs any more are kept this long: an editor may be half way through a file.
pub(super) const SWEEP_AFTER: i64 = 10_000;

impl Engine {
    pub(super) fn run_due(&mut self) {
        while let Some((moment, key)) = self.timers.first().copied() {
            if moment > self.now.monotonic {
                break;
            }
            self.clear_timer(key);
            self.fire(key);
        }
        self.end_long_waits();
        if self.sweep_at.is_some_and(|moment| moment <= self.now.monotonic) {
            self.sweep();
        }
        if self.load_again_at().is_some_and(|moment| moment <= self.now.monotonic) {
            self.load();
        }
    }

    fn fire(&mut self, key: SlotKey) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        if slot.session.is_some() && !slot.is_served(&self.clock, self.now) {
            slot.session = None;
            slot.renew_at = None;
            self.commands.push_back(Command::Forget { item: key.to_string() });
        }
        let is_due = match &slot.failed {
            Some(failed) => failed.next.is_some_and(|next| next <= self.now.monotonic),
            None => slot.renew_at.is_none_or(|moment| moment <= self.now.monotonic),
        };
        if is_due && self.renews_by_itself(key) {
            self.attempt(key, Trigger::Timer);
        } else {
            self.set_timer(key);
        }
    }

    fn renews_by_itself(&self, key: SlotKey) -> bool {
        let Some(slot) = self.slots.get(&key) else { return false };
        matches!(self.loading, Loading::Done)
            && slot.is_kept_warm(&self.config, self.now)
            && !slot.needs_person(&self.config)
    }

    /// Plans the next moment at which the slot needs attention; always in the future.
    pub(super) fn set_timer(&mut self, key: SlotKey) {
        self.clear_timer(key);
        if self.locked {
            return;
        }
        let spread = self.spread();
        let renews = self.renews_by_itself(key);
        let Some(slot) = self.slots.get_mut(&key) else { return };
        if slot.work != Work::Idle {
            return;
        }
        let renewal = match (&slot.failed, slot.renew_at) {
            (Some(failed), _) => failed.next,
            (None, Some(moment)) => Some(moment),
            (None, None) => Some(self.now.monotonic.plus(spread)),
        };
        let end = slot.session.as_ref().map(|session| self.clock.monotonic(session.told_end(&self.clock)));
        let moment = [renewal.filter(|_| renews), end].into_iter().flatten().min();
        if let Some(moment) = moment {
            let moment = moment.max(self.now.monotonic.plus(1));
            slot.timer = Some(moment);
            self.timers.insert((moment, key));
        }
    }

    /// Answers when a first session is minted unasked: many of them not at once.
    fn spread(&mut self) -> i64 {
        match self.config.daemon.renew {
            Renew::Always => self.chance.i64(1..=(100 + 5 * self.slots.len() as i64).min(60_000)),
            Renew::Active | Renew::OnDemand => self.chance.i64(1..=1_000),
        }
    }

    pub(super) fn clear_timer(&mut self, key: SlotKey) {
        if let Some(moment) = self.slots.get_mut(&key).and_then(|slot| slot.timer.take()) {
            self.timers.remove(&(moment, key));
        }
    }

    /// Plans anew after the wall clock was set: a session may end earlier now.
    pub(super) fn check_all_timers(&mut self) {
        let keys: Vec<SlotKey> = self.slots.keys().copied().collect();
        for key in keys {
            if let Some(slot) = self.slots.get_mut(&key)
                && let Some(session) = &slot.session
            {
                let latest = session.end(&self.clock).plus(-timing::margin(session.lifetime));
                slot.renew_at = slot.renew_at.map(|moment| moment.min(latest));
            }
            self.set_timer(key);
        }
    }

    /// Hears how far the server's clock is ahead; sessions from the vault were only guessed.
    pub(super) fn hear_skew(&mut self, skew: i64) {
        if skew == self.skew {
            return;
        }
        self.skew = skew;
        for session in self.slots.values_mut().filter_map(|slot| slot.session.as_mut()) {
            session.hear_skew(skew);
        }
        self.check_all_timers();
    }

    /// Lets the slots behind a sign-in try again.
    pub(super) fn forget_failures_behind(&mut self, root: SlotKey) {
        let Some(identity) = self.slots.get(&root).map(|slot| slot.identity.clone()) else { return };
        let keys: Vec<SlotKey> =
            self.slots.iter().filter(|(_, slot)| slot.identity == identity).map(|(key, _)| *key).collect();
        for key in keys {
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.forget_failure();
            }
            self.set_timer(key);
        }
    }

    pub(super) fn load(&mut self) {
        self.loading = Loading::Asked;
        self.commands.push_back(Command::Load);
    }

    pub(super) fn load_again_at(&self) -> Option<Monotonic> {
        match &self.loading {
            Loading::Failed { at, failure } if !self.locked && failure.kind != FailureKind::Person => {
                Some(at.plus(LOAD_AGAIN))
            }
            Loading::Failed { .. } | Loading::Needed | Loading::Asked | Loading::Done => None,
        }
    }

    pub(super) fn loaded(&mut self, result: Result<Vec<(String, Secret)>, Failure>) {
        if self.locked || !matches!(self.loading, Loading::Asked) {
            return;
        }
        match result {
            Ok(items) => {
                self.loading = Loading::Done;
                self.adopt(items);
                let keys: Vec<SlotKey> = self.slots.keys().copied().collect();
                for key in keys {
                    self.resume(key);
                }
            }
            Err(failure) => {
                self.loading = Loading::Failed { at: self.now.monotonic, failure: failure.clone() };
                let waited: Vec<SlotKey> = self.waiting.values().copied().collect();
                for key in waited {
                    if self.slots.get(&key).is_some_and(|slot| slot.work == Work::Idle) {
                        self.answer_all(key, &super::Answer::Failed(failure.clone()));
                    }
                }
            }
        }
    }

    fn adopt(&mut self, items: Vec<(String, Secret)>) {
        let by_name: std::collections::HashMap<String, SlotKey> =
            self.slots.keys().map(|key| (key.to_string(), *key)).collect();
        for (name, record) in items {
            let session = Session::from_record(record.expose(), &self.boot, self.now);
            let slot = by_name.get(&name).and_then(|key| self.slots.get_mut(key));
            match (session, slot) {
                (Some(session), Some(slot)) if slot.session.is_none() => {
                    let age = (self.now.wall.millis() - session.minted_at().millis()).max(0);
                    slot.last_used = slot.last_used.or(Some(self.now.monotonic.plus(-age)));
                    slot.keep(session, &self.clock, &mut self.chance);
                }
                (Some(_), Some(_)) => {}
                (None, _) | (_, None) => self.commands.push_back(Command::Forget { item: name }),
            }
        }
    }

    /// Goes on with a slot after the vault was read.
    fn resume(&mut self, key: SlotKey) {
        let Some(slot) = self.slots.get(&key) else { return };
        match (slot.is_served(&self.clock, self.now), slot.waiters.is_empty()) {
            (true, false) if slot.work == Work::Idle => {
                self.deliver(key);
                self.set_timer(key);
            }
            (false, false) => self.attempt(key, Trigger::Caller),
            (_, _) => self.set_timer(key),
        }
    }

    fn sweep(&mut self) {
        self.sweep_at = None;
        for key in std::mem::take(&mut self.orphans).into_keys() {
            self.commands.push_back(Command::Forget { item: key.to_string() });
        }
    }
}

impl Slot {
    /// Takes what another slot of the same key knows; who waits there is moved by the caller.
    pub(super) fn inherit(&mut self, old: Self) {
        let (parent, handed_out) = (self.parent, self.handed_out);
        *self = old;
        self.parent = parent;
        self.handed_out = handed_out;
    }
}
