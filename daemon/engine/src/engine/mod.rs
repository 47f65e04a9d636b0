//! The state machine: events in, commands out.
//!
//! Every session has one slot; a slot has at most one mint in flight, and everyone who needs it waits in its list.

mod attempt;
mod configure;
#[cfg(test)]
mod model;
mod outcome;
mod people;
mod renew;
mod serve;
mod status;
#[cfg(test)]
mod tests;
mod vault;
#[cfg(test)]
mod world;

use crate::clock::{Monotonic, Now, WallClock};
use crate::config::Config;
use crate::mint::{MintError, Minted};
use crate::plan::Step;
use crate::session::Session;
use crate::slot::{MintId, Slot, SlotKey, WaiterId};
use keyfob_shared::{Credentials, Failure, IdentityName, ProfileName, Secret, Timestamp};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// Everything that can happen.
#[derive(Debug)]
pub enum Event {
    /// A configuration is in force from now on.
    Configured(Arc<Config>),
    /// A caller wants the credentials of a profile.
    Get {
        /// Who.
        waiter: WaiterId,
        /// Which.
        profile: ProfileName,
    },
    /// A person signs in.
    Login {
        /// Who waits.
        waiter: WaiterId,
        /// As whom.
        identity: IdentityName,
        /// The code of the MFA device; `None` when the identity has a command for it.
        code: Option<Secret>,
    },
    /// Sessions are to be forgotten.
    Logout(Scope),
    /// A long-term key was added or removed.
    KeyChanged {
        /// Whose.
        identity: IdentityName,
        /// Whether sessions of another key are to be forgotten.
        replaced: Replaced,
    },
    /// A mint has ended.
    Minted {
        /// Which.
        mint: MintId,
        /// The clocks when its request went out.
        sent: Now,
        /// How.
        result: Result<Minted, MintError>,
    },
    /// The vault has answered [`Command::Load`].
    Loaded(Result<Vec<(String, Secret)>, Failure>),
    /// Nothing is served from now on.
    Lock,
    /// Serve again, with what the vault holds.
    Unlock,
    /// A timer has fired or a clock was set.
    Tick,
}

/// Which sessions are forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those of an identity.
    Identity(IdentityName),
    /// That of a profile.
    Profile(ProfileName),
}

/// Whether a new key is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// Its access key id is as before.
    SameKey,
    /// It is another key, or there is none now.
    OtherKey,
}

/// Everything that the shell is asked to do.
#[derive(Debug)]
pub enum Command {
    /// Answer a caller.
    Answer {
        /// Whom.
        waiter: WaiterId,
        /// What.
        answer: Answer,
    },
    /// Call AWS and report [`Event::Minted`]; within a minute, whatever happens.
    Mint(Box<Mint>),
    /// Write a session to the vault.
    Save {
        /// The name of the item.
        slot: SlotKey,
        /// What to write.
        record: Secret,
    },
    /// Remove a session from the vault; it may be absent.
    Forget {
        /// The name of the item.
        item: String,
    },
    /// Read all sessions of the vault and report [`Event::Loaded`].
    Load,
}

/// What a caller is told.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The reply to a `get`, ready to send.
    Served {
        /// The body of the frame.
        reply: Arc<Secret>,
        /// For the audit.
        access_key_id: String,
    },
    /// A sign-in has worked.
    SignedIn {
        /// The end of the session that it gave.
        until: Timestamp,
    },
    /// It did not work.
    Failed(Failure),
}

/// A session to mint.
#[derive(Debug)]
pub struct Mint {
    /// To be named in [`Event::Minted`].
    pub id: MintId,
    /// Whose.
    pub identity: IdentityName,
    /// The call.
    pub step: Step,
    /// Seconds to ask for instead of the step's own.
    pub duration: Option<u32>,
    /// What signs it.
    pub from: From,
    /// A code that a person typed. Where the step needs one and this is `None`, the identity has a command.
    pub code: Option<Secret>,
    /// How far the server's clock is ahead of ours, in milliseconds.
    pub skew: i64,
}

