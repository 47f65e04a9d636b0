//! Callers: served from memory at once, or put on the list of the slot that they need.

use super::{Answer, Command, Engine, Loading, Replaced, Scope};
use crate::engine::attempt::Trigger;
use crate::slot::{SlotKey, Waiter, WaiterId, Wants, Work};
use crate::timing;
use keyfob_shared::{Failure, FailureKind, IdentityName, ProfileName, Secret};

impl Engine {
    pub(super) fn get(&mut self, waiter: WaiterId, profile: ProfileName) {
        if self.locked {
            return self.answer(waiter, Answer::Failed(locked()));
        }
        let Some(handed) = self.profiles.get_mut(&profile) else {
            let failure = Failure::new(FailureKind::Usage, "there is no such profile in the configuration");
            return self.answer(waiter, Answer::Failed(failure.hint("keyfob profile list")));
        };
        handed.last_used = Some(self.now.wall);
        let key = handed.slot;
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let was_warm = slot.is_kept_warm(&self.config, self.now);
        slot.last_used = Some(self.now.monotonic);
        if slot.is_served(&self.clock, self.now) {
            let Some(session) = &mut slot.session else { return };
            let access_key_id = session.credentials.access_key_id.clone();
            let reply = session.reply(&self.clock);
            let due = slot.work == Work::Idle && slot.is_renewal_due(self.now);
            self.answer(waiter, Answer::Served { reply, access_key_id });
            if due {
                self.attempt(key, Trigger::Timer);
            } else if !was_warm {
                self.set_timer(key);
            }
            return;
        }
        self.wait(key, Waiter { id: waiter, wants: Wants::Credentials(profile) });
        self.want(key);
    }

    /// Gets a slot to work for those who wait for it: the vault is read first, then AWS is asked.
    pub(super) fn want(&mut self, key: SlotKey) {
        match &self.loading {
            Loading::Done => self.attempt(key, Trigger::Caller),
            Loading::Asked => {}
            Loading::Needed => self.load(),
            Loading::Failed { at, failure } if self.now.monotonic < at.plus(timing::FAILURE_MEMORY) => {
                let failure = failure.clone();
                self.answer_all(key, &Answer::Failed(failure));
            }
            Loading::Failed { .. } => self.load(),
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

    pub(super) fn login(&mut self, waiter: WaiterId, identity: &IdentityName, code: Option<Secret>) {
        if self.locked {
            return self.answer(waiter, Answer::Failed(locked()));
        }
        let root = self
            .slots
            .iter()
            .find(|(_, slot)| slot.identity == *identity && slot.step.mfa_serial().is_some());
        let Some((key, _)) = root else {
            let failure = Failure::new(FailureKind::Usage, format!("identity {identity} needs no sign-in"));
            return self.answer(waiter, Answer::Failed(failure));
        };
        let key = *key;
        self.wait(key, Waiter { id: waiter, wants: Wants::SignIn });
        let Some(slot) = self.slots.get_mut(&key) else { return };
        if code.is_some() && slot.work != Work::Idle {
            let failure = Failure::new(
                FailureKind::Upstream,
                "another sign-in is under way: try again with a new code",
            );
            return self.answer_all(key, &Answer::Failed(failure));
        }
        slot.code = code;
        slot.forget_failure();
        self.attempt(key, Trigger::Person);
    }

    pub(super) fn logout(&mut self, scope: &Scope) {
        let of_profile = match scope {
            Scope::Profile(profile) => self.profiles.get(profile).map(|handed| handed.slot),
            Scope::All | Scope::Identity(_) => None,
        };
        let keys: Vec<SlotKey> = self
            .slots
            .iter()
            .filter(|(key, slot)| match scope {
                Scope::All => true,
                Scope::Identity(identity) => slot.identity == *identity,
                Scope::Profile(_) => of_profile == Some(**key),
            })
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            self.drop_session(key);
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.last_used = None;
            }
            self.set_timer(key);
        }
    }

    pub(super) fn key_changed(&mut self, identity: &IdentityName, replaced: Replaced) {
        let keys: Vec<SlotKey> =
            self.slots.iter().filter(|(_, slot)| slot.identity == *identity).map(|(key, _)| *key).collect();
        for key in keys {
            if replaced == Replaced::OtherKey {
                self.drop_session(key);
            }
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.forget_failure();
            }
            self.set_timer(key);
        }
    }

    /// Forgets a session here and in the vault, and the result of a mint in flight, which would bring it back.
    fn drop_session(&mut self, key: SlotKey) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        slot.session = None;
        slot.renew_at = None;
        slot.forget_failure();
        self.commands.push_back(Command::Forget { item: key.to_string() });
        if self.slots.get(&key).is_some_and(|slot| matches!(slot.work, Work::Minting(_))) {
            let failure = Failure::new(FailureKind::Person, "the session was ended while it was minted");
            self.abandon(key, failure.hint("ask again"));
        }
    }

    pub(super) fn lock(&mut self) {
        self.locked = true;
        let keys: Vec<SlotKey> = self.slots.keys().copied().collect();
        for key in keys {
            self.answer_all(key, &Answer::Failed(locked()));
            if let Some(slot) = self.slots.get_mut(&key) {
                let mut empty = crate::slot::Slot::new(slot.parent, slot.identity.clone(), slot.step.clone());
                empty.handed_out = slot.handed_out;
                empty.last_used = slot.last_used;
                *slot = empty;
            }
        }
        self.timers.clear();
        self.mints.clear();
        self.orphans.clear();
        self.sweep_at = None;
        self.loading = Loading::Needed;
    }

    pub(super) fn unlock(&mut self) {
        self.locked = false;
        if !matches!(self.loading, Loading::Done) {
            self.load();
        }
    }
}

fn locked() -> Failure {
    Failure::new(FailureKind::Refused, "the agent is locked").hint("keyfob unlock")
}
