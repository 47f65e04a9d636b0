//! What an identity got last. Whoever holds the lock asks the provider; the others wait, and share what comes: also a
//! failure.

use super::{saml, tokens};
use crate::clock;
use keyfob_engine::clock::Monotonic;
use keyfob_engine::mint::{MintError, Signer};
use keyfob_shared::{Secret, Timestamp};
use std::sync::Arc;

/// What an identity got last, behind its lock.
pub(super) type Latest = Arc<tokio::sync::Mutex<Shown>>;

/// What an identity has to show, as long as it is good.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) saml: Option<saml::Shown>,
    pub(super) token: Option<tokens::Token>,
    /// What the vault has not taken, and takes first of all the next time: what it has is worth nothing any more.
    pub(super) unwritten: Option<Held>,
    failed: Option<(Monotonic, MintError)>,
}

/// What is held until the vault takes it.
pub(super) enum Held {
    /// For the next renewal.
    Kept(Secret),
    /// With a token, which is used when that is written.
    Token(Box<tokens::New>),
}

/// What proves to AWS who somebody is.
pub(in crate::runtime) struct Proof {
    /// What makes the call ours.
    pub(in crate::runtime) signer: Signer,
    /// Until when the provider is known to need no person.
    pub(in crate::runtime) until: Option<Timestamp>,
    /// Seconds that the provider wants a session to last where the profile says nothing.
    pub(in crate::runtime) duration: Option<u32>,
}

impl Proof {
    /// Is for what no provider has a say about.
    pub(in crate::runtime) fn new(signer: Signer) -> Self {
        Self { signer, until: None, duration: None }
    }
}

impl Shown {
    /// Answers how the attempt ended that somebody has waited for since a moment, if it failed.
    pub(super) fn failure_since(&self, asked: Monotonic) -> Option<MintError> {
        self.failed.as_ref().filter(|(at, _)| *at >= asked).map(|(_, failure)| failure.clone())
    }

    /// Remembers how an attempt ended, for those who have waited for it.
    pub(super) fn note<T>(&mut self, ended: &Result<T, MintError>) {
        self.failed = ended.as_ref().err().map(|wrong| (clock::now().monotonic, wrong.clone()));
    }

    /// Forgets everything.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Forgets what can be had again.
    pub(super) fn put_away(&mut self) {
        *self = Self { unwritten: self.unwritten.take(), ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyfob_engine::mint::MintErrorKind;
    use keyfob_shared::{Failure, FailureKind};

    #[test]
    fn a_failure_is_shared_by_those_who_have_waited_for_it() {
        let mut shown = Shown::default();
        let before = clock::now().monotonic;
        assert!(shown.failure_since(before).is_none());
        let failure = Failure::new(FailureKind::Upstream, "down");
        shown.note::<()>(&Err(MintError { kind: MintErrorKind::Transient, failure, server_date: None }));
        assert!(shown.failure_since(before).is_some());
        assert!(shown.failure_since(clock::now().monotonic.plus(1)).is_none(), "who asks later tries again");
        shown.note(&Ok(()));
        assert!(shown.failure_since(before).is_none());
    }

    #[test]
    fn a_lock_keeps_only_what_can_t_be_had_again() {
        let mut shown = Shown { unwritten: Some(Held::Kept(Secret::new("refresh"))), ..Shown::default() };
        shown.put_away();
        assert!(matches!(&shown.unwritten, Some(Held::Kept(kept)) if kept.expose() == "refresh"));
        shown.forget();
        assert!(shown.unwritten.is_none());
    }
}