/// What signs a call.
#[derive(Debug)]
pub enum From {
    /// The long-term key of the identity.
    LongTermKey,
    /// The session before.
    Session(Credentials),
}

/// Why the engine wants to be called at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A session is to be renewed or has ended.
    Session(SlotKey),
    /// A caller has waited long enough.
    Waiter,
    /// The vault is to be read again, or swept.
    Vault,
}

/// Where the sessions of the vault are.
#[derive(Debug)]
enum Loading {
    Needed,
    Asked,
    Done,
    Failed { at: Monotonic, failure: Failure },
}

/// The state machine.
#[derive(Debug)]
pub struct Engine {
    now: Now,
    boot: String,
    clock: WallClock,
    skew: i64,
    chance: fastrand::Rng,
    config: Arc<Config>,
    profiles: HashMap<ProfileName, Handed>,
    slots: HashMap<SlotKey, Slot>,
    orphans: HashMap<SlotKey, Session>,
    sweep_at: Option<Monotonic>,
    timers: BTreeSet<(Monotonic, SlotKey)>,
    waiting: HashMap<WaiterId, SlotKey>,
    wait_ends: VecDeque<(Monotonic, WaiterId)>,
    mints: HashMap<MintId, SlotKey>,
    next_mint: u64,
    loading: Loading,
    locked: bool,
    commands: VecDeque<Command>,
}

/// What a profile hands out.
#[derive(Debug)]
struct Handed {
    slot: SlotKey,
    last_used: Option<Timestamp>,
}

impl Engine {
    /// Makes an engine without a configuration; `seed` feeds its chance, and within one `boot` the monotonic clock
    /// goes on, whoever reads it.
    pub fn new(now: Now, boot: &str, seed: u64) -> Self {
        Self {
            now,
            boot: boot.into(),
            clock: WallClock::new(now),
            skew: 0,
            chance: fastrand::Rng::with_seed(seed),
            config: Arc::default(),
            profiles: HashMap::new(),
            slots: HashMap::new(),
            orphans: HashMap::new(),
            sweep_at: None,
            timers: BTreeSet::new(),
            waiting: HashMap::new(),
            wait_ends: VecDeque::new(),
            mints: HashMap::new(),
            next_mint: 0,
            loading: Loading::Needed,
            locked: false,
            commands: VecDeque::new(),
        }
    }

    /// Takes note of what happened, and of everything that is due by now.
    pub fn handle(&mut self, event: Event, now: Now) {
        self.now = now;
        if self.clock.stepped(now) {
            self.check_all_timers();
        }
        match event {
            Event::Configured(config) => self.configure(config),
            Event::Get { waiter, profile } => self.get(waiter, profile),
            Event::Login { waiter, identity, code } => self.login(waiter, &identity, code),
            Event::Logout(scope) => self.logout(&scope),
            Event::KeyChanged { identity, replaced } => self.key_changed(&identity, replaced),
            Event::Minted { mint, sent, result } => self.minted(mint, sent, result),
            Event::Loaded(result) => self.loaded(result),
            Event::Lock => self.lock(),
            Event::Unlock => self.unlock(),
            Event::Tick => {}
        }
        self.run_due();
    }

    /// Answers the next thing to do, until there is none.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// Answers when [`Event::Tick`] is wanted at the latest, and why; it lies in the future of the last event.
    pub fn poll_timeout(&self) -> Option<(Monotonic, Reason)> {
        let session = self.timers.first().map(|(moment, slot)| (*moment, Reason::Session(*slot)));
        let waiter = self.wait_ends.front().map(|(moment, _)| (*moment, Reason::Waiter));
        let vault = [self.sweep_at, self.load_again_at()]
            .into_iter()
            .flatten()
            .min()
            .map(|moment| (moment, Reason::Vault));
        [session, waiter, vault].into_iter().flatten().min_by_key(|(moment, _)| *moment)
    }

    /// Answers whether `keyfob lock` is in force.
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// Answers the configuration in force.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }
}
