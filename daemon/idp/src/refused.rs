//! Why a renewal without a person came to nothing.

use crate::trouble::Trouble;
use keyfob_shared::{Failure, Secret};

/// Why there is nothing new without a person.
#[derive(Clone, Debug)]
pub enum Refused {
    /// Trying again at once changes nothing. Where the failure is of kind [`Person`](keyfob_shared::FailureKind::Person)
    /// only a sign-in helps; anything else may be over before the session of a role is: a page of maintenance, a network
    /// that asks to sign in, a setting at the provider.
    Lasting {
        /// What happened.
        failure: Failure,
        /// What is to be kept from now on, where what was kept must not be tried again: a wrong password locks an
        /// account, and a refresh token that was replaced ends the sign-in.
        kept: Option<Secret>,
    },
    /// The network or the provider is down; later the same may work.
    Transient(Failure),
}

impl From<Trouble> for Refused {
    /// What was kept stays as it is.
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Passing(failure) => Self::Transient(failure),
            Trouble::Lasting(failure) => Self::Lasting { failure, kept: None },
        }
    }
}
