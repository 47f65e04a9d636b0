//! What `keyfob status` shows of sessions and identities.

use super::{Engine, Handed, Loading};
use crate::clock::Monotonic;
use crate::config::Identity;
use crate::slot::{Slot, SlotKey, Work};
use keyfob_shared::wire::{IdentityStatus, ProfileStatus};
use keyfob_shared::{Failure, IdentityName, ProfileName, SocketName, Timestamp};

impl Engine {
    /// Answers the state of every profile, in the order of their names; then that of the sessions which are scoped down
    /// for restricted sockets.
    pub fn profiles(&self) -> Vec<ProfileStatus> {
        let own =
            self.config.profiles.keys().filter_map(|name| self.profile(name, self.profiles.get(name)?, None));
        let sockets =
            self.config.sockets.keys().filter_map(|socket| Some((socket, self.restricted.get(socket)?)));
        let scoped = sockets.flat_map(|(socket, handed)| {
            let mut names: Vec<&ProfileName> = handed.keys().collect();
            names.sort();
            names.into_iter().filter_map(move |name| self.profile(name, handed.get(name)?, Some(socket)))
        });
        own.chain(scoped).collect()
    }

    /// Answers the state of every profile that a restricted socket serves.
    pub fn restricted_profiles(&self, socket: &SocketName) -> Vec<ProfileStatus> {
        let handed = self.restricted.get(socket).unwrap_or(&self.profiles);
        let plans = self.config.restricted_plans(socket);
        plans
            .filter_map(|plan| self.profile(&plan.profile, handed.get(&plan.profile)?, Some(socket)))
            .collect()
    }

    fn profile(
        &self,
        name: &ProfileName,
        handed: &Handed,
        socket: Option<&SocketName>,
    ) -> Option<ProfileStatus> {
        let slot = self.slots.get(&handed.slot)?;
        let served = slot.session.as_ref().filter(|_| slot.is_served(&self.clock, self.now));
        let (programs, leased_until) = self.holders(name);
        Some(ProfileStatus {
            name: name.clone(),
            state: self.state(handed.slot, slot).into(),
            expires_at: served.map(|session| session.told_end(&self.clock)),
            renew_at: self.renewal(handed.slot).map(|moment| self.clock.wall(moment)),
            last_used_at: handed.last_used,
            last_error: self.failed(handed.slot).map(|failure| failure.message.clone()),
            note: self.note(slot),
            renewals: slot.renewals,
            programs,
            leased_until,
            socket: socket.cloned(),
        })
    }

