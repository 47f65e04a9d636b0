//! The person at the other end of a sign-in.

use crate::trouble::Trouble;
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

    /// Waits until the person is gone; without an end where that can't be known. It is called while nothing is asked.
    fn gone(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// Waits for what a person does elsewhere, for as long as the person waits for it too.
pub(crate) async fn while_there<T>(
    ask: &mut impl Ask,
    awaited: impl Future<Output = T> + Send,
) -> Result<T, Trouble> {
    tokio::select! {
        biased;
        done = awaited => Ok(done),
        () = ask.gone() => Err(Trouble::person("the person has gone")),
    }
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
