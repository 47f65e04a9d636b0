//! What `keyfob status` shows of sessions and identities.

use super::Engine;
use crate::slot::{Slot, SlotKey, Work};
use keyfob_shared::wire::{IdentityStatus, ProfileStatus};
use keyfob_shared::{IdentityName, ProfileName, Timestamp};

impl Engine {
    /// Answers the state of every profile, in the order of their names.
    pub fn profiles(&self) -> Vec<ProfileStatus> {
        self.config.profiles.keys().filter_map(|name| self.profile(name)).collect()
    }

    fn profile(&self, name: &ProfileName) -> Option<ProfileStatus> {
        let handed = self.profiles.get(name)?;
        let slot = self.slots.get(&handed.slot)?;
        let served = slot.session.as_ref().filter(|_| slot.is_served(&self.clock, self.now));
        let renew_at = slot.timer.filter(|_| served.is_some() && slot.is_kept_warm(&self.config, self.now));
        Some(ProfileStatus {
            name: name.clone(),
            state: self.state(handed.slot, slot).into(),
            expires_at: served.map(|session| session.told_end(&self.clock)),
            renew_at: renew_at.map(|moment| self.clock.wall(moment)),
            last_used_at: handed.last_used,
            last_error: slot.failed.as_ref().map(|failed| failed.failure.message.clone()),
            note: self.note(slot),
        })
    }

    fn state(&self, key: SlotKey, slot: &Slot) -> &'static str {
        let served = slot.is_served(&self.clock, self.now);
        match (self.locked, served, slot.work != Work::Idle) {
            (true, _, _) => "locked",
            (false, true, true) => "renewing",
            (false, true, false) => "ready",
            (false, false, _) if self.sign_in_missing(key) => "sign-in-needed",
            (false, false, _) if slot.failed.is_some() => "failed",
            (false, false, _) if slot.last_used.is_some() && slot.work == Work::Idle => "expired",
            (false, false, _) => "cold",
        }
    }

    /// Answers whether a slot on the way needs a person now.
    fn sign_in_missing(&self, key: SlotKey) -> bool {
        let mut next = Some(key);
        while let Some(slot) = next.and_then(|key| self.slots.get(&key)) {
            if slot.is_served(&self.clock, self.now) {
                return false;
            }
            if slot.needs_person(&self.config) {
                return true;
            }
            next = slot.parent;
        }
        false
    }

    fn note(&self, slot: &Slot) -> Option<String> {
        let asked = slot.step.duration()?;
        let granted = slot.negotiated?;
        Some(format!(
            "AWS refused {asked} s and granted {granted} s: the role's maximum, or role chaining, allows no more"
        ))
    }

    /// Answers the state of every identity, in the order of their names; whether it has a key is not known here.
    pub fn identities(&self) -> Vec<IdentityStatus> {
        self.config.identities.keys().map(|name| self.identity(name)).collect()
    }

    fn identity(&self, name: &IdentityName) -> IdentityStatus {
        let root =
            self.slots.values().find(|slot| slot.identity == *name && slot.step.mfa_serial().is_some());
        let by_hand = root.filter(|slot| slot.needs_person(&self.config));
        let served = by_hand
            .and_then(|slot| slot.session.as_ref())
            .filter(|session| session.is_served(&self.clock, self.now));
        let sign_in_needed_by: Option<Timestamp> = served.map(|session| session.told_end(&self.clock));
        let state = match (self.locked, by_hand, served) {
            (true, _, _) => "locked",
            (false, Some(_), None) => "sign-in-needed",
            (false, Some(_), Some(_)) | (false, None, _) => "ready",
        };
        IdentityStatus { name: name.clone(), kind: "iam-user".into(), state: state.into(), sign_in_needed_by }
    }
}
