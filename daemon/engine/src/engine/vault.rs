//! Sessions of the vault: read once, adopted by the slots that want them, swept when none does.

use super::attempt::Trigger;
use super::{Answer, Command, Engine, Loading};
use crate::clock::Monotonic;
use crate::session::Session;
use crate::slot::{SlotKey, Work};
use keyfob_shared::{Failure, FailureKind, Secret};

/// The vault is read again this long after it could not be, when nobody asks earlier.
const LOAD_AGAIN: i64 = 60_000;
/// Sessions that no profile needs any more are kept this long: an editor may be half way through a file.
pub(super) const SWEEP_AFTER: i64 = 10_000;

impl Engine {
    pub(super) fn load(&mut self) {
        self.loading = Loading::Asked;
        self.commands.push_back(Command::Load);
    }

    pub(super) fn load_again_at(&self) -> Option<Monotonic> {
        match &self.loading {
            Loading::Failed { at, failure } if !self.locked && failure.kind != FailureKind::Person => {
                Some(at.plus(LOAD_AGAIN))
            }
            Loading::Failed { .. } | Loading::Needed | Loading::Asked | Loading::Done => None,
        }
    }

    pub(super) fn loaded(&mut self, result: Result<Vec<(String, Secret)>, Failure>) {
        if self.locked || !matches!(self.loading, Loading::Asked) {
            return;
        }
        match result {
            Ok(items) => {
                self.loading = Loading::Done;
                self.adopt(items);
                let keys: Vec<SlotKey> = self.slots.keys().copied().collect();
                for key in keys {
                    self.resume(key);
                }
            }
            Err(failure) => {
                self.loading = Loading::Failed { at: self.now.monotonic, failure: failure.clone() };
                let waited: Vec<SlotKey> = self.waiting.values().copied().collect();
                for key in waited {
                    if self.slots.get(&key).is_some_and(|slot| slot.work == Work::Idle) {
                        self.answer_all(key, &Answer::Failed(failure.clone()));
                    }
                }
            }
        }
    }

    fn adopt(&mut self, items: Vec<(String, Secret)>) {
        let by_name: std::collections::HashMap<String, SlotKey> =
            self.slots.keys().map(|key| (key.to_string(), *key)).collect();
        for (name, record) in items {
            let session = Session::from_record(record.expose(), &self.boot, self.now);
            let slot = by_name.get(&name).and_then(|key| self.slots.get_mut(key));
            match (session, slot) {
                (Some(session), Some(slot)) if slot.session.is_none() => {
                    let age = (self.now.wall.millis() - session.minted_at().millis()).max(0);
                    slot.last_used = slot.last_used.or(Some(self.now.monotonic.plus(-age)));
                    slot.keep(session, &self.clock, &mut self.chance);
                }
                (Some(_), Some(_)) => {}
                (None, _) | (_, None) => self.commands.push_back(Command::Forget { item: name }),
            }
        }
    }

    /// Goes on with a slot after the vault was read.
    fn resume(&mut self, key: SlotKey) {
        let Some(slot) = self.slots.get(&key) else { return };
        match (slot.is_served(&self.clock, self.now), slot.waiters.is_empty()) {
            (true, false) if slot.work == Work::Idle => {
                self.deliver(key);
                self.set_timer(key);
            }
            (false, false) => self.attempt(key, Trigger::Caller),
            (_, _) => self.set_timer(key),
        }
    }

    pub(super) fn sweep(&mut self) {
        self.sweep_at = None;
        for key in std::mem::take(&mut self.orphans).into_keys() {
            self.commands.push_back(Command::Forget { item: key.to_string() });
        }
    }
}
