//! What people see of a rotation.

use super::{Direction, End, Rotation, Stage, Trouble};
use crate::clock::Now;
use keyfob_shared::Timestamp;

/// A rotation as `keyfob status` and `keyfob key list` show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The stage in one word, as a program reads it.
    pub stage: &'static str,
    /// The same in one line, for people.
    pub text: String,
    /// When something is done next, by our clock; `None` if it is now, or when a person says so.
    pub next_at: Option<Timestamp>,
    /// What is in the way.
    pub trouble: Option<Trouble>,
    /// Whether nothing goes on until a person says so.
    pub needs_person: bool,
    /// Whether a person has paused it.
    pub paused: bool,
    /// The access key id of the old key.
    pub old_key: String,
    /// The access key id of the new key, once it is known.
    pub new_key: Option<String>,
}

impl Rotation {
    /// Answers what people see.
    pub fn view(&self, now: Now) -> View {
        let record = &self.record;
        let mut trouble = record.trouble.clone();
        if let Some((failure, _)) = &self.unwritten {
            let since = self.clock.at(now.monotonic);
            trouble = trouble
                .filter(|trouble| trouble.stop.is_some())
                .or_else(|| Some(Trouble { failure: failure.clone(), since, stop: None }));
        }
        let next_at = self.next_at(now);
        let mut text = self.words();
        if let Some(at) = next_at.filter(|_| matches!(record.stage, Stage::Watch | Stage::Wait)) {
            text = format!("{text}, until {at}");
        }
        if record.paused {
            text = format!("paused: {text}");
        }
        if let Some(remark) = &record.remark {
            text = format!("{text} ({remark})");
        }
        View {
            stage: word(&record.stage),
            text,
            next_at,
            trouble,
            needs_person: record.needs_person(),
            paused: record.paused,
            old_key: record.old_key.clone(),
            new_key: record.new_key.clone(),
        }
    }

    /// Answers the end of a wait, or of a back-off, by our clock.
    fn next_at(&self, now: Now) -> Option<Timestamp> {
        if self.record.paused || self.record.needs_person() {
            return None;
        }
        let end = match self.record.stage {
            Stage::Watch | Stage::Wait => self.not_before.max(Some(self.wait_end(now))),
            _ => self.not_before,
        };
        let left = end?.0.saturating_sub(now.monotonic.0);
        (left > 0).then(|| Timestamp::from_millis(now.wall.millis().saturating_add(left)))
    }

    fn words(&self) -> String {
        let back = match self.record.direction {
            Direction::Forward => "",
            Direction::Back => "rolling back: ",
        };
        let words = match &self.record.stage {
            Stage::List => "looking at the access keys of the user",
            Stage::Create => "creating a new access key",
            Stage::Search => "looking for an access key whose answer was lost",
            Stage::Store => "storing the new access key",
            Stage::Verify => "waiting for the new access key to be accepted everywhere",
            Stage::Switch => "switching to the new access key",
            Stage::Watch => "the new access key is in use; watching whether the old one is",
            Stage::Deactivate => "making the old access key inactive",
            Stage::Wait => "the old access key is inactive; waiting for what breaks",
            Stage::Confirm => "proving that the old access key can go",
            Stage::Delete => "deleting the old access key",
            Stage::DropPrevious => "removing the old access key from the vault",
            Stage::Activate => "waiting for the old access key to be accepted everywhere",
            Stage::SwitchBack => "switching back to the old access key",
            Stage::Discard => "deleting the new access key",
            Stage::DropNext => "removing the new access key from the vault",
            Stage::Over(End::Done) => "done",
            Stage::Over(End::RolledBack) => "rolled back",
            Stage::Over(End::GivenUp(failure)) => return format!("given up: {failure}"),
        };
        match self.record.stage {
            Stage::Over(_) => words.into(),
            _ => format!("{back}{words}"),
        }
    }
}

/// Answers the word for a stage.
const fn word(stage: &Stage) -> &'static str {
    match stage {
        Stage::List => "list",
        Stage::Create => "create",
        Stage::Search => "search",
        Stage::Store => "store",
        Stage::Verify => "verify",
        Stage::Switch => "switch",
        Stage::Watch => "watch",
        Stage::Deactivate => "deactivate",
        Stage::Wait => "wait",
        Stage::Confirm => "confirm",
        Stage::Delete => "delete",
        Stage::DropPrevious => "drop-previous",
        Stage::Activate => "activate",
        Stage::SwitchBack => "switch-back",
        Stage::Discard => "discard",
        Stage::DropNext => "drop-next",
        Stage::Over(End::Done) => "done",
        Stage::Over(End::RolledBack) => "rolled-back",
        Stage::Over(End::GivenUp(_)) => "given-up",
    }
}
