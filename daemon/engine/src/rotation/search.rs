//! After a lost answer: finds a key that nobody knows, proves that it is ours, and removes it.
//!
//! Ours is a key that was not there before, that was created while an answer of ours was lost, and that nobody has used.

use super::failed::plain;
use super::{Action, Direction, Key, LastUse, Next, PROOF, Rotation, SECOND, Stage, Stop, Which, is_fresh};
use crate::clock::Now;
use keyfob_shared::{Failure, FailureKind, Timestamp};

/// How long after a lost answer the first look is, in milliseconds: the call may still be under way.
pub(super) const FIRST_LOOK: i64 = 5 * SECOND;
/// How long after a look the next one is.
const NEXT_LOOK: i64 = 10 * SECOND;
/// So many looks in a row that show no unknown key, over at least so long, prove that there is none: lists are late by
/// some seconds. Before another creation a short while is enough, as AWS lets no user have three keys.
const LOOKS: u32 = 4;
const QUIET: i64 = 30 * SECOND;
/// The same before the end of the rotation, after which nobody looks again.
const LAST_QUIET: i64 = 90 * SECOND;

/// A key that may be ours.
#[derive(Debug)]
pub(super) struct Suspect {
    key: String,
    /// Whether AWS has said that it was never used.
    unused: bool,
}

impl Rotation {
    pub(super) fn search(&mut self, now: Now) -> Next {
        let by = self.signer(Which::Current);
        // A suspicion is of a list that also shows that our own key works.
        if !is_fresh(self.local.listed, PROOF, now) {
            self.local.suspect = None;
        }
        match &self.local.suspect {
            None => Next::Act(Action::ListKeys { by }),
            Some(Suspect { key, unused: false }) => Next::Act(Action::LastUsed { key: key.clone(), by }),
            Some(Suspect { key, unused: true }) => Next::Act(Action::Delete { key: key.clone(), by }),
        }
    }

    pub(super) fn looked(&mut self, keys: &[Key], now: Now) {
        let is_active = keys.iter().any(|key| key.id == self.record.old_key && key.active);
        if !is_active {
            return self.old_key_is_missing(now);
        }
        self.local.listed = Some(now.monotonic);
        let known = |key: &&Key| {
            key.id == self.record.old_key || self.record.before.iter().any(|before| before.id == key.id)
        };
        let unknown: Vec<&Key> = keys.iter().filter(|key| !known(key)).collect();
        if unknown.iter().any(|key| self.record.new_key.as_ref() == Some(&key.id)) {
            // It is not deleted yet, or the list is late; to delete it again takes the same proofs.
            return self.enter(Stage::Discard, now);
        }
        if let Some(key) = unknown.iter().find(|key| self.is_of_lost_answer(key.created)) {
            self.local.suspect = Some(Suspect { key: key.id.clone(), unused: false });
            return self.look_anew();
        }
        if !unknown.is_empty() && (self.record.lost.is_some() || self.record.direction == Direction::Forward)
        {
            let unknown = unknown.into_iter().cloned().collect();
            return self.unproven(unknown, "was not created while an answer of AWS was lost", now);
        }
        self.local.looks = self.local.looks.saturating_add(1);
        let since = *self.local.clean_since.get_or_insert(now.monotonic);
        let quiet = match self.record.direction {
            Direction::Forward => QUIET,
            Direction::Back => LAST_QUIET,
        };
        if self.local.looks < LOOKS || now.monotonic < since.plus(quiet) {
            return self.pause(NEXT_LOOK, now);
        }
        self.record.new_key = None;
        match (self.record.direction, keys.len()) {
            (Direction::Back, _) => self.enter(Stage::DropNext, now),
            (Direction::Forward, 1) => {
                self.enter(Stage::Create, now);
                self.local.listed = Some(now.monotonic);
            }
            (Direction::Forward, _) => self.enter(Stage::List, now),
        }
    }

    fn look_anew(&mut self) {
        self.local.looks = 0;
        self.local.clean_since = None;
    }

    /// Answers whether a key was created while an answer of ours was lost.
    fn is_of_lost_answer(&self, created: Timestamp) -> bool {
        self.record.lost.is_some_and(|lost| (lost.from..=lost.until).contains(&created))
    }

    pub(super) fn suspect_was_used(&mut self, key: String, used: Option<LastUse>, now: Now) {
        let Some(used) = used else {
            self.local.suspect = Some(Suspect { key, unused: true });
            return;
        };
        self.local.suspect = None;
        let why = format!("was used: {}", super::list::told(&used));
        let created = self.record.lost.map_or(used.at, |lost| lost.from);
        self.unproven(vec![Key { id: key, active: true, created }], &why, now);
    }

    /// The key is gone, or was deleted: the lists must say so too, as a key that is just created may be unknown in places.
    pub(super) fn suspect_is_gone(&mut self, now: Now) {
        self.local.suspect = None;
        self.look_anew();
        self.pause(NEXT_LOOK, now);
    }

    fn unproven(&mut self, keys: Vec<Key>, why: &str, now: Now) {
        self.look_anew();
        let (user, id) = (self.user_name(), keys.first().map_or("", |key| &key.id));
        let id = plain(id);
        let message = format!(
            "an answer of AWS was lost, and user {user} has an access key {id} that is not proven to be ours: it {why}"
        );
        let todo = format!(
            "if nothing needs it: aws iam delete-access-key --user-name {user} --access-key-id {id}; else leave it"
        );
        let failure = Failure::new(FailureKind::Person, message).hint(self.hint(&todo, ""));
        self.stop(failure, Stop::Unproven(keys), now);
    }

    /// The key that signs is not listed as active: nothing is decided on such a list.
    pub(super) fn old_key_is_missing(&mut self, now: Now) {
        self.look_anew();
        let message = format!(
            "AWS does not list the access key {} of user {} as active",
            plain(&self.record.old_key),
            self.user_name()
        );
        let look = format!("aws iam list-access-keys --user-name {}", self.user_name());
        self.retry(Failure::new(FailureKind::Upstream, message).hint(look), now);
    }
}
