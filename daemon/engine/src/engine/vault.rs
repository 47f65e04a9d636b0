//! Sessions of the vault: read once, adopted by the slots that want them.
//!
//! Others stay where they are until they end: another configuration may have profiles for them.

use super::attempt::Trigger;
use super::{Answer, Command, Engine, LoadId, Loading};
use crate::clock::{Monotonic, Now, WallClock};
use crate::session::Session;
use crate::slot::{Slot, SlotKey, Work};
use keyfob_shared::{Failure, FailureKind, IdentityName, ProfileName, Secret};
use std::collections::HashMap;

/// The vault is read again this long after it could not be, when nobody asks earlier.
const LOAD_AGAIN: i64 = 60_000;
/// Sessions that an edit took the profiles from are kept this long: an editor may be half way through a file.
pub(super) const SWEEP_AFTER: i64 = 10_000;

/// A session that no profile of the configuration needs, here or only in the vault.
#[derive(Debug)]
pub(super) struct Orphan {
    pub(super) session: Option<Session>,
    /// Whose it is, where that is known.
    pub(super) identity: Option<IdentityName>,
    pub(super) home: Home,
    /// When it is forgotten.
    pub(super) until: Monotonic,
}

/// Which profiles an orphan was for.
#[derive(Debug)]
pub(super) enum Home {
    /// Those of the configuration before.
    Profiles(Vec<ProfileName>),
    /// It was found in the vault.
    Unknown,
}

impl Orphan {
    /// Answers whether it may be of an identity.
    pub(super) fn may_be_of(&self, identity: &IdentityName) -> bool {
        self.identity.as_ref().is_none_or(|own| own == identity)
    }
}

/// Which sessions of a vault that is not read yet are forgotten already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    All,
    Identity(IdentityName),
    Slot(SlotKey),
}

impl Ended {
    /// Answers whether a session is among them; one whose identity is not known is.
    fn covers(&self, key: SlotKey, identity: Option<&IdentityName>) -> bool {
        match self {
            Self::All => true,
            Self::Identity(ended) => identity.is_none_or(|identity| identity == ended),
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
                        && !ended.iter().any(|ended| ended.covers(key, Some(&slot.identity))) =>
                {
                    slot.take_over(session, self.now, &self.clock, &mut self.chance);
                }
                (Some(session), None) => self.adopt_orphan(name, session, &ended),
                (_, _) => self.commands.push_back(Command::Forget { item: name }),
            }
        }
        self.plan_sweep();
    }

    /// Keeps a session for which the configuration has no profile: it may be the wrong one, or not there yet.
    fn adopt_orphan(&mut self, name: String, session: Session, ended: &[Ended]) {
        let identity = session.identity.clone();
        let key = SlotKey::parse(&name);
        let is_kept = |key: &SlotKey| !ended.iter().any(|ended| ended.covers(*key, identity.as_ref()));
        let Some(key) = key.filter(is_kept) else {
            return self.commands.push_back(Command::Forget { item: name });
        };
        let until = session.end(&self.clock);
        let found = || Orphan { session: None, identity, home: Home::Unknown, until };
        self.orphans.entry(key).or_insert_with(found).session = Some(session);
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
        let now = self.now.monotonic;
        self.forget_orphans(|orphan| orphan.until <= now);
        self.plan_sweep();
    }

    pub(super) fn plan_sweep(&mut self) {
        self.sweep_at = self.orphans.values().map(|orphan| orphan.until).min();
    }
}

impl Slot {
    /// Takes over a session of the vault, and with it when it was last used.
    pub(super) fn take_over(
        &mut self,
        session: Session,
        now: Now,
        clock: &WallClock,
        chance: &mut fastrand::Rng,
    ) {
        let age = (now.wall.millis() - session.last_used().millis()).max(0);
        self.last_used = self.last_used.or(Some(now.monotonic.plus(-age)));
        // Who used it is not written down; what a profile hands out is the person's.
        self.last_own_use = self.last_own_use.or(self.last_used).filter(|_| self.is_own);
        self.lease.begin(now.monotonic);
        self.keep(session, clock, chance);
    }
}
