//! Whether a key is accepted everywhere: several good answers in a row, and not before it had time to spread.

use super::failed::plain;
use super::{Action, FailedKind, MINUTE, Next, PROOF, Rotation, SECOND, Stage, Stop, Which, is_fresh};
use crate::clock::{Monotonic, Now};
use keyfob_shared::{Failure, FailureKind};

/// So many good answers in a row are a proof.
const ENOUGH: u32 = 5;
/// Milliseconds between two of them, and how far apart they may be to count as one row.
const SPACING: i64 = 2 * SECOND;
const ROW: i64 = MINUTE;
/// Milliseconds between answers that can't be a proof yet, as the key is too young, or was refused not long ago.
const YOUNG: i64 = 10 * SECOND;
/// A key that is refused for so long is told.
const LONG: i64 = 10 * MINUTE;

/// Good answers so far.
#[derive(Debug)]
pub(super) struct Run {
    began: Monotonic,
    good: u32,
    last: Monotonic,
}

impl Rotation {
    /// Answers what is missing to a proof that the key of an item works; `None` if there is one.
    pub(super) fn prove(&mut self, item: Which, now: Now) -> Option<Next> {
        if is_fresh(self.local.verified, PROOF, now) {
            return None;
        }
        self.local.verified = None;
        let start = Run { began: now.monotonic, good: 0, last: now.monotonic };
        self.local.run.get_or_insert(start);
        Some(Next::Act(Action::Verify { by: self.signer(item) }))
    }

    pub(super) fn verify(&mut self, now: Now) -> Option<Next> {
        if let Some(next) = self.prove(Which::Next, now) {
            return Some(next);
        }
        self.enter(Stage::Switch, now);
        None
    }

    pub(super) fn answered_well(&mut self, arn: &str, now: Now) {
        let expected = self.record.user.as_ref().map(|user| user.arn.as_str());
        if expected != Some(arn) {
            self.local.run = None;
            let message = format!(
                "an access key of the rotation belongs to {arn}, and not to {}",
                expected.unwrap_or("a user that is known")
            );
            let hint = self.hint("look at the keys of both: aws iam list-access-keys", "--rollback");
            return self.stop(Failure::new(FailureKind::Person, message).hint(hint), Stop::Mend, now);
        }
        let is_settled = now.monotonic >= self.settled();
        let Some(run) = &mut self.local.run else { return };
        run.good = if now.monotonic <= run.last.plus(ROW) { run.good + 1 } else { 1 };
        run.last = now.monotonic;
        if run.good < ENOUGH {
            self.pause(SPACING, now);
        } else if is_settled {
            self.local.run = None;
            self.local.verified = Some(now.monotonic);
        } else {
            self.pause(YOUNG, now);
        }
    }

    /// Answers when the key that is verified in this stage has spread to all places of IAM, as far as can be known.
    fn settled(&self) -> Monotonic {
        let is_young = matches!(self.record.stage, Stage::Verify | Stage::Activate);
        let changed = self.changed.filter(|_| is_young);
        changed
            .max(self.local.refused)
            .map_or(Monotonic(i64::MIN), |moment| moment.plus(self.record.pace.settle))
    }

    /// A new key may be refused for a while, and accepted in between.
    pub(super) fn refused(&mut self, key: &str, failure: &Failure, now: Now) {
        let Some(run) = &self.local.run else { return self.retry(failure.clone(), now) };
        if now.monotonic < run.began.plus(LONG) {
            return self.pause(SPACING, now);
        }
        // Whether it is there at all is looked at on the way back.
        (self.local.looked, self.local.activated) = (false, false);
        let message =
            format!("access key {} is refused for more than ten minutes: {}", plain(key), failure.message);
        let look = format!("aws iam list-access-keys --user-name {}", self.user_name());
        self.worry(Failure::new(FailureKind::Upstream, message).hint(look), now);
        self.pause(MINUTE / 2, now);
    }

    /// A row of good answers ends with one that did not come, and a refusal ends the proof as well.
    pub(super) fn row_ends(&mut self, kind: FailedKind, now: Now) {
        if let Some(run) = &mut self.local.run {
            run.good = 0;
        }
        if kind == FailedKind::Refused {
            self.local.refused = Some(now.monotonic);
            self.local.verified = None;
        }
    }
}
