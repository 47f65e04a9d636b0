//! What the shell tells: which outcome means what in which stage.

use super::{Action, End, Failed, FailedKind, Key, LastUse, Outcome, Rotation, Stage};
use crate::clock::Now;
use keyfob_shared::{Failure, FailureKind};

impl Rotation {
    /// Hears how the action went that [`Rotation::next`] has answered.
    pub fn hear(&mut self, outcome: Outcome, now: Now) {
        self.clock.tick(now);
        let Some(action) = self.under_way() else { return };
        self.unwritten = None;
        match outcome {
            Outcome::Failed(failed) => self.failed(&action, failed, now),
            Outcome::Done
            | Outcome::Listed(_)
            | Outcome::LastUsed(_)
            | Outcome::Created { .. }
            | Outcome::Good { .. }
            | Outcome::SecretLost => {
                self.went_well();
                self.succeeded(action, outcome, now);
            }
        }
    }

    /// Answers what is under way, and takes it; what was when a person ended the rotation changes nothing any more.
    pub(super) fn under_way(&mut self) -> Option<Action> {
        let is_over = matches!(self.record.stage, Stage::Over(_));
        self.in_flight.take().filter(|_| !is_over)
    }

    /// The failures before are over; that there are too many keys is over only when one is created.
    fn went_well(&mut self) {
        self.failures = 0;
        if self.limits == 0 {
            self.record.trouble = None;
        }
    }

    fn succeeded(&mut self, action: Action, outcome: Outcome, now: Now) {
        match (action, outcome) {
            (Action::Verify { .. }, Outcome::Good { arn, account }) => {
                if self.record.stage == Stage::List {
                    self.identified(&arn, account, now);
                } else {
                    self.answered_well(&arn, now);
                }
            }
            (Action::ListKeys { .. }, Outcome::Listed(keys)) => self.listed(keys, now),
            (Action::LastUsed { key, .. }, Outcome::LastUsed(used)) => self.last_used(key, used, now),
            (Action::Create { .. }, Outcome::Created { key }) => self.created(key, now),
            (Action::StoreNext { .. }, Outcome::Done) => self.stored(now),
            (Action::StoreNext { .. }, Outcome::SecretLost) => self.enter(Stage::Discard, now),
            (Action::Switch { .. }, Outcome::Done) => self.switched(now),
            (Action::SwitchBack { .. }, Outcome::Done) => self.switched_back(now),
            (Action::Deactivate { .. }, Outcome::Done) => self.deactivated(now),
            (Action::Activate { .. }, Outcome::Done) => self.activated(now),
            (Action::Delete { .. }, Outcome::Done) => self.deleted(now),
            (Action::DropNext, Outcome::Done) => self.dropped_next(now),
            (Action::DropPrevious, Outcome::Done) => self.enter(Stage::Over(End::Done), now),
            // No such answer belongs to it: what was done is not known.
            (action, _) => self.answer_is_lost(&action, now),
        }
    }

    /// An action was begun, and nobody knows how it went.
    pub(super) fn answer_is_lost(&mut self, action: &Action, now: Now) {
        let message = format!("{}: its answer was lost", action.what());
        let failure = Failure::new(FailureKind::Upstream, message);
        self.failed(action, Failed { kind: FailedKind::Transient, failure }, now);
    }

    fn listed(&mut self, keys: Vec<Key>, now: Now) {
        match self.record.stage {
            Stage::List => self.listed_first(keys, now),
            Stage::Search => self.looked(&keys, now),
            Stage::Confirm | Stage::Delete => self.listed_last(&keys, now),
            Stage::Activate => self.listed_back(&keys, now),
            Stage::Discard => self.listed_to_discard(&keys, now),
            // These list nothing.
            Stage::Create
            | Stage::Store
            | Stage::Verify
            | Stage::Switch
            | Stage::Watch
            | Stage::Deactivate
            | Stage::Wait
            | Stage::DropPrevious
            | Stage::SwitchBack
            | Stage::DropNext
            | Stage::Over(_) => {}
        }
    }

    fn last_used(&mut self, key: String, used: Option<LastUse>, now: Now) {
        match self.record.stage {
            Stage::List => self.last_used_first(used, now),
            Stage::Search => self.suspect_was_used(key, used, now),
            Stage::Watch | Stage::Deactivate | Stage::Wait | Stage::Confirm => {
                self.old_key_was_used(used, now);
            }
            // These don't ask for it.
            Stage::Create
            | Stage::Store
            | Stage::Verify
            | Stage::Switch
            | Stage::Delete
            | Stage::DropPrevious
            | Stage::Activate
            | Stage::SwitchBack
            | Stage::Discard
            | Stage::DropNext
            | Stage::Over(_) => {}
        }
    }
}
