//! Programs that run with a profile: each has an endpoint, from the request of its client to the end of the connection.

use super::answers::Asker;
use super::call::Call;
use super::rotations::KeyPlace;
use super::{Event, Runtime, Shared};
use keyfob_endpoint::{Door, Owner};
use keyfob_engine::clock::Monotonic;
use keyfob_engine::config::Rotate;
use keyfob_engine::engine::{self, Answer, HoldId, Obstacle};
use keyfob_listen::{Dialogue, Peer};
use keyfob_shared::wire::{Grant, Reply, TOKEN_LENGTH};
use keyfob_shared::{Failure, FailureKind, IdentityName, ProfileName, Secret};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;

/// Programs at one time; a further one is refused.
const MAX_GRANTS: usize = 256;
/// The time in which the clients are told that the daemon ends.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// The same refusal of one endpoint is written down once in this many milliseconds: a stranger must not fill the audit.
const QUIET: i64 = 60_000;

/// All grants.
pub(super) struct Grants {
    tasks: JoinSet<()>,
    permits: Arc<Semaphore>,
    most: usize,
    connections: Arc<Semaphore>,
    ending: watch::Sender<bool>,
    next: u64,
    told: HashMap<(HoldId, &'static str), Monotonic>,
}

/// A request to an endpoint that was turned away.
pub(super) struct TurnedAway {
    id: HoldId,
    pub(super) profile: ProfileName,
    pub(super) peer: Arc<Peer>,
    pub(super) user: Option<u32>,
    pub(super) why: &'static str,
}

/// A question of a task that only the engine can answer.
pub(super) enum Question {
    /// The credentials of a profile; the program that gets them is written down.
    Credentials { profile: ProfileName, reader: Option<Arc<Peer>>, answer: oneshot::Sender<Answer> },
    /// What stands against a lease, in milliseconds.
    Obstacles { profile: ProfileName, lease: Option<i64>, answer: oneshot::Sender<Vec<Obstacle>> },
    /// Where AWS is for the access key of an identity.
    KeyPlace { identity: IdentityName, answer: oneshot::Sender<KeyPlace> },
    /// Which access keys are rotated by schedule.
    Scheduled { answer: oneshot::Sender<Vec<(IdentityName, Rotate)>> },
}

impl Grants {
    /// Endpoints take a part of the descriptors that the process may have.
    pub(super) fn new(descriptors: usize) -> Self {
        let most = MAX_GRANTS.min(descriptors / 4 / keyfob_endpoint::DESCRIPTORS).max(1);
        Self {
            tasks: JoinSet::new(),
            permits: Arc::new(Semaphore::new(most)),
            most,
            connections: Arc::new(Semaphore::new((descriptors / 4).min(Semaphore::MAX_PERMITS))),
            ending: watch::Sender::new(false),
            next: 0,
            told: HashMap::new(),
        }
    }

    /// Tells all clients that the daemon ends by intention, so that they do not start another.
    pub(super) async fn end(mut self) {
        let _ = self.ending.send(true);
        let told = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_WORDS, told).await;
    }
}

impl Runtime {
    pub(super) fn grant(&mut self, grant: Grant, peer: Peer, call: Call) {
        while self.grants.tasks.try_join_next().is_some() {}
        let Ok(permit) = self.grants.permits.clone().try_acquire_owned() else {
            let message =
                format!("{} programs run with a profile already, and no more can", self.grants.most);
            let hint = "end one, or raise the limit of open files and: keyfob daemon restart";
            let refused = call.conclude(Err(Failure::new(FailureKind::Refused, message).hint(hint)));
            drop(tokio::spawn(refused));
            return;
        };
        self.grants.next += 1;
        let id = HoldId(self.grants.next);
        let (shared, ending) = (self.shared.clone(), self.grants.ending.subscribe());
        let granting = Granting {
            id,
            grant,
            peer: Arc::new(peer),
            shared,
            connections: self.grants.connections.clone(),
            _permit: permit,
        };
        self.grants.tasks.spawn(granting.run(call, ending));
    }

    pub(super) fn question(&mut self, question: Question) {
        match question {
            Question::Credentials { profile, reader, answer } => {
                let asker = match reader {
                    Some(peer) => Asker::program(answer, peer, profile.clone(), self.session_name(&profile)),
                    None => Asker::Task(answer),
                };
                if let Some(failure) = self.turns_away(&profile) {
                    return self.ledger.turn_away(asker, failure);
                }
                let waiter = self.ledger.register(asker);
                self.tell(engine::Event::GetHeld { waiter, profile });
            }
            Question::Obstacles { profile, lease, answer } => {
                let _ = answer.send(self.engine.obstacles(&profile, lease));
            }
            Question::KeyPlace { identity, answer } => drop(answer.send(self.key_place(&identity))),
            Question::Scheduled { answer } => {
                let settings = self.rotations().into_iter().filter(|(_, rotate)| rotate.every.is_some());
                let _ = answer.send(settings.collect());
            }
        }
    }

    pub(super) fn turned_away(&mut self, refusal: &TurnedAway) {
        let now = crate::clock::now().monotonic;
        let last = self.grants.told.get(&(refusal.id, refusal.why));
        if last.is_none_or(|last| now >= last.plus(QUIET)) {
            self.grants.told.insert((refusal.id, refusal.why), now);
            self.ledger.turned_away(refusal);
        }
    }

    pub(super) fn grant_ended(&mut self, id: HoldId) {
        self.grants.told.retain(|(of, _), _| *of != id);
        self.tell(engine::Event::Release(id));
    }
}

