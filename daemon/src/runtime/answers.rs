//! Who waits for an answer of the engine, and what is written down about each.

use super::call::Note;
use keyfob_audit::{Audit, Caller, Entry, Outcome};
use keyfob_engine::engine::Answer;
use keyfob_engine::slot::WaiterId;
use keyfob_listen::{Connection, Peer};
use keyfob_shared::frame::MAX_FRAME;
use keyfob_shared::wire::Reply;
use keyfob_shared::{Failure, FailureKind, ProfileName};
use std::collections::HashMap;
use tokio::sync::oneshot;

/// Callers who may wait at once; a further one is turned away.
const MAX_WAITERS: usize = 4_096;

/// Who gets an answer.
pub(super) enum Asker {
    Connection(Box<Call>),
    Task(oneshot::Sender<Answer>),
}

/// A `get` on a connection.
pub(super) struct Call {
    connection: Connection,
    peer: Peer,
    profile: ProfileName,
    session_name: Option<String>,
}

impl Asker {
    pub(super) fn caller(
        connection: Connection,
        peer: Peer,
        profile: ProfileName,
        session_name: Option<&str>,
    ) -> Self {
        let session_name = session_name.map(str::to_owned);
        Self::Connection(Box::new(Call { connection, peer, profile, session_name }))
    }
}

/// The list of those who wait, and the audit.
pub(super) struct Ledger {
    audit: Audit,
    askers: HashMap<WaiterId, Asker>,
    most: usize,
    next: WaiterId,
}

impl Ledger {
    /// Callers who wait take a part of the descriptors that the process may have.
    pub(super) fn new(audit: Audit, descriptors: usize) -> Self {
        Self { audit, askers: HashMap::new(), most: MAX_WAITERS.min(descriptors / 2), next: 0 }
    }

    /// Puts someone on the list.
    pub(super) fn register(&mut self, asker: Asker) -> WaiterId {
        self.next += 1;
        self.askers.insert(self.next, asker);
        self.next
    }

    /// Answers whether nobody else can wait.
    pub(super) fn is_full(&self) -> bool {
        self.askers.len() >= self.most
    }

    /// Turns someone away.
    pub(super) fn turn_away(&mut self, asker: Asker, failure: Failure) {
        let waiter = self.register(asker);
        self.answer(waiter, Answer::Failed(failure));
    }

    /// Sends an answer, and writes down who got it.
    pub(super) fn answer(&mut self, waiter: WaiterId, answer: Answer) {
        match self.askers.remove(&waiter) {
            Some(Asker::Connection(call)) => self.reply(*call, answer),
            Some(Asker::Task(sender)) => drop(sender.send(answer)),
            None => {}
        }
    }

    fn reply(&mut self, call: Call, answer: Answer) {
        let mut entry = entry("get", &call.peer, Outcome::Served);
        entry.profile = Some(call.profile.to_string());
        entry.session_name = call.session_name;
        match answer {
            Answer::Served { reply, access_key_id } if reply.expose().len() <= MAX_FRAME => {
                entry.access_key_id = Some(access_key_id);
                call.connection.reply(reply.expose().as_bytes());
            }
            Answer::Served { .. } | Answer::SignedIn { .. } => {
                let failure =
                    Failure::new(FailureKind::Upstream, "the session token is longer than a reply may be");
                fail(&mut entry, &failure);
                call.connection.reply(&encode(&Reply::Failed(failure)));
            }
            Answer::Failed(failure) => {
                fail(&mut entry, &failure);
                call.connection.reply(&encode(&Reply::Failed(failure)));
            }
        }
        self.audit.record(entry);
    }

    /// Writes down that a peer was turned away.
    pub(super) fn refused(&self, peer: &Peer) {
        tracing::warn!(uid = peer.uid, pid = peer.pid, "refused a peer that is another user");
        let mut entry = entry("connect", peer, Outcome::Refused);
        entry.reason = Some("another user".into());
        self.audit.record(entry);
    }

    /// Writes down what a person asked for, and how it went. A look at what there is counts only if it was refused.
    pub(super) fn note(&self, note: Note, result: Result<(), Failure>) {
        const LOOKS: [&str; 5] = ["status", "profiles", "check", "doctor", "key-list"];
        let was_refused = result.as_ref().is_err_and(|failure| failure.kind == FailureKind::Refused);
        if LOOKS.contains(&note.request) && !was_refused {
            return;
        }
        let mut entry = entry(note.request, &note.peer, Outcome::Served);
        entry.profile = note.subject;
        if let Err(failure) = result {
            fail(&mut entry, &failure);
        }
        self.audit.record(entry);
    }

    /// Answers how many lines could not be written.
    pub(super) fn lost(&self) -> u64 {
        self.audit.lost()
    }

    pub(super) fn close(self) {
        self.audit.close();
    }
}

fn fail(entry: &mut Entry, failure: &Failure) {
    entry.outcome = match failure.kind {
        FailureKind::Refused => Outcome::Refused,
        FailureKind::Upstream | FailureKind::Usage | FailureKind::Person | FailureKind::Unreachable => {
            Outcome::Failed
        }
    };
    entry.reason = Some(failure.message.clone());
}

fn entry(request: &'static str, peer: &Peer, outcome: Outcome) -> Entry {
    let process = peer.start.as_ref();
    Entry {
        time: crate::clock::now().wall,
        request,
        profile: None,
        outcome,
        reason: None,
        access_key_id: None,
        session_name: None,
        caller: Caller {
            uid: peer.uid,
            pid: peer.pid,
            ppid: process.map(|process| process.ppid),
            started: process.map(|process| process.started),
            comm: process.map(|process| process.comm.clone()),
        },
    }
}

/// Writes a reply that is known to be short.
pub(super) fn encode(reply: &Reply) -> Vec<u8> {
    serde_json::to_vec(reply).expect("replies always serialize")
}
