//! A new configuration: slots that are still wanted live on, others end.

use super::serve::Use;
use super::vault::{Home, Orphan, SWEEP_AFTER};
use super::{Answer, Engine, Handed, Loading};
use crate::config::{Config, Identity};
use crate::plan::Plan;
use crate::slot::{Slot, SlotKey, Waiter, Wants, Work};
use keyfob_shared::{Failure, FailureKind, IdentityName, ProfileName, SocketName};
use std::collections::HashMap;
use std::sync::Arc;

impl Engine {
    pub(super) fn configure(&mut self, config: Arc<Config>) {
        let Built { mut slots, profiles, restricted } = build(&config, &self.profiles, &self.restricted);
        let mut homeless = Vec::new();
        for (key, old) in std::mem::take(&mut self.slots) {
            match slots.get_mut(&key) {
                Some(slot) => slot.inherit(old),
                None => homeless.extend(self.end_slot(key, old)),
            }
        }
        for (key, slot) in &mut slots {
            if let Some(session) = self.orphans.remove(key).and_then(|orphan| orphan.session) {
                slot.take_over(session, self.now, &self.clock, &mut self.chance);
            }
            if slot.work == Work::Idle {
                slot.forget_failure();
            }
        }
        let known: std::collections::HashSet<SlotKey> = slots.keys().copied().collect();
        slots.values_mut().for_each(|slot| slot.blocked.retain(|child| known.contains(child)));
        self.slots = slots;
        self.profiles = profiles;
        self.restricted = restricted;
        self.config = config;
        self.check_all_timers();
        self.plan_sweep();
        if matches!(self.loading, Loading::Needed) && !self.locked {
            self.load();
        }
        for (waiter, identity) in homeless {
            match waiter.wants {
                Wants::Credentials(profile) => self.get(waiter.id, profile, Use::Own),
                Wants::Restricted(socket, profile) => self.get_restricted(waiter.id, socket, profile),
                Wants::SignIn => {
                    let failure =
                        Failure::new(FailureKind::Usage, "the identity was changed during the sign-in");
                    self.answer(waiter.id, Answer::Failed(failure.hint(format!("keyfob login {identity}"))));
                }
            }
        }
    }

    /// Takes leave of a slot and answers who waited there.
    fn end_slot(&mut self, key: SlotKey, old: Slot) -> Vec<(Waiter, IdentityName)> {
        if let Some(timer) = old.timer {
            self.timers.remove(&(timer, key));
        }
        if let Work::Minting(id) = old.work {
            self.mints.remove(&id);
        }
        for waiter in &old.waiters {
            self.waiting.remove(&waiter.id);
        }
        if old.session.is_some() || !matches!(self.loading, Loading::Done) {
            let all = self.profiles.iter().chain(self.restricted.values().flatten());
            let of_slot = all.filter(|(_, handed)| handed.slot == key);
            let profiles = of_slot.map(|(name, _)| name.clone()).collect();
            let orphan = Orphan {
                session: old.session,
                identity: Some(old.identity.clone()),
                home: Home::Profiles(profiles),
                until: self.now.monotonic.plus(SWEEP_AFTER),
            };
            self.orphans.insert(key, orphan);
        }
        old.waiters.into_iter().map(|waiter| (waiter, old.identity.clone())).collect()
    }
}

type Slots = HashMap<SlotKey, Slot>;
type Profiles = HashMap<ProfileName, Handed>;
type Restricted = HashMap<SocketName, Profiles>;

/// What a configuration needs.
struct Built {
    slots: Slots,
    profiles: Profiles,
    restricted: Restricted,
}

/// Makes the slots of every plan, and of every identity that a person can sign in.
fn build(config: &Config, before: &Profiles, restricted_before: &Restricted) -> Built {
    let mut slots = Slots::new();
    let mut profiles = HashMap::with_capacity(config.profiles.len());
    for plan in config.profiles.values() {
        let Some(key) = put(&mut slots, plan) else { continue };
        if let Some(slot) = slots.get_mut(&key) {
            slot.lease.join(plan.lease, !slot.is_own);
            slot.is_own = true;
        }
        let last_used = before.get(&plan.profile).and_then(|handed| handed.last_used);
        profiles.insert(plan.profile.clone(), Handed { slot: key, last_used });
    }
    let mut restricted = Restricted::new();
    for (socket, plans) in
        config.sockets.iter().filter_map(|(name, socket)| Some((name, socket.scoped.as_ref()?)))
    {
        let handed = plans.values().filter_map(|plan| {
            let before = restricted_before.get(socket).and_then(|before| before.get(&plan.profile));
            let handed = Handed {
                slot: put(&mut slots, plan)?,
                last_used: before.and_then(|before| before.last_used),
            };
            Some((plan.profile.clone(), handed))
        });
        restricted.insert(socket.clone(), handed.collect());
    }
    for (name, key) in &config.sign_ins {
        if let Some(step) = config.identities.get(name).and_then(Identity::sign_in_step) {
            slots.entry(*key).or_insert_with(|| Slot::new(None, name.clone(), step));
        }
    }
    Built { slots, profiles, restricted }
}

/// Makes the slots of a plan that are not there yet, and answers the last.
fn put(slots: &mut Slots, plan: &Plan) -> Option<SlotKey> {
    let mut parent = None;
    for (key, step) in plan.keys.iter().copied().zip(&plan.steps) {
        slots.entry(key).or_insert_with(|| Slot::new(parent, plan.identity.clone(), step.clone()));
        parent = Some(key);
    }
    let key = parent?;
    slots.get_mut(&key)?.handed_out = true;
    Some(key)
}

impl Slot {
    /// Takes what another slot of the same key knows; who waits there is moved by the caller.
    pub(super) fn inherit(&mut self, old: Self) {
        let (parent, handed_out, is_own) = (self.parent, self.handed_out, self.is_own);
        let lease = old.lease.with_length_of(self.lease);
        *self = old;
        self.parent = parent;
        self.handed_out = handed_out;
        self.is_own = is_own;
        self.lease = lease;
    }
}
