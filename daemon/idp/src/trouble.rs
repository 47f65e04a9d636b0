//! What went wrong, and whether the same may work later without a person.

use keyfob_shared::{Failure, FailureKind};

/// Why a sign-in ended without an assertion.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// The network, or a server that is down: the same may work later.
    Passing(Failure),
    /// Nothing changes by trying again.
    Lasting(Failure),
}

impl Trouble {
    /// A failure of the network or of a server.
    pub(crate) fn passing(message: impl AsRef<str>) -> Self {
        Self::Passing(Failure::new(FailureKind::Upstream, message))
    }

    /// Something that a person has to see to.
    pub(crate) fn person(message: impl AsRef<str>) -> Self {
        Self::Lasting(Failure::new(FailureKind::Person, message))
    }

    /// An answer that can't be used, however often it is asked for.
    pub(crate) fn useless(message: impl AsRef<str>) -> Self {
        Self::Lasting(Failure::new(FailureKind::Upstream, message))
    }

    /// Something that is not done for anybody.
    pub(crate) fn refused(message: impl AsRef<str>) -> Self {
        Self::Lasting(Failure::new(FailureKind::Refused, message))
    }

    /// Says what was tried, before what went wrong.
    pub(crate) fn on(self, tried: &str) -> Self {
        let told = |failure: Failure| Failure {
            hint: failure.hint.clone(),
            ..Failure::new(failure.kind, format!("{tried}: {}", failure.message))
        };
        match self {
            Self::Passing(failure) => Self::Passing(told(failure)),
            Self::Lasting(failure) => Self::Lasting(told(failure)),
        }
    }

    /// Names the command that mends it.
    pub(crate) fn hint(self, command: impl AsRef<str>) -> Self {
        match self {
            Self::Passing(failure) => Self::Passing(failure.hint(command)),
            Self::Lasting(failure) => Self::Lasting(failure.hint(command)),
        }
    }

    /// Answers whether only a person can go on.
    pub(crate) fn is_for_person(&self) -> bool {
        matches!(self, Self::Lasting(failure) if failure.kind == FailureKind::Person)
    }

    /// Leaves it to a person, whatever it was; `why` comes after what went wrong.
    pub(crate) fn for_person(self, why: &str) -> Self {
        let failure = self.into_failure();
        let told = Failure::new(FailureKind::Person, format!("{}; {why}", failure.message));
        Self::Lasting(Failure { hint: failure.hint, ..told })
    }

    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Passing(failure) | Self::Lasting(failure) => failure,
        }
    }
}
