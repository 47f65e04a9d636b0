//! What is done about failures: tried again with back-off, or left to a person, and told in both cases.

use super::{Action, Failed, FailedKind, Rotation, SECOND, Stage, Stop, Trouble};
use crate::clock::Now;
use crate::timing;
use keyfob_shared::{Failure, FailureKind};

impl Rotation {
    pub(super) fn failed(&mut self, action: &Action, failed: Failed, now: Now) {
        let kind = failed.kind;
        self.row_ends(kind, now);
        match action {
            Action::Create { .. } => self.not_created(action, failed, now),
            Action::StoreNext { .. } => self.not_stored(failed, now),
            Action::Verify { by } if kind == FailedKind::Refused => {
                self.refused(&by.key, &failed.failure, now);
            }
            Action::ListKeys { .. } if self.record.stage == Stage::Activate && is_about_signer(kind) => {
                self.not_looked();
            }
            Action::LastUsed { .. } if kind == FailedKind::NotFound => self.never_heard_of(now),
            Action::LastUsed { .. } if kind == FailedKind::Denied && self.local.other.is_some() => {
                if let Some(other) = self.local.other.take() {
                    self.last_use_is_denied(&other, now);
                }
            }
            Action::Deactivate { .. } if kind == FailedKind::NotFound => self.enter(Stage::Confirm, now),
            Action::Activate { .. } if kind == FailedKind::NotFound => self.no_way_back(now),
            Action::Activate { .. } if kind == FailedKind::Refused => self.not_activated(),
            Action::Delete { .. } if kind == FailedKind::NotFound => self.deleted(now),
            Action::Delete { .. } => {
                match kind {
                    FailedKind::Denied => self.delete_is_denied(),
                    FailedKind::Transient => self.local.may_be_deleted = true,
                    FailedKind::Refused
                    | FailedKind::NotFound
                    | FailedKind::LimitExceeded
                    | FailedKind::Vault
                    | FailedKind::Final => {}
                }
                self.sort(action, failed, now);
            }
            Action::Verify { .. }
            | Action::ListKeys { .. }
            | Action::LastUsed { .. }
            | Action::Switch { .. }
            | Action::SwitchBack { .. }
            | Action::Deactivate { .. }
            | Action::Activate { .. }
            | Action::DropNext
            | Action::DropPrevious => self.sort(action, failed, now),
        }
    }

    /// Does what is done about most failures of a kind.
    pub(super) fn sort(&mut self, action: &Action, failed: Failed, now: Now) {
        match failed.kind {
            FailedKind::Transient | FailedKind::Refused | FailedKind::Vault => {
                self.retry(failed.failure, now);
            }
            FailedKind::Denied => {
                let failure = self.denied(action, &failed.failure);
                self.stop(failure, Stop::Mend, now);
            }
            FailedKind::NotFound | FailedKind::LimitExceeded | FailedKind::Final => {
                let hint = self.hint(failed.failure.hint.as_deref().unwrap_or("keyfob doctor"), "");
                self.stop(failed.failure.hint(hint), Stop::Mend, now);
            }
        }
    }

    /// AWS does not know the key whose last use was asked for.
    fn never_heard_of(&mut self, now: Now) {
        if self.record.stage == Stage::Search {
            self.suspect_is_gone(now);
        } else if self.record.stage == Stage::List {
            self.local.listed = None;
            self.pause(SECOND, now);
        } else {
            // Whether the old key is gone, the lists will tell.
            self.unused = Some(now.monotonic);
        }
    }

    fn denied(&self, action: &Action, said: &Failure) -> Failure {
        let permission = action.permission().unwrap_or("the vault");
        let message = format!("{} is denied to user {}: {}", permission, self.user_name(), said.message);
        let allow = format!("allow {permission} to user {}", self.user_name());
        Failure::new(FailureKind::Person, message).hint(self.hint(&allow, ""))
    }

    /// Tries again after a back-off, and says so.
    pub(super) fn retry(&mut self, failure: Failure, now: Now) {
        self.failures = self.failures.saturating_add(1);
        let delay = timing::back_off(self.failures, None, &mut self.chance);
        self.not_before = Some(now.monotonic.plus(delay));
        self.worry(failure, now);
    }

    /// Tells what is in the way; it goes on by itself.
    pub(super) fn worry(&mut self, failure: Failure, now: Now) {
        let before = self.record.trouble.as_ref().filter(|trouble| trouble.stop.is_none());
        let since = before.map_or_else(|| self.clock.at(now.monotonic), |trouble| trouble.since);
        self.record.trouble = Some(Trouble { failure, since, stop: None });
    }

    /// Does nothing more until a person says so.
    pub(super) fn stop(&mut self, failure: Failure, stop: Stop, now: Now) {
        let since = self.clock.at(now.monotonic);
        self.record.trouble = Some(Trouble { failure, since, stop: Some(stop) });
    }

    /// Answers what to do, and how to go on after it.
    pub(super) fn hint(&self, todo: &str, flag: &str) -> String {
        let space = if flag.is_empty() { "" } else { " " };
        format!("{todo}, then keyfob key rotate {}{space}{flag}", self.record.identity)
    }

    /// Answers the name of the user, as it can stand in a command.
    pub(super) fn user_name(&self) -> &str {
        self.record.user.as_ref().map_or("NAME", |user| &user.name)
    }
}

/// Answers whether a failure is about what signs, or what it may do.
const fn is_about_signer(kind: FailedKind) -> bool {
    match kind {
        FailedKind::Refused | FailedKind::Denied => true,
        FailedKind::Transient
        | FailedKind::NotFound
        | FailedKind::LimitExceeded
        | FailedKind::Vault
        | FailedKind::Final => false,
    }
}

/// Answers an access key id as it can stand in a command.
pub(super) fn plain(id: &str) -> String {
    // Security: it comes from the network and goes into commands that people copy.
    let fine = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if fine { id.into() } else { "KEY".into() }
}
