//! What a person can have a rotation do.

use super::{Direction, End, Local, Rotation, Stage, Stop};
use crate::clock::Now;
use keyfob_shared::{Failure, FailureKind, Timestamp};

/// A wish of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Do nothing more until told to; a secret that is only in memory is stored all the same.
    Pause,
    /// Go on after a pause, or after what was in the way.
    GoOn,
    /// Skip the waits, never the checks; it ends a pause too.
    Now,
    /// Back to the old key.
    Rollback,
    /// End it as it is: a person puts another key in the place of those that it works on.
    Abandon,
}

impl Rotation {
    /// Takes a wish; it is in the record from now on, and [`Rotation::next`] acts on it.
    ///
    /// # Errors
    /// Why it can't be done.
    pub fn command(&mut self, command: Command, now: Now) -> Result<(), Failure> {
        self.clock.tick(now);
        if let Stage::Over(_) = self.record.stage {
            return Err(self.refusal("has ended"));
        }
        match command {
            Command::Pause => self.record.paused = true,
            Command::GoOn => return self.go_on(now),
            Command::Now => {
                self.record.hurry = true;
                self.record.paused = false;
            }
            Command::Rollback => return self.roll_back(),
            Command::Abandon => self.abandon(now),
        }
        Ok(())
    }

    fn go_on(&mut self, now: Now) -> Result<(), Failure> {
        let Some(trouble) = self.record.trouble.take() else {
            if !self.record.paused {
                return Err(self.refusal("is not paused, and nothing is in its way"));
            }
            self.record.paused = false;
            return Ok(());
        };
        self.record.paused = false;
        self.not_before = None;
        self.failures = 0;
        match trouble.stop {
            None => {
                // What is under way goes on; only its back-off is skipped.
                self.record.trouble = Some(trouble);
                return Ok(());
            }
            Some(Stop::Mend) => {}
            Some(Stop::Unproven(keys)) => self.record.before.extend(keys),
            Some(Stop::ActiveAgain) => self.watch_anew(Stage::Watch, trouble.since, now),
            Some(Stop::Used(_)) => {
                let is_watched = matches!(self.record.stage, Stage::Watch | Stage::Deactivate);
                let stage = if is_watched { Stage::Watch } else { Stage::Wait };
                self.watch_anew(stage, trouble.since, now);
            }
        }
        self.local = Local { may_be_deleted: self.local.may_be_deleted, ..Local::default() };
        Ok(())
    }

    fn abandon(&mut self, now: Now) {
        let record = &self.record;
        let keys: Vec<&str> =
            [Some(record.old_key.as_str()), record.new_key.as_deref()].into_iter().flatten().collect();
        let message =
            format!("another key took the place of {}, which may still be at AWS", keys.join(" and "));
        let look = format!("aws iam list-access-keys --user-name {}", self.user_name());
        let failure = Failure::new(FailureKind::Person, message).hint(look);
        self.enter(Stage::Over(End::GivenUp(failure)), now);
    }

    /// Uses of the old key until now are known; further ones are not.
    fn watch_anew(&mut self, stage: Stage, stopped: Timestamp, now: Now) {
        self.clock.record_acceptance(stopped, now, &mut self.record);
        self.record.hurry = false;
        self.unused = None;
        self.enter(stage, now);
    }

    fn roll_back(&mut self) -> Result<(), Failure> {
        if matches!(self.record.stage, Stage::Delete | Stage::DropPrevious) {
            return Err(self.refusal("deletes the old access key already: there is no way back"));
        }
        self.record.direction = Direction::Back;
        self.record.paused = false;
        self.record.trouble = None;
        self.not_before = None;
        Ok(())
    }

    fn refusal(&self, why: &str) -> Failure {
        let identity = &self.record.identity;
        Failure::new(FailureKind::Refused, format!("the rotation of {identity} {why}"))
            .hint("keyfob key list")
    }
}
