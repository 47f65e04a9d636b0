//! How many calls to AWS are under way at one time.

use super::mints::broken_off;
use keyfob_engine::mint::MintError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Calls to AWS at one time.
const MAX_CALLS: usize = 128;
/// How long a mint waits for its turn: callers wait no longer for it.
pub(super) const LONGEST_QUEUE: Duration = Duration::from_secs(50);

/// Turns to call AWS. Nobody takes one who still has to wait for an identity provider: others need none.
#[derive(Clone)]
pub(super) struct Turns(Arc<Semaphore>);

impl Turns {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MAX_CALLS)))
    }

    /// Waits for a turn, which lasts until it is dropped.
    pub(super) async fn take(&self) -> Result<OwnedSemaphorePermit, MintError> {
        match tokio::time::timeout(LONGEST_QUEUE, self.0.clone().acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(broken_off("too many calls to AWS are under way")),
        }
    }
}