/// A grant from its request to its end.
struct Granting {
    id: HoldId,
    grant: Grant,
    peer: Arc<Peer>,
    shared: Shared,
    connections: Arc<Semaphore>,
    _permit: OwnedSemaphorePermit,
}

impl Granting {
    async fn run(self, mut call: Call, ending: watch::Receiver<bool>) {
        let (hold, mut door, obstacles) = match self.begin(&mut call).await {
            Ok(begun) => begun,
            Err(failure) => return call.conclude(Err(failure)).await,
        };
        let port = door.port().unwrap_or(0);
        let obstacles =
            obstacles.into_iter().map(|found| format!("{}: {}", found.message, found.hint)).collect();
        if call.send(&Reply::Granted { port, obstacles }).await
            && let Some(dialogue) = call.into_dialogue()
        {
            self.serve(&mut door, dialogue, ending).await;
        }
        drop(hold);
        // What a hostile client holds up counts as its own until it is over.
        door.close().await;
    }

    async fn serve(&self, door: &mut Door, mut dialogue: Dialogue, mut ending: watch::Receiver<bool>) {
        let owner = Granted {
            id: self.id,
            profile: self.grant.profile.clone(),
            peer: self.peer.clone(),
            events: self.shared.events.clone(),
        };
        let served = keyfob_endpoint::serve(door, self.grant.token.clone(), owner, &self.connections);
        tokio::select! {
            Err(error) = served => tracing::warn!(%error, profile = %self.grant.profile, "serve an endpoint"),
            () = dialogue.closed() => {}
            _ = ending.changed() => {
                let _ = dialogue.send(&Reply::Done { message: "the daemon ends".into() }).await;
            }
        }
    }

    /// Mints before the program starts: who can't be served is told so, and not in the middle of its work.
    async fn begin(&self, call: &mut Call) -> Result<(Hold, Door, Vec<Obstacle>), Failure> {
        let Grant { profile, token, port, lease, strict, resumed } = &self.grant;
        if token.expose().len() != TOKEN_LENGTH
            || !token.expose().bytes().all(|digit| digit.is_ascii_hexdigit())
        {
            let message = format!("a token has {TOKEN_LENGTH} hexadecimal digits");
            return Err(Failure::new(FailureKind::Usage, message));
        }
        let lease = lease.map(|seconds| i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX));
        let credentials = |answer| Question::Credentials { profile: profile.clone(), reader: None, answer };
        match ask(&self.shared.events, credentials).await? {
            Answer::Served { .. } => {}
            Answer::Failed(_) if *resumed => {}
            Answer::Failed(failure) => return Err(failure),
            Answer::SignedIn { .. } => return Err(ending()),
        }
        let obstacles = |answer| Question::Obstacles { profile: profile.clone(), lease, answer };
        let obstacles = ask(&self.shared.events, obstacles).await?;
        if let Some(first) = obstacles.first().filter(|_| *strict) {
            return Err(Failure::new(FailureKind::Person, &first.message).hint(&first.hint));
        }
        let hold = Hold::new(&self.shared, self.id, profile.clone(), lease);
        let wrong = |error: std::io::Error| {
            Failure::new(FailureKind::Usage, format!("take the listener of the endpoint: {error}"))
        };
        let listener = call.listener(*port).await.map_err(wrong)?;
        if !keyfob_endpoint::is_in_this_network(&listener) {
            let message = "this is another network namespace than the daemon's, which could not tell whose requests come there";
            let hint = "use credential_process = keyfob get here";
            return Err(Failure::new(FailureKind::Usage, message).hint(hint));
        }
        let door = Door::open(listener).map_err(wrong)?;
        Ok((hold, door, obstacles))
    }
}

/// Keeps a profile held until it is dropped.
struct Hold {
    id: HoldId,
    events: mpsc::UnboundedSender<Event>,
}

impl Hold {
    fn new(shared: &Shared, id: HoldId, profile: ProfileName, lease: Option<i64>) -> Self {
        let _ = shared.events.send(Event::Engine(engine::Event::Hold { id, profile, lease }));
        Self { id, events: shared.events.clone() }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let _ = self.events.send(Event::GrantEnded(self.id));
    }
}

/// What the requests of one program are answered from.
#[derive(Clone)]
struct Granted {
    id: HoldId,
    profile: ProfileName,
    peer: Arc<Peer>,
    events: mpsc::UnboundedSender<Event>,
}

impl Owner for Granted {
    async fn credentials(&self) -> Result<Arc<Secret>, Failure> {
        let credentials = |answer| Question::Credentials {
            profile: self.profile.clone(),
            reader: Some(self.peer.clone()),
            answer,
        };
        match ask(&self.events, credentials).await? {
            Answer::Served { reply, .. } => Ok(reply),
            Answer::Failed(failure) => Err(failure),
            Answer::SignedIn { .. } => Err(ending()),
        }
    }

    fn refused(&self, user: Option<u32>, why: &'static str) {
        let (profile, peer) = (self.profile.clone(), self.peer.clone());
        let _ = self.events.send(Event::TurnedAway(TurnedAway { id: self.id, profile, peer, user, why }));
    }
}

pub(super) async fn ask<T>(
    events: &mpsc::UnboundedSender<Event>,
    question: impl FnOnce(oneshot::Sender<T>) -> Question,
) -> Result<T, Failure> {
    let (answer, answered) = oneshot::channel();
    let _ = events.send(Event::Question(question(answer)));
    answered.await.map_err(|_| ending())
}

pub(super) fn ending() -> Failure {
    Failure::new(FailureKind::Unreachable, "the daemon is ending").hint("keyfob daemon start")
}
