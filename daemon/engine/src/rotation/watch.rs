//! After the switch: is the old key still used? Then it is left as it is, until a person has looked.

use super::failed::plain;
use super::list::told;
use super::{Action, HOUR, LastUse, MINUTE, Next, Rotation, SECOND, Stage, Stop, Which, is_fresh};
use crate::clock::{Monotonic, Now};
use keyfob_shared::{Failure, FailureKind};

/// Calls that began before the switch may end so many milliseconds after it.
const UNDER_WAY: i64 = 60 * SECOND;
/// What AWS told about the last use no longer ago than this is good enough to act on.
pub(super) const LOOK: i64 = 5 * MINUTE;

impl Rotation {
    pub(super) fn switched(&mut self, now: Now) {
        self.clock.record_switch(now, &mut self.record);
        (self.unused, self.changed) = (None, None);
        self.enter(Stage::Watch, now);
    }

    pub(super) fn watch(&mut self, now: Now) -> Option<Next> {
        self.look_until_end(Stage::Deactivate, now)
    }

    pub(super) fn wait(&mut self, now: Now) -> Option<Next> {
        self.look_until_end(Stage::Confirm, now)
    }

    /// Looks every hour, and at the end.
    fn look_until_end(&mut self, then: Stage, now: Now) -> Option<Next> {
        let Some(unused) = self.unused else { return Some(self.ask_last_use()) };
        let end = self.wait_end(now);
        // AWS tells uses late: what it told before the end says nothing about the end.
        let is_seen = unused >= end && is_fresh(self.unused, LOOK, now);
        if end <= now.monotonic && is_seen {
            self.enter(then, now);
            return None;
        }
        match end.min(unused.plus(HOUR)) {
            moment if moment <= now.monotonic => Some(self.ask_last_use()),
            moment => Some(Next::Wait(Some(moment))),
        }
    }

    pub(super) fn ask_last_use(&self) -> Next {
        Next::Act(Action::LastUsed { key: self.record.old_key.clone(), by: self.signer(Which::Current) })
    }

    /// Answers when the stage has lasted as long as it should; a clock that was wrong can't make it last longer.
    pub(super) fn wait_end(&self, now: Now) -> Monotonic {
        let pace = self.record.pace;
        let length = match (self.record.hurry, self.record.stage == Stage::Wait) {
            (true, _) => 0,
            (false, true) => pace.wait.max(0),
            (false, false) => pace.watch.max(0),
        };
        let end = self.record.since.millis().saturating_add(length);
        now.monotonic.plus((end - self.clock.at(now.monotonic).millis()).min(length))
    }

    pub(super) fn deactivate(&mut self, now: Now) -> Next {
        if !is_fresh(self.unused, LOOK, now) {
            return self.ask_last_use();
        }
        self.record.deactivated = true;
        Next::Act(Action::Deactivate { key: self.record.old_key.clone(), by: self.signer(Which::Current) })
    }

    pub(super) fn deactivated(&mut self, now: Now) {
        self.enter(Stage::Wait, now);
    }

    pub(super) fn old_key_was_used(&mut self, used: Option<LastUse>, now: Now) {
        // What seems to lie in the future was recorded by a clock that was wrong.
        let at = self.clock.at(now.monotonic);
        self.record.since = self.record.since.min(at);
        self.record.switched_at = self.record.switched_at.map(|moment| moment.min(at));
        self.record.accepted_at = self.record.accepted_at.map(|moment| moment.min(at));
        let accepted = self.record.switched_at.max(self.record.accepted_at);
        let is_late = |used: &LastUse| {
            accepted.is_none_or(|accepted| used.at.millis() > accepted.millis().saturating_add(UNDER_WAY))
        };
        let Some(used) = used.filter(is_late) else {
            self.unused = Some(now.monotonic);
            return;
        };
        self.unused = None;
        // Whoever wanted to skip the waits did not know of this.
        self.record.hurry = false;
        let state = if self.record.deactivated { "it is inactive now" } else { "it stays active" };
        let message = format!(
            "the old access key {} was used after the switch, {}: {state}",
            plain(&self.record.old_key),
            told(&used)
        );
        let hint = format!(
            "have what uses it take its credentials from keyfob, then keyfob key rotate {}; or --rollback",
            self.record.identity
        );
        let failure = Failure::new(FailureKind::Person, message).hint(hint);
        self.stop(failure, Stop::Used(used), now);
    }
}
