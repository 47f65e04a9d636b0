//! What people do: sign in, log out, change a key, lock and unlock.

use super::serve::locked;
use super::{Answer, Command, Engine, Loading, Replaced, Scope};
use crate::engine::attempt::Trigger;
use crate::slot::{SlotKey, Waiter, WaiterId, Wants, Work};
use keyfob_shared::{Failure, FailureKind, IdentityName, Secret};

impl Engine {
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
