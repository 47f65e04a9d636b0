//! What the engine is told and what it asks for: two closed lists.

use super::hold::HoldId;
use crate::clock::Now;
use crate::config::Config;
use crate::mint::{MintError, Minted};
use crate::plan::Step;
use crate::slot::{MintId, SlotKey, WaiterId};
use keyfob_shared::{Credentials, Failure, IdentityName, ProfileName, Secret, SocketName, Timestamp};
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
    /// A program that runs with a profile has started.
    Hold {
        /// To be named in [`Event::Release`].
        id: HoldId,
        /// With which.
        profile: ProfileName,
        /// Milliseconds for which its sessions are renewed; `None` means until it is released.
        lease: Option<i64>,
    },
    /// Such a program has ended.
    Release(HoldId),
    /// A program that runs with a profile wants its credentials: that it is held is what keeps it renewed, for as long as
    /// its lease, and not that it is asked for.
    GetHeld {
        /// Who.
        waiter: WaiterId,
        /// Which.
        profile: ProfileName,
    },
    /// A caller wants the credentials of a profile through a restricted socket.
    GetRestricted {
        /// Who.
        waiter: WaiterId,
        /// Through which socket.
        socket: SocketName,
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
    /// A person has signed in at an identity provider.
    SignedIn {
        /// As whom.
        identity: IdentityName,
        /// Until when that is known to last.
        until: Option<Timestamp>,
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
    Loaded {
        /// Which read; only the newest counts.
        load: LoadId,
        /// Names and records of its sessions.
        result: Result<Vec<(String, Secret)>, Failure>,
    },
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
    /// Tell the person that an identity provider wants to see them.
    TellSignIn {
        /// Whose sign-in.
        identity: IdentityName,
        /// When the first of its sessions ends.
        by: Option<Timestamp>,
    },
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
    Load(LoadId),
}

/// Names a read of the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoadId(pub u64);

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
    /// What the identity has: a long-term key, a token, a command.
    Identity,
    /// The session before.
    Session(Credentials),
}
