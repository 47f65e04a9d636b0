//! The person at the other end of a sign-in.

use keyfob_shared::wire::Prompt;
use keyfob_shared::{Failure, FailureKind, Secret};

/// Asks a person during a sign-in.
pub trait Ask: Send {
    /// Asks for a line, a secret or a choice; the answer to a choice is its index from 0.
    ///
    /// # Errors
    /// If the person gave up or is gone; that ends the sign-in.
    fn ask(&mut self, prompt: Prompt) -> impl Future<Output = Result<Secret, Failure>> + Send;

    /// Shows what needs no answer: [`Prompt::OpenUrl`] or [`Prompt::Note`].
    ///
    /// # Errors
    /// If the person is gone; that ends the sign-in.
    fn show(&mut self, prompt: Prompt) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Stands where no person is: whatever is asked ends the sign-in.
pub(crate) struct NoOne;

impl Ask for NoOne {
    async fn ask(&mut self, _: Prompt) -> Result<Secret, Failure> {
        Err(nobody())
    }

    async fn show(&mut self, _: Prompt) -> Result<(), Failure> {
        Err(nobody())
    }
}

fn nobody() -> Failure {
    Failure::new(FailureKind::Person, "the identity provider asks a person to sign in again")
}
