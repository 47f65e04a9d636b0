//! Why a renewal without a person came to nothing.

use crate::trouble::Trouble;
use keyfob_shared::{Failure, Secret};

/// Why there is nothing new without a person.
#[derive(Clone, Debug)]
pub enum Refused {
    /// A person has to sign in again, or to mend something; trying again changes nothing.
    Person {
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
            Trouble::Lasting(failure) => Self::Person { failure, kept: None },
        }
    }
}
