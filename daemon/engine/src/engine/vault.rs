//! Sessions of the vault: read once, adopted by the slots that want them, swept when none does.

use super::attempt::Trigger;
use super::{Answer, Command, Engine, LoadId, Loading};
use crate::clock::Monotonic;
use crate::session::Session;
use crate::slot::{Slot, SlotKey, Work};
use keyfob_shared::{Failure, FailureKind, IdentityName, ProfileName, Secret};
use std::collections::HashMap;

/// The vault is read again this long after it could not be, when nobody asks earlier.
const LOAD_AGAIN: i64 = 60_000;
/// Sessions that no profile needs any more are kept this long: an editor may be half way through a file.
pub(super) const SWEEP_AFTER: i64 = 10_000;

/// A session that no profile of the configuration needs any more, here or only in the vault.
#[derive(Debug)]
pub(super) struct Orphan {
    pub(super) session: Option<Session>,
    pub(super) identity: IdentityName,
    pub(super) profiles: Vec<ProfileName>,
}

/// Which sessions of a vault that is not read yet are forgotten already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    All,
    Identity(IdentityName),
    Slot(SlotKey),
}

impl Ended {
    fn covers(&self, key: SlotKey, slot: &Slot) -> bool {
        match self {
            Self::All => true,
            Self::Identity(identity) => slot.identity == *identity,
            Self::Slot(ended) => *ended == key,
        }
    }
}

impl Engine {
    pub(super) fn load(&mut self) {
        let load = LoadId(self.next_load);
        self.next_load += 1;
        self.loading = Loading::Asked(load);
        self.commands.push_back(Command::Load(load));
    }

    pub(super) fn load_again_at(&self) -> Option<Monotonic> {
        match &self.loading {
            Loading::Failed { at, failure } if !self.locked && failure.kind != FailureKind::Person => {
                Some(at.plus(LOAD_AGAIN))
            }
            Loading::Failed { .. } | Loading::Needed | Loading::Asked(_) | Loading::Done => None,
        }
    }

    /// Takes note that sessions which may lie in a vault that was not read yet are forgotten.
    pub(super) fn end_unread(&mut self, ended: Ended) {
        if !matches!(self.loading, Loading::Done) && !self.ended.contains(&ended) {
            self.ended.push(ended);
        }
    }

    pub(super) fn loaded(&mut self, load: LoadId, result: Result<Vec<(String, Secret)>, Failure>) {
        let expected = matches!(self.loading, Loading::Asked(asked) if asked == load);
        if self.locked || !expected {
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
                self.loading = Loading::Failed { at: self.now.monotonic, failure };
                let waited: Vec<SlotKey> = self.waiting.values().copied().collect();
                for key in waited {
                    if self.slots.get(&key).is_some_and(|slot| slot.work == Work::Idle) {
                        self.want_without_vault(key);
                    }
                }
            }
        }
    }

    /// Gets a slot to work while the vault can't be read: from a session in memory, or not at all.
    pub(super) fn want_without_vault(&mut self, key: SlotKey) {
        let Loading::Failed { failure, .. } = &self.loading else { return };
        let failure = failure.clone();
        if self.has_source(key) {
            self.attempt(key, Trigger::Caller);
        } else {
            self.answer_all(key, &Answer::Failed(failure));
        }
    }

    /// Answers whether a session in memory can sign the way to a slot.
    pub(super) fn has_source(&self, key: SlotKey) -> bool {
        let mut sources = self.way(key).skip(1).filter_map(|key| self.slots.get(&key));
        sources.any(|slot| slot.is_served(&self.clock, self.now))
    }

    fn adopt(&mut self, items: Vec<(String, Secret)>) {
        let ended = std::mem::take(&mut self.ended);
        let by_name: HashMap<String, SlotKey> =
            self.slots.keys().map(|key| (key.to_string(), *key)).collect();
        for (name, record) in items {
            let key = by_name.get(&name).copied();
            let session = Session::from_record(record.expose(), &self.boot, &self.clock, self.now);
            let slot = key.and_then(|key| Some((key, self.slots.get_mut(&key)?)));
            match (session, slot) {
                (Some(_), Some((_, slot))) if slot.session.is_some() => {}
                (Some(session), Some((key, slot)))
                    if slot.forgotten.as_ref() != Some(&session.credentials.access_key_id)
                        && !ended.iter().any(|ended| ended.covers(key, slot)) =>
                {
                    let age = (self.now.wall.millis() - session.last_used().millis()).max(0);
                    slot.last_used = slot.last_used.or(Some(self.now.monotonic.plus(-age)));
                    // Who used it is not written down; what a profile hands out is the person's.
                    slot.last_own_use = slot.last_own_use.or(slot.last_used).filter(|_| slot.is_own);
                    slot.keep(session, &self.clock, &mut self.chance);
                }
                (_, _) => self.commands.push_back(Command::Forget { item: name }),
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

    /// Forgets sessions that no profile needs, here and in the vault.
    pub(super) fn forget_orphans(&mut self, which: impl Fn(&Orphan) -> bool) {
        for (key, _) in self.orphans.extract_if(|_, orphan| which(orphan)) {
            self.commands.push_back(Command::Forget { item: key.to_string() });
        }
    }

    pub(super) fn sweep(&mut self) {
        self.sweep_at = None;
        self.forget_orphans(|_| true);
    }
}
