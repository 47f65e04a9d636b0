//! Conversations behind one restricted socket: there are no more than a few, at the cost of each other only.

use std::collections::VecDeque;
use tokio::task::AbortHandle;

/// Conversations at one time; when there are more, the oldest is broken off.
const MOST: usize = 64;

/// The conversations that are under way.
pub(super) struct Conversations {
    tasks: VecDeque<AbortHandle>,
    most: usize,
}

impl Conversations {
    /// Takes a part of the descriptors that the socket may use.
    pub(super) fn new(descriptors: usize) -> Self {
        Self { tasks: VecDeque::new(), most: MOST.min(descriptors / 8).max(1) }
    }

    /// Goes on with one more.
    pub(super) fn start(&mut self, conversation: impl Future<Output = ()> + Send + 'static) {
        self.tasks.retain(|task| !task.is_finished());
        if self.tasks.len() >= self.most
            && let Some(oldest) = self.tasks.pop_front()
        {
            oldest.abort();
        }
        self.tasks.push_back(tokio::spawn(conversation).abort_handle());
    }
}
