//! Rotation of an access key: AWS's own procedure, one recorded step at a time.
//!
//! [`Rotation::next`] answers one thing to do and [`Rotation::hear`] takes how it went; in between the shell writes
//! [`Rotation::record`] down, and after a crash [`Rotation::resume`] goes on from there. It holds no secret, never deletes
//! the last working key, and never touches a key that it can't prove to have made.

mod action;
mod aws_clock;
mod back;
mod command;
mod create;
mod delete;
mod due;
mod failed;
mod heard;
mod list;
#[cfg(test)]
mod model;
mod record;
mod search;
#[cfg(test)]
mod tests;
mod verify;
mod view;
mod watch;

pub use action::{Action, Failed, FailedKind, Key, LastUse, Outcome, Signer, Which};
pub use command::Command;
pub use due::{Due, due};
pub use record::{Direction, End, Pace, Record, Span, Stage, Stop, Trouble, User};
pub use view::View;

use crate::clock::{Monotonic, Now};
use crate::timing;
use aws_clock::AwsClock;
use keyfob_shared::{Failure, IdentityName, Timestamp};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// What was seen longer ago than this, in milliseconds, is seen again before anything is deleted for it.
const PROOF: i64 = 2 * MINUTE;

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Do this, once the record is written.
    Act(Action),
    /// Nothing until this moment, or until a command; `None` means until a command.
    Wait(Option<Monotonic>),
    /// It is over: its journal can go.
    Ended(End),
}

/// The rotation of the access key of one identity.
#[derive(Debug)]
pub struct Rotation {
    record: Record,
    clock: AwsClock,
    chance: fastrand::Rng,
    // What was answered by `next` and has no outcome yet.
    in_flight: Option<Action>,
    // Nothing is done before.
    not_before: Option<Monotonic>,
    // In a row.
    failures: u32,
    unwritten: Option<(Failure, u32)>,
    // When the key that is to sign next was created or made active at the latest; `None` if that is long ago.
    changed: Option<Monotonic>,
    // When AWS told last that the old key was not used after the switch.
    unused: Option<Monotonic>,
    // How often AWS has said that there are too many keys since there was one less, and since when.
    limits: u32,
    limited_since: Option<Monotonic>,
    local: Local,
}

/// What this process knows of the stage that it is in. Proofs are among it: none survives a crash.
#[derive(Debug, Default)]
struct Local {
    listed: Option<Monotonic>,
    verified: Option<Monotonic>,
    run: Option<verify::Run>,
    refused: Option<Monotonic>,
    /// The other key that is in the way of a new one.
    other: Option<Key>,
    suspect: Option<search::Suspect>,
    looks: u32,
    clean_since: Option<Monotonic>,
    /// Since when the lists show the old key as active that was made inactive.
    active_since: Option<Monotonic>,
    store_tries: u32,
    /// Whether the list was looked at on the way back, and the old key made active, as far as that can be done.
    looked: bool,
    activated: bool,
    /// Whether the old key may be deleted already.
    may_be_deleted: bool,
}

impl Rotation {
    /// Begins to rotate the key with which an identity signs.
    pub fn begin(identity: IdentityName, current_key: impl Into<String>, pace: Pace, now: Now) -> Self {
        let mut rotation = Self::new(Record::new(identity, current_key.into(), pace, now.wall), now);
        rotation.clock.record_since(now, &mut rotation.record);
        rotation
    }

    /// Goes on with a rotation after a crash, a restart or a boot. What was under way may have taken effect.
    pub fn resume(record: Record, now: Now) -> Self {
        let mut rotation = Self::new(record, now);
        rotation.local.may_be_deleted = rotation.record.stage == Stage::Delete;
        if rotation.record.stage == Stage::Create
            && let Some(asked) = rotation.record.asked
        {
            rotation.creation_is_lost(asked, now);
        }
        rotation
    }

