//! A request of a person, from its arrival to its line in the audit, answered beside the loop.
//!
//! A person may take minutes; the loop does not wait, and the number of those who are waited for is bounded.

use super::Event;
use super::pages::pages;
use keyfob_listen::{Connection, Dialogue, Peer};
use keyfob_shared::wire::{self, Prompt, Reply};
use keyfob_shared::{Failure, FailureKind, Secret, SocketName};
use serde::Serialize;
use std::collections::VecDeque;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// Conversations at one time; when there are more, the oldest is broken off.
const MAX_CONVERSATIONS: usize = 64;

/// What is written down about a request.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) request: &'static str,
    pub(super) subject: Option<String>,
    pub(super) peer: Peer,
    pub(super) socket: Option<SocketName>,
}

/// A request that is being answered.
pub(super) struct Call {
    dialogue: Option<Dialogue>,
    note: Option<Note>,
    events: mpsc::UnboundedSender<Event>,
}

impl Call {
    pub(super) fn new(connection: Connection, note: Note, events: mpsc::UnboundedSender<Event>) -> Self {
        Self { dialogue: Some(connection.dialogue()), note: Some(note), events }
    }

    /// Sends the last reply; a person who has gone is not told.
    pub(super) async fn conclude(mut self, result: Result<String, Failure>) {
        self.write_down(result.as_ref().map(|_| ()).map_err(Clone::clone));
        let reply = match result {
            Ok(message) => Reply::Done { message },
            Err(failure) => Reply::Failed(failure),
        };
        self.send(&reply).await;
    }

    /// Sends a listing in pages.
    pub(super) async fn list<T: Serialize>(mut self, items: Vec<T>, page: impl Fn(Vec<T>, bool) -> Reply) {
        let mut pages = pages(items).into_iter().peekable();
        while let Some(items) = pages.next() {
            let more = pages.peek().is_some();
            if !self.send(&page(items, more)).await {
                break;
            }
        }
        self.write_down(Ok(()));
    }

    /// Asks the person.
    pub(super) async fn ask(&mut self, prompt: Prompt) -> Result<Secret, Failure> {
        let gone =
            |error: std::io::Error| Failure::new(FailureKind::Person, format!("ask for an answer: {error}"));
        let Some(dialogue) = &mut self.dialogue else {
            return Err(gone(std::io::ErrorKind::BrokenPipe.into()));
        };
        dialogue.send(&Reply::Prompt(prompt)).await.map_err(gone)?;
        match dialogue.answer().await.map_err(gone)? {
            wire::Answer::Text(text) => Ok(text),
            wire::Answer::Cancelled => Err(Failure::new(FailureKind::Person, "cancelled")),
        }
    }

    /// Sends a reply and answers whether it was taken.
    pub(super) async fn send(&mut self, reply: &Reply) -> bool {
        let Some(dialogue) = &mut self.dialogue else { return false };
        let sent = dialogue.send(reply).await;
        if let Err(error) = &sent {
            tracing::debug!(%error, "the person has gone");
        }
        sent.is_ok()
    }

    /// Answers the way to the person, which is closed when it is dropped.
    pub(super) fn into_dialogue(mut self) -> Option<Dialogue> {
        self.write_down(Ok(()));
        self.dialogue.take()
    }

    fn write_down(&mut self, result: Result<(), Failure>) {
        if let Some(note) = self.note.take() {
            let _ = self.events.send(Event::Answered(note, result));
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.write_down(Err(Failure::new(FailureKind::Refused, "broken off: too many conversations")));
    }
}

/// The conversations that are under way.
pub(super) struct Conversations {
    tasks: VecDeque<AbortHandle>,
    most: usize,
}

impl Conversations {
    /// Takes a part of the descriptors that the process may have.
    pub(super) fn new(descriptors: usize) -> Self {
        Self { tasks: VecDeque::new(), most: MAX_CONVERSATIONS.min(descriptors / 8).max(1) }
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
