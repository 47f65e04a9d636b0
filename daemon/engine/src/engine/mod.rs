//! The state machine: events in, commands out.
//!
//! Every session has one slot; a slot has at most one mint in flight, and everyone who needs it waits in its list.

mod attempt;
mod configure;
mod event;
mod hold;
#[cfg(test)]
mod model;
mod outcome;
mod people;
mod renew;
mod restricted;
mod serve;
mod status;
#[cfg(test)]
mod tests;
mod vault;
#[cfg(test)]
mod world;

pub use event::{Answer, Command, Event, From, LoadId, Mint, Replaced, Scope};
pub use hold::{HoldId, Obstacle};
pub use restricted::not_served;

use crate::clock::{Monotonic, Now, Skew, WallClock};
use crate::config::Config;
use crate::slot::{MintId, Slot, SlotKey, WaiterId};
use keyfob_shared::{Failure, IdentityName, ProfileName, SocketName, Timestamp};
use serve::Use;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use vault::{Ended, Orphan};

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
    Asked(LoadId),
    Done,
    Failed { at: Monotonic, failure: Failure },
}

/// The state machine.
#[derive(Debug)]
pub struct Engine {
    now: Now,
    boot: String,
    clock: WallClock,
    skew: Skew,
    chance: fastrand::Rng,
    config: Arc<Config>,
    profiles: HashMap<ProfileName, Handed>,
    // What restricted sockets hand out that scope their sessions down.
    restricted: HashMap<SocketName, HashMap<ProfileName, Handed>>,
    slots: HashMap<SlotKey, Slot>,
    orphans: HashMap<SlotKey, Orphan>,
    ended: Vec<Ended>,
    sweep_at: Option<Monotonic>,
    timers: BTreeSet<(Monotonic, SlotKey)>,
    waiting: HashMap<WaiterId, SlotKey>,
    wait_ends: VecDeque<(Monotonic, WaiterId)>,
    mints: HashMap<MintId, SlotKey>,
    next_mint: u64,
    next_load: u64,
    loading: Loading,
    holds: hold::Holds,
    // Until when identity providers are known to need no person.
    signed_in_until: HashMap<IdentityName, Timestamp>,
    locked: bool,
    commands: VecDeque<Command>,
    // Timers that were set: tests bound the work of an event by it.
    #[cfg(test)]
    planned: usize,
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
            skew: Skew::default(),
            chance: fastrand::Rng::with_seed(seed),
            config: Arc::default(),
            profiles: HashMap::new(),
            restricted: HashMap::new(),
            slots: HashMap::new(),
            orphans: HashMap::new(),
            ended: Vec::new(),
            sweep_at: None,
            timers: BTreeSet::new(),
            waiting: HashMap::new(),
            wait_ends: VecDeque::new(),
            mints: HashMap::new(),
            next_mint: 0,
            next_load: 0,
            loading: Loading::Needed,
            holds: hold::Holds::default(),
            signed_in_until: HashMap::new(),
            locked: false,
            commands: VecDeque::new(),
            #[cfg(test)]
            planned: 0,
        }
    }

    /// Takes note of what happened, and of everything that is due by now.
    pub fn handle(&mut self, event: Event, now: Now) {
        self.now = now;
        if let Some(step) = self.clock.step(now) {
            self.skew = self.skew.after_step(step);
            self.check_all_timers();
        }
        match event {
            Event::Configured(config) => self.configure(config),
            Event::Get { waiter, profile } => self.get(waiter, profile, Use::Own),
            Event::GetHeld { waiter, profile } => self.get(waiter, profile, Use::Held),
            Event::GetRestricted { waiter, socket, profile } => self.get_restricted(waiter, socket, profile),
            Event::Login { waiter, identity, code } => self.login(waiter, &identity, code),
            Event::SignedIn { identity, until } => self.signed_in(identity, until),
            Event::Logout(scope) => self.logout(&scope),
            Event::KeyChanged { identity, replaced } => self.key_changed(&identity, replaced),
            Event::Minted { mint, sent, result } => self.minted(mint, sent, result),
            Event::Loaded { load, result } => self.loaded(load, result),
            Event::Hold { id, profile, lease } => self.hold(id, profile, lease),
            Event::Release(id) => self.release(id),
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

    /// Answers how far the server's clock is ahead of ours, in milliseconds.
    pub fn skew(&self) -> i64 {
        self.skew.millis()
    }

    /// Answers the configuration in force.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }
}
