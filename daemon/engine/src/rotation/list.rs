//! The beginning: whose key it is, and whether there is a place for a second one. Nothing is changed.

use super::failed::plain;
use super::{Action, Key, LastUse, Next, Rotation, Stage, Stop, User, Which};
use crate::clock::Now;
use keyfob_shared::{Failure, FailureKind};

impl Rotation {
    pub(super) fn list(&self) -> Next {
        let by = self.signer(Which::Current);
        if self.record.user.is_none() {
            return Next::Act(Action::Verify { by });
        }
        if self.local.listed.is_none() {
            return Next::Act(Action::ListKeys { by });
        }
        // Of our own key it is asked to find out early whether the question is allowed at all.
        let key = self.local.other.as_ref().map_or(&self.record.old_key, |other| &other.id);
        Next::Act(Action::LastUsed { key: key.clone(), by })
    }

    pub(super) fn identified(&mut self, arn: &str, account: String, now: Now) {
        let name = user_name(arn);
        let Some(name) = name else {
            let message = format!(
                "access key {} belongs to {arn}: only keys of IAM users are rotated",
                plain(&self.record.old_key)
            );
            let add = format!("keyfob key add {} with the key of an IAM user", self.record.identity);
            let hint = self.hint(&add, "");
            return self.stop(Failure::new(FailureKind::Usage, message).hint(hint), Stop::Mend, now);
        };
        self.record.user = Some(User { arn: arn.into(), name: name.into(), account });
    }

    pub(super) fn listed_first(&mut self, keys: Vec<Key>, now: Now) {
        let (ours, others): (Vec<Key>, Vec<Key>) =
            keys.into_iter().partition(|key| key.id == self.record.old_key);
        if ours.is_empty() {
            let message = format!(
                "access key {} is not among the keys of user {}: nothing was changed",
                plain(&self.record.old_key),
                self.user_name()
            );
            let look = format!("aws iam list-access-keys --user-name {}", self.user_name());
            let failure = Failure::new(FailureKind::Person, message).hint(self.hint(&look, ""));
            return self.stop(failure, Stop::Mend, now);
        }
        self.local.listed = Some(now.monotonic);
        self.local.other = others.into_iter().next();
        if self.local.other.is_none() {
            self.record.before = ours;
            self.record.before_at = Some(self.clock.at(now.monotonic));
        }
    }

    /// Goes on to create a key, unless another one is in its place.
    pub(super) fn last_used_first(&mut self, used: Option<LastUse>, now: Now) {
        let listed = self.local.listed.take();
        let Some(other) = self.local.other.take() else {
            self.enter(Stage::Create, now);
            self.local.listed = listed;
            return;
        };
        let used = used.map_or("never used".into(), |used| format!("last used {}", told(&used)));
        self.another_key_is_there(&other, &used, now);
    }

    /// Nothing says when the key was last used that is in the way, which does not make it less in the way.
    pub(super) fn last_use_is_denied(&mut self, other: &Key, now: Now) {
        self.another_key_is_there(other, "last use not known: iam:GetAccessKeyLastUsed is denied", now);
    }

    fn another_key_is_there(&mut self, other: &Key, used: &str, now: Now) {
        let (id, user) = (plain(&other.id), self.user_name());
        let state = if other.active { "active" } else { "inactive" };
        let message = format!(
            "user {user} has another access key, {id} ({state}, created {}, {used}), and AWS allows two: nothing was changed",
            other.created
        );
        let of = format!("--user-name {user} --access-key-id {id}");
        let off = if other.active {
            format!(" if nothing needs it: aws iam update-access-key {of} --status Inactive; later")
        } else {
            " if nothing needs it:".into()
        };
        let todo = format!(
            "aws iam get-access-key-last-used --access-key-id {id}; then{off} aws iam delete-access-key {of}"
        );
        let failure = Failure::new(FailureKind::Person, message).hint(self.hint(&todo, ""));
        self.stop(failure, Stop::Mend, now);
    }
}

/// Answers a last use in words.
pub(super) fn told(used: &LastUse) -> String {
    format!("{} by {} in {}", used.at, used.service, used.region)
}

/// Answers the name at the end of the ARN of an IAM user.
fn user_name(arn: &str) -> Option<&str> {
    // Security: it goes into commands that people copy. IAM allows no other characters in the name of a user.
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let &["arn", _, "iam", "", _, resource] = parts.as_slice() else { return None };
    let name = resource.strip_prefix("user/")?.rsplit('/').next()?;
    (!name.is_empty() && name.bytes().all(allowed)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_user_is_the_end_of_its_arn() {
        assert_eq!(user_name("arn:aws:iam::111122223333:user/team/alice"), Some("alice"));
        assert_eq!(user_name("arn:aws-cn:iam::111122223333:user/a.b@c"), Some("a.b@c"));
        for arn in [
            "arn:aws:iam::111122223333:root",
            "arn:aws:sts::111122223333:assumed-role/R/s",
            "arn:aws:iam::111122223333:user/",
            "arn:aws:iam::111122223333:user/a;rm",
        ] {
            assert_eq!(user_name(arn), None, "{arn}");
        }
    }
}
