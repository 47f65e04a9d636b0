//! The new key: asked for once at a time, and stored before anything else.

use super::failed::plain;
use super::search::FIRST_LOOK;
use super::{
    Action, Direction, Failed, FailedKind, MINUTE, Next, Rotation, SECOND, Span, Stage, Which, is_fresh,
};
use crate::clock::Now;
use crate::timing;
use keyfob_shared::{Failure, FailureKind, Timestamp};

/// A list that is older than this, in milliseconds, does not tell any more which keys are there before ours.
const LIST: i64 = MINUTE;
/// A call of the shell has ended after this, in milliseconds.
const LONGEST_CALL: i64 = MINUTE;
/// A new key that can't be stored is deleted again after so many tries, which take about five minutes.
const STORE_TRIES: u32 = 10;

impl Rotation {
    pub(super) fn create(&mut self, now: Now) -> Option<Next> {
        if !is_fresh(self.local.listed, LIST, now) {
            // After a lost answer it takes more than one list to know which keys are there.
            self.enter(if self.record.lost.is_some() { Stage::Search } else { Stage::List }, now);
            return None;
        }
        self.record.asked = Some(self.span(now));
        Some(Next::Act(Action::Create { by: self.signer(Which::Current) }))
    }

    /// Answers when a key is created that is asked for now.
    fn span(&self, now: Now) -> Span {
        let (at, off) = (self.clock.at(now.monotonic).millis(), self.clock.may_be_off());
        let within = |millis: i64| Timestamp::from_millis(at.saturating_add(millis));
        Span { from: within(-off), until: within(LONGEST_CALL + off) }
    }

    pub(super) fn created(&mut self, key: String, now: Now) {
        self.record.new_key = Some(key);
        self.record.asked = None;
        self.changed = Some(now.monotonic);
        (self.limits, self.limited_since) = (0, None);
        self.enter(Stage::Store, now);
    }

    pub(super) fn not_created(&mut self, action: &Action, failed: Failed, now: Now) {
        let span = self.span(now);
        let mut asked = self.record.asked.take().unwrap_or(span);
        match failed.kind {
            FailedKind::Transient => {
                // A computer that slept may have sent it late.
                asked.until = asked.until.max(self.clock.at(now.monotonic));
                self.creation_is_lost(asked, now);
                self.worry(failed.failure, now);
            }
            FailedKind::LimitExceeded => self.limited(now),
            FailedKind::Refused
            | FailedKind::Denied
            | FailedKind::NotFound
            | FailedKind::Vault
            | FailedKind::Final => self.sort(action, failed, now),
        }
    }

    /// Looks for the key of a creation that may have taken effect.
    pub(super) fn creation_is_lost(&mut self, span: Span, now: Now) {
        let from = self.record.lost.map_or(span.from, |lost| lost.from.min(span.from));
        self.record.lost = Some(Span { from, until: span.until });
        self.record.asked = None;
        self.enter(Stage::Search, now);
        self.pause(FIRST_LOOK, now);
    }

    /// AWS says that there are two keys, though it lists one: the other is not shown yet.
    fn limited(&mut self, now: Now) {
        self.limits = self.limits.saturating_add(1);
        let since = *self.limited_since.get_or_insert(now.monotonic);
        // If an answer was lost, it is that one's; else it is somebody else's, which is looked at like any other.
        self.enter(if self.record.lost.is_some() { Stage::Search } else { Stage::List }, now);
        let delay = timing::back_off(self.limits, None, &mut self.chance);
        self.pause(delay, now);
        let long = since.plus(10 * MINUTE) < now.monotonic;
        let still = if long { ", for more than ten minutes now" } else { "" };
        let message = format!(
            "user {} can't have another access key: AWS says that there are two, and lists one{still}",
            self.user_name()
        );
        let look = format!("aws iam list-access-keys --user-name {}", self.user_name());
        self.worry(Failure::new(FailureKind::Upstream, message).hint(look), now);
    }

    pub(super) fn stored(&mut self, now: Now) {
        self.enter(Stage::Verify, now);
    }

    pub(super) fn not_stored(&mut self, failed: Failed, now: Now) {
        self.local.store_tries = self.local.store_tries.saturating_add(1);
        if self.local.store_tries < STORE_TRIES || self.record.paused {
            return self.retry(failed.failure, now);
        }
        let message = format!(
            "the new access key {} could not be stored and was deleted again: {}",
            plain(&self.new_key()),
            failed.failure.message
        );
        let hint = format!("keyfob doctor, then keyfob key rotate {}", self.record.identity);
        self.record.gave_up = Some(Failure::new(failed.failure.kind, message).hint(hint));
        self.record.direction = Direction::Back;
    }
}

const _: () = assert!(FIRST_LOOK >= SECOND);
