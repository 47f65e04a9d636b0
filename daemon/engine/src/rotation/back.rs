//! The way back: the old key signs again, and the new one goes.

use super::failed::plain;
use super::{Action, Direction, End, Key, Next, PROOF, Rotation, SECOND, Stage, Which, is_fresh};
use crate::clock::Now;

/// Milliseconds between two lists without the old key, and how many of them prove that it is gone.
const AGAIN: i64 = 10 * SECOND;
const GONE: u32 = 4;

impl Rotation {
    /// Turns a stage of the way forward to the one that undoes it.
    pub(super) fn turn_back(&mut self, now: Now) {
        let stage = match self.record.stage {
            Stage::List if self.record.before_at.is_none() => Stage::Over(End::RolledBack),
            Stage::Create if self.record.asked.is_some() || self.record.lost.is_some() => Stage::Search,
            Stage::List | Stage::Create => Stage::DropNext,
            Stage::Store | Stage::Verify => Stage::Discard,
            // It may be half done: to undo it is to be done as well.
            Stage::Switch => Stage::SwitchBack,
            Stage::Watch | Stage::Deactivate | Stage::Wait | Stage::Confirm => Stage::Activate,
            Stage::Search
            | Stage::Delete
            | Stage::DropPrevious
            | Stage::Activate
            | Stage::SwitchBack
            | Stage::Discard
            | Stage::DropNext
            | Stage::Over(_) => return,
        };
        self.enter(stage, now);
    }

    /// Makes the old key active where it is not, and waits until it works.
    pub(super) fn activate(&mut self, now: Now) -> Option<Next> {
        let by = self.signer(Which::Current);
        if !self.local.looked {
            return Some(Next::Act(Action::ListKeys { by }));
        }
        if self.record.deactivated && !self.local.activated {
            return Some(Next::Act(Action::Activate { key: self.record.old_key.clone(), by }));
        }
        if let Some(next) = self.prove(Which::Previous, now) {
            return Some(next);
        }
        self.enter(Stage::SwitchBack, now);
        None
    }

    pub(super) fn listed_back(&mut self, keys: &[Key], now: Now) {
        match keys.iter().find(|key| key.id == self.record.old_key) {
            Some(key) => {
                self.record.deactivated |= !key.active;
                self.local.looked = true;
                self.local.looks = 0;
            }
            None if self.local.looks + 1 < GONE => {
                self.local.looks += 1;
                self.pause(AGAIN, now);
            }
            None => self.no_way_back(now),
        }
    }

    /// The key that signs is refused or may not look: whether the old key works is to be seen.
    pub(super) fn not_looked(&mut self) {
        self.local.looked = true;
    }

    pub(super) fn activated(&mut self, now: Now) {
        self.local.activated = true;
        self.record.deactivated = false;
        self.changed = Some(now.monotonic);
    }

    pub(super) fn not_activated(&mut self) {
        self.local.activated = true;
    }

    /// Somebody has deleted the old key: what is left is to go on with the new one.
    pub(super) fn no_way_back(&mut self, now: Now) {
        let remark = format!(
            "no rollback: the old access key {} does not exist any more, and the new one stays",
            plain(&self.record.old_key)
        );
        self.record.remark = Some(remark);
        self.record.direction = Direction::Forward;
        self.enter(Stage::Confirm, now);
    }

    pub(super) fn switched_back(&mut self, now: Now) {
        self.enter(Stage::Discard, now);
    }

    /// Deletes the new key, once the old one is proven to work.
    pub(super) fn discard(&mut self, now: Now) -> Option<Next> {
        if let Some(next) = self.prove(Which::Current, now) {
            return Some(next);
        }
        let by = self.signer(Which::Current);
        if !is_fresh(self.local.listed, PROOF, now) {
            return Some(Next::Act(Action::ListKeys { by }));
        }
        Some(Next::Act(Action::Delete { key: self.new_key(), by }))
    }

    pub(super) fn listed_to_discard(&mut self, keys: &[Key], now: Now) {
        if keys.iter().any(|key| key.id == self.record.old_key && key.active) {
            self.local.listed = Some(now.monotonic);
        } else {
            self.old_key_is_missing(now);
        }
    }

    pub(super) fn dropped_next(&mut self, now: Now) {
        let end = self.record.gave_up.clone().map_or(End::RolledBack, End::GivenUp);
        self.enter(Stage::Over(end), now);
    }
}
