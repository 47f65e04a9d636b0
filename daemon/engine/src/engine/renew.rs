//! What is due without being asked: renewals, ended sessions, the vault.

use super::attempt::Trigger;
use super::{Command, Engine, Loading};
use crate::config::Renew;
use crate::slot::{SlotKey, Work};
use crate::timing;

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
}
