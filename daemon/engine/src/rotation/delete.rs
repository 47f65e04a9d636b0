//! The end of the old key: only when the new one is proven to work, and the old one to be inactive and unused.

use super::failed::plain;
use super::watch::LOOK;
use super::{Action, Key, MINUTE, Next, PROOF, Rotation, SECOND, Stage, Stop, Which, is_fresh};
use crate::clock::Now;
use keyfob_shared::{Failure, FailureKind};

/// Milliseconds between two lists, and how long a list may be late.
const AGAIN: i64 = 10 * SECOND;
const LATE: i64 = 2 * MINUTE;

impl Rotation {
    pub(super) fn delete(&mut self, now: Now) -> Next {
        if let Some(next) = self.prove(Which::Current, now) {
            return next;
        }
        let by = self.signer(Which::Current);
        if !is_fresh(self.local.listed, PROOF, now) {
            return Next::Act(Action::ListKeys { by });
        }
        if self.record.stage == Stage::Confirm {
            if !is_fresh(self.unused, LOOK, now) {
                return self.ask_last_use();
            }
            // Not entered like others: the proofs are for it.
            self.record.stage = Stage::Delete;
            self.clock.record_since(now, &mut self.record);
        }
        Next::Act(Action::Delete { key: self.record.old_key.clone(), by })
    }

    pub(super) fn listed_last(&mut self, keys: &[Key], now: Now) {
        let find = |id: &str| keys.iter().find(|key| key.id == id);
        let is_active = find(&self.new_key()).is_some_and(|key| key.active);
        if !is_active {
            let message = format!(
                "AWS does not list the new access key {} of user {} as active",
                plain(&self.new_key()),
                self.user_name()
            );
            let look = format!("aws iam list-access-keys --user-name {}", self.user_name());
            return self.retry(Failure::new(FailureKind::Upstream, message).hint(look), now);
        }
        match find(&self.record.old_key).map(|key| key.active) {
            None => self.enter(Stage::DropPrevious, now),
            Some(false) => self.local.listed = Some(now.monotonic),
            Some(true) => self.old_key_seems_active(now),
        }
    }

    /// The list is late, or somebody needed the key.
    fn old_key_seems_active(&mut self, now: Now) {
        let since = *self.local.active_since.get_or_insert(now.monotonic);
        if now.monotonic < since.plus(LATE) {
            return self.pause(AGAIN, now);
        }
        let message =
            format!("somebody made the old access key {} active again", plain(&self.record.old_key));
        let hint = format!(
            "have what uses it take its credentials from keyfob, then keyfob key rotate {}; or --rollback",
            self.record.identity
        );
        self.stop(Failure::new(FailureKind::Person, message).hint(hint), Stop::ActiveAgain, now);
    }

    /// AWS has deleted a key, or does not know it.
    pub(super) fn deleted(&mut self, now: Now) {
        if self.record.stage == Stage::Delete {
            self.enter(Stage::DropPrevious, now);
        } else {
            // The new key, or one whose answer was lost: these may be too young to be known in all places.
            if self.record.stage == Stage::Discard {
                self.enter(Stage::Search, now);
            }
            self.suspect_is_gone(now);
        }
    }

    /// A permission is missing: if nothing was sent before, the old key is still there, and the way back open.
    pub(super) fn delete_is_denied(&mut self) {
        if self.record.stage == Stage::Delete && !self.local.may_be_deleted {
            self.record.stage = Stage::Confirm;
        }
    }
}
