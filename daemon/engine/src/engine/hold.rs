//! Holds: a program runs with a profile, so its sessions are renewed whether they are used or not.

use super::Engine;
use crate::clock::Monotonic;
use crate::slot::{Slot, SlotKey};
use keyfob_shared::{ProfileName, Timestamp};
use std::collections::HashMap;

/// Names a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HoldId(pub u64);

/// A profile that is in use until it is released, or until its lease ends.
#[derive(Debug)]
struct Hold {
    profile: ProfileName,
    until: Monotonic,
}

/// All holds.
#[derive(Debug, Default)]
pub(super) struct Holds(HashMap<HoldId, Hold>);

/// What ends renewal before a lease does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// One line for people.
    pub message: String,
    /// The command that takes it away.
    pub hint: String,
}

impl Engine {
    /// Holds a profile; `lease` is in milliseconds.
    pub(super) fn hold(&mut self, id: HoldId, profile: ProfileName, lease: Option<i64>) {
        let until = lease.map_or(Monotonic(i64::MAX), |lease| self.now.monotonic.plus(lease));
        let slot = self.profiles.get(&profile).map(|handed| handed.slot);
        self.holds.0.insert(id, Hold { profile, until });
        if let Some(key) = slot {
            self.set_timer(key);
        }
    }

    pub(super) fn release(&mut self, id: HoldId) {
        let Some(hold) = self.holds.0.remove(&id) else { return };
        if let Some(handed) = self.profiles.get(&hold.profile) {
            self.set_timer(handed.slot);
        }
    }

    /// Answers until when a session is held; `None` if it is not.
    pub(super) fn held_until(&self, key: SlotKey) -> Option<Monotonic> {
        let of_slot =
            |hold: &&Hold| self.profiles.get(&hold.profile).is_some_and(|handed| handed.slot == key);
        self.holds.0.values().filter(of_slot).map(|hold| hold.until).max()
    }

    /// Answers how many programs hold a profile, and until when renewal is leased, where that has an end.
    pub(super) fn holders(&self, profile: &ProfileName) -> (u32, Option<Timestamp>) {
        let holds = self.holds.0.values().filter(|hold| hold.profile == *profile);
        let (count, last) =
            holds.fold((0, None), |(count, last), hold| (count + 1, last.max(Some(hold.until))));
        (count, last.filter(|until| until.0 < i64::MAX).map(|until| self.clock.wall(until)))
    }

    /// Answers what is foreseen to end renewal of a profile within a lease, in milliseconds; without one, at any time.
    pub fn obstacles(&self, profile: &ProfileName, lease: Option<i64>) -> Vec<Obstacle> {
        let Some(handed) = self.profiles.get(profile) else { return Vec::new() };
        let until = lease.map_or(Monotonic(i64::MAX), |lease| self.now.monotonic.plus(lease));
        let on_the_way = self.way(handed.slot).filter_map(|key| self.slots.get(&key));
        let mut obstacles: Vec<Obstacle> = on_the_way.filter_map(|slot| self.obstacle(slot, until)).collect();
        obstacles.reverse();
        obstacles
    }

    /// A step that a person has to sign in for is not taken again when its session ends.
    fn obstacle(&self, slot: &Slot, until: Monotonic) -> Option<Obstacle> {
        let identity = &slot.identity;
        let is_over = slot.parent.is_none() && (slot.signed_out || self.is_sign_in_over(identity));
        let known = self.signed_in_until.get(identity).filter(|_| slot.parent.is_none() && !is_over);
        let ends = known.filter(|end| self.clock.monotonic(**end) < until).copied();
        if ends.is_none() && !is_over && !slot.needs_person(&self.config) {
            return None;
        }
        let session = slot.session.as_ref().filter(|session| session.is_served(&self.clock, self.now));
        let lasts = session.map(|session| session.told_end(&self.clock));
        if lasts.is_some_and(|end| self.clock.monotonic(end) >= until) {
            return None;
        }
        let message = match ends.or(lasts) {
            Some(end) => format!("the sign-in of identity {identity} ends at {end}: sign in again before"),
            None => format!("identity {identity} is not signed in: renewal ends with this session"),
        };
        Some(Obstacle { message, hint: format!("keyfob login {identity}") })
    }
}
