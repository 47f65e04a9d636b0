//! The loop: one closed list of events, the engine's commands carried out.
//!
//! Nothing here decides when to mint or whom to serve; nothing here blocks.

mod account;
mod answers;
mod call;
mod console;
mod conversations;
mod dialogue;
mod doctor;
mod findings;
mod grants;
mod key_list;
mod keys;
mod login;
mod mints;
mod pages;
mod places;
mod reload;
mod requests;
mod restricted;
mod rotations;
mod saver;
mod signins;
mod sockets;
mod turns;

use crate::alarm::Alarm;
use crate::clock;
use crate::configuration::{Broken, Reading};
use crate::platform::{self, Asked, Signals};
use crate::watch::Watch;
pub(crate) use answers::retention;
use answers::{Asker, Ledger};
use keyfob_audit::Audit;
use keyfob_aws::Connections;
use keyfob_engine::config::{Config, Daemon};
use keyfob_engine::engine::{self, Command, Engine};
use keyfob_iam::Iam;
use keyfob_listen::{Arrival, Connection, Listener, Peer};
use keyfob_shared::wire::Request;
use keyfob_shared::{Failure, IdentityName, ProfileName, Secret, SocketName};
use keyfob_source::Sts;
use keyfob_vault::Keeper;
pub(crate) use sockets::{own_share, path as restricted_path};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Everything that happens to the daemon.
enum Event {
    /// Someone has asked, or was turned away.
    Arrived(Arrival),
    /// The same, at a restricted socket.
    ArrivedRestricted(SocketName, Arrival),
    /// A mint, a read of the vault, a person: news for the engine.
    Engine(engine::Event),
    /// A person has given what a sign-in needs.
    SignIn { identity: IdentityName, code: Option<Secret>, answer: oneshot::Sender<engine::Answer> },
    /// A task wants to know something of the engine.
    Question(grants::Question),
    /// An endpoint has turned a request away.
    TurnedAway(grants::TurnedAway),
    /// A program has ended, or its client.
    GrantEnded(engine::HoldId),
    /// A long-term key is another one, or is about to be; the sender is dropped when the engine knows.
    KeyChanged(IdentityName, engine::Replaced, oneshot::Sender<()>),
    /// The configuration file, or what it names, has changed.
    ConfigChanged,
    /// The configuration file was read.
    ConfigRead(Box<Reading>),
    /// Somebody wants it read now.
    Reload(reload::Asker),
    /// The file of the socket has changed.
    SocketChanged,
    /// It is the turn of a listing that had to wait.
    Turn(Box<places::Arrived>, places::Place),
    /// A restricted socket is gone, or can be tried again.
    SocketsChanged,
    /// A person was answered, or turned away.
    Answered(call::Note, Result<(), Failure>),
    /// The vault was opened by a person; the number is that of the last lock then.
    Unlocked(u64),
    /// A moment has come, or a clock was set.
    Alarm,
    /// The operating system asks.
    Signal(Asked),
    /// A person asks the daemon to end; the connection closes when it is gone.
    Stop(Box<keyfob_listen::Dialogue>),
}

/// What the runtime is made of.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) watch: Watch,
    pub(crate) changed: mpsc::Receiver<()>,
    pub(crate) config_file: PathBuf,
    pub(crate) state_directory: PathBuf,
    pub(crate) lock_note: PathBuf,
    pub(crate) descriptors: usize,
    pub(crate) listener: Listener,
    pub(crate) vault: Keeper,
    pub(crate) audit: Audit,
    pub(crate) state_lock: File,
}

/// The daemon.
pub(crate) struct Runtime {
    engine: Engine,
    listener: Listener,
    sockets: sockets::Sockets,
    alarm: Alarm,
    signals: Signals,
    watch: Watch,
    changed: mpsc::Receiver<()>,
    socket_watch: Watch,
    socket_changed: mpsc::Receiver<()>,
    inbox: mpsc::UnboundedReceiver<Event>,
    shared: Shared,
    ledger: Ledger,
    grants: grants::Grants,
    places: places::Places,
    state_directory: PathBuf,
    // Is there while the agent is locked, and counts how often it was.
    lock_note: PathBuf,
    locked: watch::Sender<bool>,
    locks: u64,
    config_file: PathBuf,
    reload: reload::Reload,
    broken: Option<Broken>,
    // The settings that the vault was opened with; it is opened once.
    opened_with: Daemon,
    stopping: Option<Box<keyfob_listen::Dialogue>>,
    _state_lock: File,
}

