//! What people do: sign in, log out, change a key, lock and unlock.

use super::attempt::Trigger;
use super::serve::locked;
use super::vault::{Ended, Home};
use super::{Answer, Command, Engine, Loading, Replaced, Scope};
use crate::slot::{SlotKey, Waiter, WaiterId, Wants, Work};
use keyfob_shared::{Failure, FailureKind, IdentityName, Secret, Timestamp};

const LOGGED_OUT: &str = "the session was logged out while it was minted";
const KEY_CHANGED: &str = "the access key was changed while a session was minted with it";

impl Engine {
    pub(super) fn login(&mut self, waiter: WaiterId, identity: &IdentityName, code: Option<Secret>) {
        if self.locked {
            return self.answer(waiter, Answer::Failed(locked()));
        }
        let Some(key) = self.config.sign_ins.get(identity).copied() else {
            let failure = Failure::new(FailureKind::Usage, format!("identity {identity} needs no sign-in"));
            return self.answer(waiter, Answer::Failed(failure));
        };
        let Some(slot) = self.slots.get_mut(&key) else { return };
        if code.is_some() && slot.work != Work::Idle {
            let message = "another sign-in is under way: wait for its end, or try again with a new code";
            let failure = Failure::new(FailureKind::Person, message);
            return self.answer(waiter, Answer::Failed(failure.hint(format!("keyfob login {identity}"))));
        }
        if code.is_some() {
            slot.code = code;
        }
        slot.forget_failure();
        self.wait(key, Waiter { id: waiter, wants: Wants::SignIn });
        self.attempt(key, Trigger::Person);
    }

    /// A person has signed in: what waited for that goes on.
    pub(super) fn signed_in(&mut self, identity: IdentityName, until: Option<Timestamp>) {
        self.hear_sign_in(&identity, until);
        for key in self.slots_of(&identity) {
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.signed_out = false;
                slot.negotiated = None;
                slot.logged_out = false;
                slot.forget_failure();
            }
            self.set_timer(key);
        }
    }

    pub(super) fn hear_sign_in(&mut self, identity: &IdentityName, until: Option<Timestamp>) {
        match until {
            Some(until) => drop(self.signed_in_until.insert(identity.clone(), until)),
            None => drop(self.signed_in_until.remove(identity)),
        }
    }

    /// The identity provider wants to see a person: nothing behind it is asked for again before that.
    pub(super) fn signed_out(&mut self, identity: &IdentityName) {
        self.signed_in_until.remove(identity);
        let was_out = self.slots.values().any(|slot| slot.identity == *identity && slot.signed_out);
        for key in self.slots_of(identity) {
            if let Some(slot) = self.slots.get_mut(&key).filter(|slot| slot.parent.is_none()) {
                slot.signed_out = true;
            }
            self.set_timer(key);
        }
        // Once; and whoever is waited for is told anyway.
        let by = self.sign_in_needed_by(identity);
        if !was_out && by.is_some() {
            self.commands.push_back(Command::TellSignIn { identity: identity.clone(), by });
        }
    }

    pub(super) fn logout(&mut self, scope: &Scope) {
        let keys: Vec<SlotKey> = match scope {
            Scope::All => self.slots.keys().copied().collect(),
            Scope::Identity(identity) => self.slots_of(identity),
            Scope::Profile(profile) => self.slots_of_profile(profile),
        };
        match scope {
            Scope::All => {
                self.signed_in_until.clear();
                self.end_unread(Ended::All);
            }
            Scope::Identity(identity) => {
                self.signed_in_until.remove(identity);
                self.end_unread(Ended::Identity(identity.clone()));
            }
            Scope::Profile(_) => keys.iter().for_each(|key| self.end_unread(Ended::Slot(*key))),
        }
        // What was found in the vault may be of an older definition of the profile.
        let behind = keys.first().and_then(|key| self.slots.get(key)).map(|slot| slot.identity.clone());
        self.forget_orphans(|orphan| match scope {
            Scope::All => true,
            Scope::Identity(identity) => orphan.may_be_of(identity),
            Scope::Profile(profile) => match &orphan.home {
                Home::Profiles(profiles) => profiles.contains(profile),
                Home::Unknown => behind.as_ref().is_some_and(|identity| orphan.may_be_of(identity)),
            },
        });
        for key in keys {
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.last_used = None;
                slot.last_own_use = None;
                slot.logged_out = true;
                slot.negotiated = None;
            }
            self.drop_session(key, LOGGED_OUT);
        }
    }

    pub(super) fn key_changed(&mut self, identity: &IdentityName, replaced: Replaced) {
        let keys = self.slots_of(identity);
        match replaced {
            Replaced::OtherKey => {
                self.end_unread(Ended::Identity(identity.clone()));
                self.forget_orphans(|orphan| orphan.may_be_of(identity));
                keys.iter().for_each(|key| self.drop_session(*key, KEY_CHANGED));
            }
            Replaced::SameKey => {
                for key in &keys {
                    let signs_itself = self.slots.get(key).is_some_and(|slot| slot.parent.is_none());
                    if signs_itself {
                        self.abandon(*key, KEY_CHANGED);
                    }
                }
            }
        }
        for key in keys {
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.forget_failure();
            }
            self.set_timer(key);
        }
    }

    pub(super) fn slots_of(&self, identity: &IdentityName) -> Vec<SlotKey> {
        self.slots.iter().filter(|(_, slot)| slot.identity == *identity).map(|(key, _)| *key).collect()
    }

    /// Forgets a session here and in the vault, and the result of a mint in flight, which would bring it back.
    fn drop_session(&mut self, key: SlotKey, why: &str) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let session = slot.session.take();
        // Removing is a call to the keychain each, and somebody waits for all of them.
        let may_be_stored = session.is_some() || !matches!(self.loading, Loading::Done);
        if let Some(session) = session {
            slot.forgotten = Some(session.credentials.access_key_id);
        }
        slot.renew_at = None;
        slot.forget_failure();
        if may_be_stored {
            self.commands.push_back(Command::Forget { item: key.to_string() });
        }
        self.abandon(key, why);
        self.set_timer(key);
    }

    pub(super) fn lock(&mut self) {
        self.locked = true;
        let keys: Vec<SlotKey> = self.slots.keys().copied().collect();
        for key in keys {
            self.answer_all(key, &Answer::Failed(locked()));
            if let Some(slot) = self.slots.get_mut(&key) {
                *slot = slot.emptied();
            }
        }
        self.timers.clear();
        self.mints.clear();
        self.orphans.values_mut().for_each(|orphan| orphan.session = None);
        self.loading = Loading::Needed;
    }

    pub(super) fn unlock(&mut self) {
        self.locked = false;
        if !matches!(self.loading, Loading::Done) {
            self.load();
        }
    }
}