    fn new(record: Record, now: Now) -> Self {
        let is_young = matches!(record.stage, Stage::Store | Stage::Verify | Stage::Activate);
        let changed = Some(now.monotonic).filter(|_| is_young);
        let name = record.identity.as_str().bytes();
        let seed = name.fold(now.wall.millis().cast_unsigned(), |seed, byte| {
            seed.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        Self {
            record,
            clock: AwsClock::new(now),
            chance: fastrand::Rng::with_seed(seed),
            in_flight: None,
            not_before: None,
            failures: 0,
            unwritten: None,
            changed,
            unused: None,
            limits: 0,
            limited_since: None,
            local: Local::default(),
        }
    }

    /// Answers what is to be written to the journal whenever it has changed, before anything that [`Rotation::next`]
    /// answers is done.
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Answers what comes next. An action that was answered before and has no outcome yet counts as lost: it may have taken
    /// effect.
    pub fn next(&mut self, now: Now) -> Next {
        self.clock.tick(now);
        if let Some(action) = self.under_way() {
            self.answer_is_lost(&action, now);
        }
        loop {
            if self.record.direction == Direction::Back {
                self.turn_back(now);
            }
            let Some(next) = self.step(now) else { continue };
            if let Next::Act(action) = &next {
                self.in_flight = Some(action.clone());
            }
            return next;
        }
    }

    /// Answers what the stage asks for; `None` if it is another stage now.
    fn step(&mut self, now: Now) -> Option<Next> {
        if let Stage::Over(end) = &self.record.stage {
            return Some(Next::Ended(end.clone()));
        }
        // A secret that is only in memory is stored, whatever a person wants to think about.
        let held = self.record.paused || self.record.needs_person();
        if held && self.record.stage != Stage::Store {
            return Some(Next::Wait(None));
        }
        if self.not_before.is_some_and(|moment| now.monotonic < moment) {
            return Some(Next::Wait(self.not_before));
        }
        match self.record.stage {
            Stage::List => Some(self.list()),
            Stage::Create => self.create(now),
            Stage::Search => Some(self.search(now)),
            Stage::Store => Some(Next::Act(Action::StoreNext { key: self.new_key() })),
            Stage::Verify => self.verify(now),
            Stage::Switch => {
                Some(Next::Act(Action::Switch { old: self.record.old_key.clone(), new: self.new_key() }))
            }
            Stage::Watch => self.watch(now),
            Stage::Deactivate => Some(self.deactivate(now)),
            Stage::Wait => self.wait(now),
            Stage::Confirm | Stage::Delete => Some(self.delete(now)),
            Stage::DropPrevious => Some(Next::Act(Action::DropPrevious)),
            Stage::Activate => self.activate(now),
            Stage::SwitchBack => {
                Some(Next::Act(Action::SwitchBack { old: self.record.old_key.clone(), new: self.new_key() }))
            }
            Stage::Discard => self.discard(now),
            Stage::DropNext => Some(Next::Act(Action::DropNext)),
            Stage::Over(_) => None,
        }
    }

    /// Hears that the record could not be written, so that nothing was done; answers when it is to be tried again, unless
    /// a command comes earlier.
    pub fn journal_failed(&mut self, failure: Failure, now: Now) -> Monotonic {
        self.in_flight = None;
        // Nothing of the kind was sent yet.
        if self.record.stage == Stage::Delete && !self.local.may_be_deleted {
            self.record.stage = Stage::Confirm;
        }
        let count = self.unwritten.take().map_or(1, |(_, count)| count.saturating_add(1));
        self.unwritten = Some((failure, count));
        now.monotonic.plus(timing::back_off(count, None, &mut self.chance))
    }

    /// Hears the `Date` header of an answer of AWS, before its outcome is heard; `sent` is when its request went out.
    ///
    /// Without any, our wall clock is believed.
    pub fn hear_date(&mut self, date: Timestamp, sent: Now, now: Now) {
        self.clock.tick(now);
        self.clock.hear(date, sent, now, &mut self.record);
    }

    fn enter(&mut self, stage: Stage, now: Now) {
        self.record.stage = stage;
        self.clock.record_since(now, &mut self.record);
        self.record.trouble = None;
        self.not_before = None;
        self.failures = 0;
        self.local = Local::default();
    }

    fn new_key(&self) -> String {
        self.record.new_key.clone().unwrap_or_default()
    }

    /// Answers what signs by an item in this stage.
    fn signer(&self, item: Which) -> Signer {
        let switched = match self.record.stage {
            Stage::Watch
            | Stage::Deactivate
            | Stage::Wait
            | Stage::Confirm
            | Stage::Delete
            | Stage::DropPrevious
            | Stage::Activate => true,
            Stage::List
            | Stage::Create
            | Stage::Search
            | Stage::Store
            | Stage::Verify
            | Stage::Switch
            | Stage::SwitchBack
            | Stage::Discard
            | Stage::DropNext
            | Stage::Over(_) => false,
        };
        let key = match (item, switched) {
            (Which::Current, true) | (Which::Next, _) => self.new_key(),
            (Which::Current, false) | (Which::Previous, _) => self.record.old_key.clone(),
        };
        Signer { item, key }
    }

    /// Has nothing done for some milliseconds, or up to a tenth more.
    fn pause(&mut self, millis: i64, now: Now) {
        let jitter = self.chance.i64(0..=millis / 10);
        self.not_before = Some(now.monotonic.plus(millis + jitter));
    }
}

/// Answers whether something was seen no longer ago than this, in milliseconds.
fn is_fresh(seen: Option<Monotonic>, millis: i64, now: Now) -> bool {
    seen.is_some_and(|moment| now.monotonic <= moment.plus(millis))
}
