//! What is due without being asked: renewals, ended sessions, the vault.

use super::attempt::Trigger;
use super::{Command, Engine, Loading};
use crate::clock::{Monotonic, Skew};
use crate::config::Renew;
use crate::slot::{SlotKey, Work};

/// Attempts that start unasked at one moment; further ones that are due then follow within [`Engine::spread`].
const BURST: usize = 10;

impl Engine {
    pub(super) fn run_due(&mut self) {
        let mut started = 0;
        while let Some((moment, key)) = self.timers.first().copied() {
            if moment > self.now.monotonic {
                break;
            }
            self.clear_timer(key);
            self.end_if_over(key);
            if !self.is_attempt_due(key) {
                self.set_timer(key);
            } else if started < BURST {
                started += 1;
                self.attempt(key, Trigger::Timer);
            } else {
                self.postpone(key);
            }
        }
        self.end_long_waits();
        if self.sweep_at.is_some_and(|moment| moment <= self.now.monotonic) {
            self.sweep();
        }
        if self.load_again_at().is_some_and(|moment| moment <= self.now.monotonic) {
            self.load();
        }
    }

    fn end_if_over(&mut self, key: SlotKey) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        if slot.session.is_some() && !slot.is_served(&self.clock, self.now) {
            slot.session = None;
            slot.renew_at = None;
            self.commands.push_back(Command::Forget { item: key.to_string() });
        }
    }

    fn is_attempt_due(&self, key: SlotKey) -> bool {
        let Some(slot) = self.slots.get(&key) else { return false };
        let reached = match &slot.failed {
            Some(failed) => failed.next.is_some_and(|next| next <= self.now.monotonic),
            None => slot.renew_at.is_none_or(|moment| moment <= self.now.monotonic),
        };
        reached && slot.work == Work::Idle && self.renews_by_itself(key)
    }

    /// Answers whether the session is renewed without being asked, and nobody has to sign in for it.
    pub(super) fn renews_by_itself(&self, key: SlotKey) -> bool {
        let Some(slot) = self.slots.get(&key) else { return false };
        (matches!(self.loading, Loading::Done) || slot.session.is_some())
            && self.is_kept_warm(key)
            && !slot.needs_person(&self.config)
            && self.may_sign_in(key, key)
    }

    /// Answers whether the session is to be renewed without being asked.
    pub(super) fn is_kept_warm(&self, key: SlotKey) -> bool {
        self.warm_until(key).is_some_and(|until| self.now.monotonic < until)
    }

    /// Answers until when the session is renewed without being asked; what a person logged out waits to be wanted.
    pub(super) fn warm_until(&self, key: SlotKey) -> Option<Monotonic> {
        let slot = self.slots.get(&key).filter(|slot| slot.handed_out)?;
        let (used, always) = match self.config.daemon.renew {
            Renew::Active => (slot.warm_until(&self.config), None),
            Renew::OnDemand => (None, None),
            Renew::Always => {
                (slot.warm_until(&self.config), Some(slot.lease.end().unwrap_or(Monotonic(i64::MAX))))
            }
        };
        match always.max(self.held_until(key)) {
            Some(unasked) if !self.is_logged_out(key) => used.max(Some(unasked)),
            Some(_) | None => used,
        }
    }

    fn is_logged_out(&self, key: SlotKey) -> bool {
        let logged_out =
            |key| self.slots.get(&key).is_some_and(|slot| slot.logged_out && slot.session.is_none());
        self.way(key).any(logged_out)
    }

    /// Plans the next moment at which the slot needs attention; always in the future.
    pub(super) fn set_timer(&mut self, key: SlotKey) {
        self.clear_timer(key);
        #[cfg(test)]
        {
            self.planned += 1;
        }
        if self.locked {
            return;
        }
        let renews = self.renews_by_itself(key);
        let Some(slot) = self.slots.get(&key) else { return };
        if slot.work != Work::Idle {
            return;
        }
        let renewal = match (&slot.failed, slot.renew_at) {
            _ if !renews => None,
            (Some(failed), _) => failed.next,
            (None, Some(moment)) => Some(moment),
            (None, None) => Some(self.now.monotonic.plus(self.spread())),
        };
        if let Some(moment) = [renewal, self.end_of(key)].into_iter().flatten().min() {
            self.wake(key, moment.max(self.now.monotonic.plus(1)));
        }
    }

    /// Has a slot wait a little that is due at the same moment as many others.
    fn postpone(&mut self, key: SlotKey) {
        let spread = self.spread();
        let left = self.end_of(key).map_or(i64::MAX, |end| (end.0 - self.now.monotonic.0) / 4);
        self.wake(key, self.now.monotonic.plus(spread.min(left).max(1)));
    }

    fn wake(&mut self, key: SlotKey, moment: Monotonic) {
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.timer = Some(moment);
            self.timers.insert((moment, key));
        }
    }

    fn end_of(&self, key: SlotKey) -> Option<Monotonic> {
        let session = self.slots.get(&key)?.session.as_ref()?;
        Some(self.clock.monotonic(session.told_end(&self.clock)))
    }

    /// Answers, by chance, how long one of many waits that are due at one moment.
    fn spread(&mut self) -> i64 {
        self.chance.i64(1..=(100 + 5 * self.slots.len() as i64).min(60_000))
    }

    pub(super) fn clear_timer(&mut self, key: SlotKey) {
        if let Some(moment) = self.slots.get_mut(&key).and_then(|slot| slot.timer.take()) {
            self.timers.remove(&(moment, key));
        }
    }

    /// Plans anew after a clock was set: a session may end earlier now.
    pub(super) fn check_all_timers(&mut self) {
        let keys: Vec<SlotKey> = self.slots.keys().copied().collect();
        for key in keys {
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.plan_again(&self.clock);
            }
            self.set_timer(key);
        }
    }

    /// Hears how far the server's clock is ahead; sessions from the vault were only guessed.
    pub(super) fn hear_skew(&mut self, heard: Skew) {
        let before = std::mem::replace(&mut self.skew, heard);
        if before.millis() == heard.millis() {
            return;
        }
        let served = self.slots.values_mut().filter_map(|slot| slot.session.as_mut());
        let kept = self.orphans.values_mut().filter_map(|orphan| orphan.session.as_mut());
        for session in served.chain(kept) {
            session.hear_skew(heard.latest());
        }
        self.check_all_timers();
    }

    /// Answers the slots from a session back to its first step.
    pub(super) fn way(&self, key: SlotKey) -> impl Iterator<Item = SlotKey> {
        std::iter::successors(Some(key), |key| self.slots.get(key)?.parent)
    }
}
