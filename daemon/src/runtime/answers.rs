//! Who waits for an answer of the engine, and what is written down about each.

use super::call::Note;
use super::grants::TurnedAway;
use super::restricted;
use keyfob_audit::{Audit, Caller, Entry, Outcome, Retention};
use keyfob_engine::config::Daemon;
use keyfob_engine::engine::Answer;
use keyfob_engine::slot::WaiterId;
use keyfob_listen::{Connection, Peer};
use keyfob_shared::frame::MAX_FRAME;
use keyfob_shared::wire::Reply;
use keyfob_shared::{Failure, FailureKind, ProfileName, SocketName};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// The request of a program to its endpoint, in the audit.
const ENDPOINT: &str = "endpoint";
/// Callers who may wait at once; a further one is turned away.
const MAX_WAITERS: usize = 4_096;

/// Who gets an answer.
pub(super) enum Asker {
    Connection(Box<Call>),
    Program(Box<Reader>, oneshot::Sender<Answer>),
    Task(oneshot::Sender<Answer>),
}

/// A `get` on a connection.
pub(super) struct Call {
    connection: Connection,
    peer: Peer,
    profile: ProfileName,
    session_name: Option<String>,
    socket: Option<SocketName>,
}

/// A program that asks its endpoint.
pub(super) struct Reader {
    peer: Arc<Peer>,
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
        Self::Connection(Box::new(Call { connection, peer, profile, session_name, socket: None }))
    }

    pub(super) fn restricted(
        connection: Connection,
        peer: Peer,
        socket: SocketName,
        profile: ProfileName,
        session_name: Option<&str>,
    ) -> Self {
        let session_name = session_name.map(str::to_owned);
        Self::Connection(Box::new(Call { connection, peer, profile, session_name, socket: Some(socket) }))
    }

    fn is_of(&self, socket: &SocketName) -> bool {
        match self {
            Self::Connection(call) => call.socket.as_ref() == Some(socket),
            Self::Program(..) | Self::Task(_) => false,
        }
    }

    pub(super) fn program(
        answer: oneshot::Sender<Answer>,
        peer: Arc<Peer>,
        profile: ProfileName,
        session_name: Option<&str>,
    ) -> Self {
        let session_name = session_name.map(str::to_owned);
        Self::Program(Box::new(Reader { peer, profile, session_name }), answer)
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

    /// Does the same with someone behind a restricted socket, of whom not more than `most` may wait.
    pub(super) fn register_restricted(
        &mut self,
        asker: Asker,
        socket: &SocketName,
        most: usize,
    ) -> Option<WaiterId> {
        let are_waiting = self.askers.values().filter(|other| other.is_of(socket)).count();
        let waiter = self.register(asker);
        if are_waiting >= most {
            let failure = Failure::new(FailureKind::Refused, "too many callers wait at this socket already");
            self.answer(waiter, Answer::Failed(failure.hint("ask again later")));
        }
        self.askers.contains_key(&waiter).then_some(waiter)
    }

    /// Sends an answer, and writes down who got it.
    pub(super) fn answer(&mut self, waiter: WaiterId, answer: Answer) {
        match self.askers.remove(&waiter) {
            Some(Asker::Connection(call)) => self.reply(*call, answer),
            Some(Asker::Program(reader, sender)) => self.read(*reader, sender, answer),
            Some(Asker::Task(sender)) => drop(sender.send(answer)),
            None => {}
        }
    }

    fn reply(&mut self, call: Call, answer: Answer) {
        let mut entry = entry("get", &call.peer, Outcome::Served);
        entry.profile = Some(call.profile.to_string());
        entry.session_name = call.session_name;
        entry.socket = call.socket.as_ref().map(ToString::to_string);
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
                let told = match call.socket {
                    Some(_) => restricted::told(&failure, &call.profile),
                    None => failure,
                };
                call.connection.reply(&encode(&Reply::Failed(told)));
            }
        }
        self.audit.record(entry);
    }

    fn read(&self, reader: Reader, sender: oneshot::Sender<Answer>, answer: Answer) {
        let mut entry = entry(ENDPOINT, &reader.peer, Outcome::Served);
        entry.profile = Some(reader.profile.to_string());
        entry.session_name = reader.session_name;
        match &answer {
            Answer::Served { access_key_id, .. } => entry.access_key_id = Some(access_key_id.clone()),
            Answer::Failed(failure) => fail(&mut entry, failure),
            Answer::SignedIn { .. } => {}
        }
        self.audit.record(entry);
        // Whoever has asked may have given up.
        let _ = sender.send(answer);
    }

    /// Writes down that a request to an endpoint was turned away; who sent it is known by its user, at best.
    pub(super) fn turned_away(&self, refusal: &TurnedAway) {
        tracing::warn!(profile = %refusal.profile, why = refusal.why, "refused a request to an endpoint");
        let mut entry = entry(ENDPOINT, &refusal.peer, Outcome::Refused);
        entry.profile = Some(refusal.profile.to_string());
        entry.reason = Some(refusal.why.into());
        entry.caller = Caller { uid: refusal.user.unwrap_or(refusal.peer.uid), ..Caller::default() };
        self.audit.record(entry);
    }

    /// Writes down that a peer was turned away.
    pub(super) fn refused(&self, peer: &Peer, socket: Option<&SocketName>) {
        tracing::warn!(uid = peer.uid, pid = peer.pid, "refused a peer that is another user");
        let mut entry = entry("connect", peer, Outcome::Refused);
        entry.socket = socket.map(ToString::to_string);
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
        entry.socket = note.socket.map(|socket| socket.to_string());
        if let Err(failure) = result {
            fail(&mut entry, &failure);
        }
        self.audit.record(entry);
    }

    /// Changes how long lines are kept.
    pub(super) fn keep(&self, settings: &Daemon) {
        self.audit.keep(retention(settings));
    }

    /// Answers how many lines could not be written.
    pub(super) fn lost(&self) -> u64 {
        self.audit.lost()
    }

    pub(super) fn close(self) {
        self.audit.close();
    }
}

/// Answers how long lines of the audit are kept.
pub(crate) fn retention(settings: &Daemon) -> Retention {
    let age = settings.audit_keep.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis);
    Retention { age, size: settings.audit_size }
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
        socket: None,
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