/// What tasks beside the loop work with.
#[derive(Clone)]
struct Shared {
    events: mpsc::UnboundedSender<Event>,
    vault: Keeper,
    saver: saver::Saver,
    minter: mints::Minter,
    iam: Iam,
    connections: Connections,
    rotations: rotations::Rotations,
}

/// Whether the loop goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    End,
}

impl Runtime {
    pub(crate) fn new(parts: Parts) -> std::io::Result<Self> {
        let now = clock::now();
        let (events, inbox) = mpsc::unbounded_channel();
        let (socket_change, socket_changed) = mpsc::channel(1);
        let connections = Connections::default();
        let locked = watch::Sender::new(false);
        let shared = Shared {
            events,
            vault: parts.vault.clone(),
            saver: saver::Saver::start(parts.vault.clone()),
            minter: mints::Minter::new(Sts::new(connections.clone()), parts.vault),
            iam: Iam::new(connections.clone()),
            connections,
            rotations: rotations::Rotations::new(&parts.state_directory, locked.subscribe()),
        };
        let descriptors = own_share(parts.descriptors);
        let mut runtime = Self {
            engine: Engine::new(
                now,
                &platform::boot(),
                now.wall.millis().cast_unsigned() ^ u64::from(std::process::id()),
            ),
            alarm: Alarm::new()?,
            signals: Signals::listen()?,
            watch: parts.watch,
            changed: parts.changed,
            socket_watch: Watch::start(&[parts.listener.path().to_owned()], socket_change),
            socket_changed,
            inbox,
            sockets: sockets::Sockets::new(shared.events.clone(), parts.descriptors),
            shared,
            ledger: Ledger::new(parts.audit, descriptors),
            grants: grants::Grants::new(descriptors),
            places: places::Places::new(descriptors),
            state_directory: parts.state_directory,
            lock_note: parts.lock_note,
            locked,
            locks: 0,
            listener: parts.listener,
            config_file: parts.config_file,
            reload: reload::Reload::default(),
            broken: None,
            opened_with: parts.config.daemon.clone(),
            stopping: None,
            _state_lock: parts.state_lock,
        };
        if runtime.lock_note.exists() {
            runtime.locked.send_replace(true);
            runtime.tell(engine::Event::Lock);
        }
        runtime.tell(engine::Event::Configured(Arc::new(parts.config)));
        runtime.apply_sockets();
        runtime.shared.resume_rotations();
        drop(tokio::spawn(rotations::keep_schedules(runtime.shared.clone())));
        Ok(runtime)
    }