    fn is_loaded(&self) -> bool {
        matches!(self.loading, Loading::Done)
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

    /// Answers whether a slot on the way needs a person now; what a vault holds that was not read is not missing.
    fn sign_in_missing(&self, key: SlotKey) -> bool {
        if !self.is_loaded() {
            return false;
        }
        let unserved = |slot: &&Slot| !slot.is_served(&self.clock, self.now);
        let mut needed = self.way(key).filter_map(|key| self.slots.get(&key)).take_while(unserved);
        needed.any(|slot| slot.needs_person(&self.config))
    }

    /// Answers when a session that is served will be renewed by itself, if it will.
    fn renewal(&self, key: SlotKey) -> Option<Monotonic> {
        let slot = self.slots.get(&key)?;
        if !slot.is_served(&self.clock, self.now) || slot.work != Work::Idle || !self.renews_by_itself(key) {
            return None;
        }
        let moment = match &slot.failed {
            Some(failed) => failed.next?,
            None => slot.renew_at?,
        };
        let moment = slot.timer.filter(|timer| *timer > moment).unwrap_or(moment);
        let is_warm_then = self.warm_until(key).is_some_and(|until| moment < until);
        for source_key in self.way(key).skip(1) {
            let source = self.slots.get(&source_key)?;
            let end =
                source.session.as_ref().map(|session| self.clock.monotonic(session.told_end(&self.clock)));
            if end.is_some_and(|end| moment < end) {
                break;
            }
            if source.needs_person(&self.config) || !self.may_sign_in(source_key, key) {
                return None;
            }
        }
        is_warm_then.then_some(moment)
    }

    /// Answers the failure of the slot, or of the nearest source whose last mint failed.
    fn failed(&self, key: SlotKey) -> Option<&Failure> {
        let mut failures =
            self.way(key).filter_map(|key| self.slots.get(&key)).filter_map(|slot| slot.failed.as_ref());
        failures.next().map(|failed| &failed.failure)
    }

    /// Answers the last failure of a profile that is not over, as [`ProfileStatus`] tells it.
    pub fn failure(&self, name: &ProfileName) -> Option<&Failure> {
        self.failed(self.profiles.get(name)?.slot)
    }

    fn note(&self, slot: &Slot) -> Option<String> {
        if slot.lease.is_over(self.now.monotonic) {
            return Some(
                "its lease is over: it is used to its end, and renewed when it is asked for after that"
                    .into(),
            );
        }
        let asked = slot.step.duration()?;
        let granted = slot.session.as_ref().map_or(slot.negotiated, |session| session.negotiated)?;
        Some(format!(
            "AWS refused {asked} s and granted {granted} s: the role's maximum, or role chaining, allows no more"
        ))
    }

    /// Answers the state of every identity, in the order of their names; whether it has a key is not known here.
    pub fn identities(&self) -> Vec<IdentityStatus> {
        self.config.identities.keys().map(|name| self.identity(name)).collect()
    }

    fn identity(&self, name: &IdentityName) -> IdentityStatus {
        let is_provider = self.config.identities.get(name).is_some_and(Identity::has_provider);
        if is_provider {
            return self.provider(name);
        }
        let root = self.config.sign_ins.get(name).and_then(|key| self.slots.get(key));
        let by_hand = root.filter(|slot| slot.needs_person(&self.config));
        let served = by_hand
            .and_then(|slot| slot.session.as_ref())
            .filter(|session| session.is_served(&self.clock, self.now));
        let sign_in_needed_by: Option<Timestamp> = served.map(|session| session.told_end(&self.clock));
        let fails = root.is_some_and(|slot| slot.failed.is_some());
        let state = match (self.locked, by_hand, served) {
            (true, _, _) => "locked",
            (false, Some(_), None) if !self.is_loaded() => "unknown",
            (false, Some(_), None) => "sign-in-needed",
            (false, None, _) if fails => "failed",
            (false, Some(_), Some(_)) | (false, None, _) => "ready",
        };
        self.identity_status(name, state, sign_in_needed_by)
    }

    /// Answers the state of an identity that signs in at a provider: a person is needed when the first of its sessions
    /// ends that can't be renewed, or when the provider has said so.
    fn provider(&self, name: &IdentityName) -> IdentityStatus {
        let mut slots = self.slots.values().filter(|slot| slot.identity == *name);
        let is_out = self.is_sign_in_over(name) || slots.any(|slot| slot.signed_out);
        let first = self.sign_in_needed_by(name);
        let state = match (self.locked, is_out) {
            (true, _) => "locked",
            (false, true) => "sign-in-needed",
            (false, false) => "ready",
        };
        let known = self.signed_in_until.get(name).filter(|_| !self.is_sign_in_over(name));
        self.identity_status(name, state, first.or(known.copied()))
    }

    /// Answers whether a sign-in has ended by what is known of it; one that a person makes each time ends with what it
    /// gave, which no daemon takes over from the last.
    pub(super) fn is_sign_in_over(&self, name: &IdentityName) -> bool {
        match self.signed_in_until.get(name) {
            Some(until) => self.clock.monotonic(*until) <= self.now.monotonic,
            None => {
                let identity = self.config.identities.get(name);
                identity.is_some_and(|identity| identity.kind.signs_in_each_time())
            }
        }
    }

    /// Answers when the first session ends that only a sign-in can renew.
    pub(super) fn sign_in_needed_by(&self, name: &IdentityName) -> Option<Timestamp> {
        let is_over = self.is_sign_in_over(name);
        let of_identity = self.slots.values().filter(|slot| slot.identity == *name);
        let out = of_identity.filter(|slot| slot.signed_out || is_over && slot.parent.is_none());
        let sessions = out.filter_map(|slot| slot.session.as_ref());
        let served = sessions.filter(|session| session.is_served(&self.clock, self.now));
        served.map(|session| session.told_end(&self.clock)).min()
    }

    fn identity_status(
        &self,
        name: &IdentityName,
        state: &str,
        sign_in_needed_by: Option<Timestamp>,
    ) -> IdentityStatus {
        IdentityStatus {
            name: name.clone(),
            kind: self.config.identities.get(name).map_or("", |identity| identity.kind.name()).into(),
            state: state.into(),
            sign_in_needed_by,
            rotation: None,
        }
    }
}
