//! A request of a person, from its arrival to its line in the audit, answered beside the loop.
//!
//! A person may take minutes; the loop does not wait.

use super::Event;
use super::pages::pages;
use super::places::Place;
use keyfob_listen::{Connection, Dialogue, Peer};
use keyfob_shared::wire::{self, Prompt, Reply};
use keyfob_shared::{Failure, FailureKind, Secret, SocketName};
use serde::Serialize;
use std::time::Duration;
use tokio::sync::mpsc;

/// The time in which all of a listing must have been taken.
const LISTING_TIME: Duration = Duration::from_secs(10);

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
    _place: Place,
}

impl Call {
    pub(super) fn new(
        connection: Connection,
        note: Note,
        events: mpsc::UnboundedSender<Event>,
        place: Place,
    ) -> Self {
        Self { dialogue: Some(connection.dialogue()), note: Some(note), events, _place: place }
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
    pub(super) async fn list<T: Serialize>(self, items: Vec<T>, page: impl Fn(Vec<T>, bool) -> Reply) {
        let mut pages = pages(items).into_iter().peekable();
        let replies = std::iter::from_fn(|| pages.next().map(|items| page(items, pages.peek().is_some())));
        self.send_all(replies).await;
    }

    /// Sends the pages of a listing. Whoever does not read them leaves the turn to others.
    pub(super) async fn send_all(mut self, replies: impl Iterator<Item = Reply>) {
        let all = async {
            for reply in replies {
                if !self.send(&reply).await {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(LISTING_TIME, all).await;
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

    /// Shows the person something that needs no answer.
    pub(super) async fn show(&mut self, prompt: Prompt) -> Result<(), Failure> {
        let gone = || Failure::new(FailureKind::Person, "the person has gone");
        self.send(&Reply::Prompt(prompt)).await.then_some(()).ok_or_else(gone)
    }

    /// Waits until the person is gone.
    pub(super) async fn gone(&mut self) {
        if let Some(dialogue) = &mut self.dialogue {
            dialogue.closed().await;
        }
    }

    /// Answers the listener of an endpoint.
    pub(super) async fn listener(&mut self, port: u16) -> std::io::Result<std::net::TcpListener> {
        match &mut self.dialogue {
            Some(dialogue) => dialogue.listener(port).await,
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
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
        self.write_down(Err(Failure::new(FailureKind::Refused, "broken off: the daemon is ending")));
    }
}