    /// Runs until the daemon is told to stop.
    pub(crate) async fn run(mut self) -> Result<(), Failure> {
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "ready");
        loop {
            self.alarm.set(self.engine.poll_timeout().map(|(moment, _)| moment));
            let event = self.next().await;
            if self.handle(event) == Next::End {
                break;
            }
        }
        tracing::info!("stopping");
        self.grants.end().await;
        self.shared.saver.finish().await;
        self.ledger.close();
        self.sockets.finish().await;
        drop(self.listener);
        // The connection of whoever asked for the end is closed by the end of the process, when all locks are free.
        std::mem::forget(self.stopping);
        Ok(())
    }

    async fn next(&mut self) -> Event {
        tokio::select! {
            biased;
            asked = self.signals.next() => Event::Signal(asked),
            Some(event) = self.inbox.recv() => event,
            () = self.alarm.fired() => Event::Alarm,
            Some(()) = self.changed.recv() => Event::ConfigChanged,
            Some(()) = self.socket_changed.recv() => Event::SocketChanged,
            arrival = self.listener.next() => Event::Arrived(arrival),
            Some((socket, arrival)) = self.sockets.next() => Event::ArrivedRestricted(socket, arrival),
        }
    }

    fn handle(&mut self, event: Event) -> Next {
        match event {
            Event::Arrived(Arrival::Request(incoming)) => {
                self.request(incoming.peer, incoming.request, incoming.connection)
            }
            Event::Arrived(Arrival::Refused(peer)) => self.ledger.refused(&peer, None),
            Event::ArrivedRestricted(socket, arrival) => self.restricted(socket, arrival),
            Event::Engine(event) => self.tell(event),
            Event::SignIn { identity, code, answer } => {
                let waiter = self.ledger.register(Asker::Task(answer));
                self.tell(engine::Event::Login { waiter, identity, code });
            }
            Event::Question(question) => self.question(question),
            Event::TurnedAway(refusal) => self.turned_away(&refusal),
            Event::GrantEnded(id) => self.grant_ended(id),
            Event::KeyChanged(identity, replaced, _told) => {
                self.tell(engine::Event::KeyChanged { identity, replaced });
            }
            Event::ConfigChanged => self.read_config(reload::SETTLE, None),
            Event::ConfigRead(reading) => self.config_read(*reading),
            Event::SocketChanged => return self.socket_changed(),
            Event::SocketsChanged => self.apply_sockets(),
            Event::Reload(asker) => self.read_config(Duration::ZERO, Some(asker)),
            Event::Turn(arrived, place) => self.converse(*arrived, place),
            Event::Answered(note, result) => self.ledger.note(note, result),
            Event::Unlocked(lock) => self.unlocked(lock),
            Event::Alarm => self.tell(engine::Event::Tick),
            Event::Signal(Asked::Reload) => self.read_config(Duration::ZERO, None),
            Event::Signal(Asked::Stop) => return Next::End,
            Event::Stop(dialogue) => {
                self.stopping = Some(dialogue);
                return Next::End;
            }
        }
        Next::GoOn
    }

    /// Tells the engine, and does what it asks for.
    fn tell(&mut self, event: engine::Event) {
        self.engine.handle(event, clock::now());
        while let Some(command) = self.engine.poll_command() {
            match command {
                Command::Answer { waiter, answer } => self.ledger.answer(waiter, answer),
                Command::Mint(mint) => self.shared.mint(*mint, self.engine.config().clone()),
                Command::TellSignIn { identity, by } => crate::notify::sign_in_needed(&identity, by),
                Command::Save { slot, record } => self.shared.saver.write(slot.to_string(), Some(record)),
                Command::Forget { item } => self.shared.saver.write(item, None),
                Command::Load(load) => self.shared.load(load),
            }
        }
    }

    fn request(&mut self, peer: Peer, request: Request, connection: Connection) {
        match request {
            Request::Get { profile } => {
                let asker = Asker::caller(connection, peer, profile.clone(), self.session_name(&profile));
                if let Some(failure) = self.turns_away(&profile) {
                    return self.ledger.turn_away(asker, failure);
                }
                let waiter = self.ledger.register(asker);
                self.tell(engine::Event::Get { waiter, profile });
            }
            request => self.person(places::Arrived { peer, request, connection }),
        }
    }

    fn session_name(&self, profile: &ProfileName) -> Option<&str> {
        self.engine.config().profiles.get(profile).and_then(|plan| plan.last().session_name())
    }
}

/// Names of the requests in the audit.
const fn name(request: &Request) -> &'static str {
    match request {
        Request::Get { .. } => "get",
        Request::Grant(_) => "exec",
        Request::Console(_) => "console",
        Request::Login { .. } => "login",
        Request::Logout { .. } => "logout",
        Request::Status => "status",
        Request::Profiles { .. } => "profiles",
        Request::Discover { .. } => "discover",
        Request::Check => "check",
        Request::Doctor => "doctor",
        Request::KeyAdd { .. } => "key-add",
        Request::KeyImport { .. } => "key-import",
        Request::KeyList => "key-list",
        Request::KeyRemove { .. } => "key-remove",
        Request::KeyRotate { .. } => "key-rotate",
        Request::Report(_) => "report",
        Request::Activity(_) => "activity",
        Request::Role(_) => "role",
        Request::Lock => "lock",
        Request::Unlock => "unlock",
        Request::Reload => "reload",
        Request::Stop => "stop",
    }
}

/// Answers the sessions of the vault as the engine reads them.
fn items(sessions: Vec<keyfob_vault::Item>) -> Vec<(String, Secret)> {
    let by_name: BTreeMap<String, Secret> =
        sessions.into_iter().map(|item| (item.name.name, item.value)).collect();
    by_name.into_iter().collect()
}
