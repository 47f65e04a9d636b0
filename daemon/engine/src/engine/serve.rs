//! Callers: served from memory at once, or put on the list of the slot that they need.

use super::{Answer, Command, Engine, Loading};
use crate::clock::Now;
use crate::engine::attempt::Trigger;
use crate::slot::{SlotKey, Waiter, WaiterId, Wants, Work};
use crate::timing;
use keyfob_shared::{Failure, FailureKind, ProfileName};

/// What a request says of further ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// More may come: the session is kept warm.
    Own,
    /// A program asks, and holds the profile as long as it runs.
    Held,
}

impl Engine {
    pub(super) fn get(&mut self, waiter: WaiterId, profile: ProfileName, kind: Use) {
        if self.locked {
            return self.answer(waiter, Answer::Failed(locked()));
        }
        let Some(handed) = self.profiles.get_mut(&profile) else {
            let failure = Failure::new(FailureKind::Usage, "there is no such profile in the configuration");
            return self.answer(waiter, Answer::Failed(failure.hint("keyfob profile list")));
        };
        handed.last_used = Some(self.now.wall);
        let key = handed.slot;
        let was_warm = self.is_kept_warm(key) && self.may_sign_in(key, key);
        if kind == Use::Own {
            self.note_own_use(key);
        }
        self.serve(key, was_warm, kind, Waiter { id: waiter, wants: Wants::Credentials(profile) });
    }

    /// Serves from memory, or has the caller wait; `was_warm` tells whether renewal was planned before.
    pub(super) fn serve(&mut self, key: SlotKey, was_warm: bool, kind: Use, waiter: Waiter) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        slot.logged_out = false;
        if kind == Use::Own {
            slot.last_used = Some(self.now.monotonic);
        }
        if slot.is_served(&self.clock, self.now) {
            let Some(session) = &mut slot.session else { return };
            let access_key_id = session.credentials.access_key_id.clone();
            let reply = session.reply(&self.clock);
            // After its lease a session is used to its end, and not renewed.
            let is_leased = !slot.lease.is_over(self.now.monotonic);
            let due = slot.work == Work::Idle && is_leased && slot.is_renewal_due(self.now);
            self.answer(waiter.id, Answer::Served { reply, access_key_id });
            if due {
                self.attempt(key, Trigger::Timer);
            } else if !was_warm {
                self.set_timer(key);
            }
            return;
        }
        if slot.lease.is_over(self.now.monotonic) {
            slot.lease.reset();
        }
        self.wait(key, waiter);
        self.want(key);
    }

    /// Answers whether a caller would have to wait for the credentials of a profile.
    pub fn would_wait(&self, profile: &ProfileName, now: Now) -> bool {
        let slot = self.profiles.get(profile).and_then(|handed| self.slots.get(&handed.slot));
        !self.locked && slot.is_some_and(|slot| !slot.is_served(&self.clock, now))
    }

    /// Gets a slot to work for those who wait for it: the vault is read first, then AWS is asked.
    pub(super) fn want(&mut self, key: SlotKey) {
        match &self.loading {
            Loading::Done => self.attempt(key, Trigger::Caller),
            Loading::Asked(_) => {}
            Loading::Needed => self.load(),
            Loading::Failed { at, .. } => {
                let lately = self.now.monotonic < at.plus(timing::FAILURE_MEMORY);
                if lately || self.has_source(key) || !self.is_wanted_by_person(key) {
                    return self.want_without_vault(key);
                }
                self.load();
            }
        }
    }

    /// Takes note that the person wants a session; what is on the way to it is wanted too.
    fn note_own_use(&mut self, key: SlotKey) {
        let way: Vec<SlotKey> = self.way(key).collect();
        for step in way {
            if let Some(slot) = self.slots.get_mut(&step) {
                slot.logged_out = false;
            }
        }
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.last_own_use = Some(self.now.monotonic);
            // A restricted socket was refused what the person gets.
            if slot.failed.as_ref().is_some_and(|failed| failed.memory == 0) {
                slot.forget_failure();
            }
        }
    }

    pub(super) fn wait(&mut self, key: SlotKey, waiter: Waiter) {
        self.waiting.insert(waiter.id, key);
        self.wait_ends.push_back((self.now.monotonic.plus(timing::LONGEST_WAIT), waiter.id));
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.waiters.push(waiter);
        }
    }

    pub(super) fn answer(&mut self, waiter: WaiterId, answer: Answer) {
        self.commands.push_back(Command::Answer { waiter, answer });
    }

    pub(super) fn answer_all(&mut self, key: SlotKey, answer: &Answer) {
        let waiters =
            self.slots.get_mut(&key).map(|slot| std::mem::take(&mut slot.waiters)).unwrap_or_default();
        for waiter in waiters {
            self.waiting.remove(&waiter.id);
            self.answer(waiter.id, answer.clone());
        }
    }

    pub(super) fn end_long_waits(&mut self) {
        while let Some((moment, id)) = self.wait_ends.front().copied() {
            let slot = self.waiting.get(&id).copied();
            if slot.is_some() && moment > self.now.monotonic {
                return;
            }
            self.wait_ends.pop_front();
            let Some(slot) = slot.and_then(|key| self.slots.get_mut(&key)) else { continue };
            slot.waiters.retain(|waiter| waiter.id != id);
            self.waiting.remove(&id);
            let failure = Failure::new(FailureKind::Upstream, "no answer within 50 s").hint("keyfob status");
            self.answer(id, Answer::Failed(failure));
        }
    }
}

pub(super) fn locked() -> Failure {
    Failure::new(FailureKind::Refused, "the agent is locked").hint("keyfob unlock")
}
