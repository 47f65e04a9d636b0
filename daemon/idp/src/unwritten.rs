//! What has to be written before it is used: whoever gives out the next refresh token takes the last one back.

use keyfob_shared::Secret;

/// Holds what a provider has given out until what must not be lost with it is written; there is no other way to it.
#[derive(Debug)]
#[must_use = "a refresh token that is not written is lost, and the sign-in with it"]
pub struct Unwritten<T> {
    kept: Secret,
    value: T,
}

impl<T> Unwritten<T> {
    pub(crate) fn new(kept: Secret, value: T) -> Self {
        Self { kept, value }
    }

    /// Has what is to be kept written to the vault, in place of what was kept before, and then gives out the rest. The
    /// text is empty where nothing is worth keeping.
    ///
    /// # Errors
    /// The error of the vault, and everything once more: what the vault has is worth nothing any more, so the next step
    /// is to try the writing again, not the sign-in.
    pub async fn write<E, W>(self, write: impl FnOnce(Secret) -> W) -> Result<T, (Self, E)>
    where
        W: Future<Output = Result<(), E>>,
    {
        match write(self.kept.clone()).await {
            Ok(()) => Ok(self.value),
            Err(error) => Err((self, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_given_out_before_it_is_written() {
        let unwritten = Unwritten::new(Secret::new("refresh"), 7);
        let (unwritten, error) = unwritten.write(async |_| Err::<(), _>("disk full")).await.unwrap_err();
        assert_eq!(error, "disk full");
        let mut written = None;
        let value = unwritten.write(|kept| {
            written = Some(kept);
            async { Ok::<_, ()>(()) }
        });
        assert_eq!(value.await.ok(), Some(7));
        assert_eq!(written, Some(Secret::new("refresh")));
    }
}
