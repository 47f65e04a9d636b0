//! A slot holds one session that several profiles may share: the result of the first steps of their plans.
//!
//! Its key is made of everything that the session is minted from, so an edited role has another slot.

use crate::clock::{Monotonic, Now, WallClock};
use crate::config::Config;
use crate::lease::Lease;
use crate::mint::MintErrorKind;
use crate::plan::Step;
use crate::session::Session;
use crate::timing;
use keyfob_shared::{Failure, IdentityName, ProfileName, Secret, SocketName};
use sha2::{Digest, Sha256};
use std::fmt;

/// The name of a slot: a digest of the identity and of every step up to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotKey([u8; 32]);

impl SlotKey {
    /// Answers the keys of the slots of a chain of steps, first to last; `root` is all that the first is minted from.
    pub fn of_steps(root: &str, steps: &[Step]) -> Vec<Self> {
        Self::keys(root, steps, None)
    }

    /// Answers the same for a restricted socket that scopes its sessions down: the last is its own, even where the
    /// person has one of the same steps; those on the way are the person's.
    pub fn of_scoped_steps(socket: &SocketName, root: &str, steps: &[Step]) -> Vec<Self> {
        Self::keys(root, steps, Some(socket))
    }

    fn keys(root: &str, steps: &[Step], socket: Option<&SocketName>) -> Vec<Self> {
        let mut digest = Sha256::new_with_prefix(root);
        let keys = steps.iter().enumerate().map(|(at, step)| {
            if let Some(socket) = socket.filter(|_| at + 1 == steps.len()) {
                digest.update(format!("socket {socket}\n"));
            }
            digest.update(serde_json::to_vec(step).expect("plans always serialize"));
            Self(digest.clone().finalize().into())
        });
        keys.collect()
    }

    /// Reads the form that it is displayed in.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let byte = |index: usize| u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok();
        let mut key = [0; 32];
        for (index, place) in key.iter_mut().enumerate() {
            *place = byte(index)?;
        }
        Some(Self(key))
    }
}

/// Lower-case hexadecimal.
impl fmt::Display for SlotKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for SlotKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Names a caller who waits for an answer.
pub type WaiterId = u64;

/// Who waits, and for what.
#[derive(Clone, Debug)]
pub(crate) struct Waiter {
    pub(crate) id: WaiterId,
    pub(crate) wants: Wants,
}

#[derive(Clone, Debug)]
pub(crate) enum Wants {
    Credentials(ProfileName),
    /// Credentials, through a restricted socket.
    Restricted(SocketName, ProfileName),
    SignIn,
}

/// Names a mint in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MintId(pub u64);

/// What a slot is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Idle,
    Minting(MintId),
    /// Its parent mints first.
    Blocked,
}

/// Why the last attempt failed, and when the next one is due by itself.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    pub(crate) at: Monotonic,
    pub(crate) kind: MintErrorKind,
    pub(crate) failure: Failure,
    pub(crate) memory: i64,
    pub(crate) next: Option<Monotonic>,
}

/// One session and what is known about getting it.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) parent: Option<SlotKey>,
    pub(crate) identity: IdentityName,
    pub(crate) step: Step,
    /// Whether a profile hands out this session; others are only a step on the way.
    pub(crate) handed_out: bool,
    /// Whether a profile of the person does, and not only a restricted socket.
    pub(crate) is_own: bool,
    pub(crate) session: Option<Session>,
    pub(crate) renew_at: Option<Monotonic>,
    pub(crate) work: Work,
    pub(crate) waiters: Vec<Waiter>,
    pub(crate) blocked: Vec<SlotKey>,
    /// Whether the identity provider wants to see a person again.
    pub(crate) signed_out: bool,
    /// A code that a person typed for the next mint.
    pub(crate) code: Option<Secret>,
    /// Bounds renewal unasked.
    pub(crate) lease: Lease,
    /// Sessions that took the place of one that was still there.
    pub(crate) renewals: u64,
    pub(crate) failures: u32,
    pub(crate) failed: Option<Failed>,
    /// The seconds to ask for, after AWS refused more.
    pub(crate) negotiated: Option<u32>,
    pub(crate) retried_clock: bool,
    /// The access key id of the parent's session that signs the mint in flight, or signed the last one.
    pub(crate) signed_by: Option<String>,
    /// The same, after AWS refused that session.
    pub(crate) refused_source: Option<String>,
    /// When the parent was last renewed for the sake of this slot.
    pub(crate) source_renewed: Option<Monotonic>,
    pub(crate) last_used: Option<Monotonic>,
    /// The same without the uses through restricted sockets.
    pub(crate) last_own_use: Option<Monotonic>,
    /// Whether a person logged it out, and nobody has asked for it since.
    pub(crate) logged_out: bool,
    /// The access key id of the session that was forgotten last: the vault may still have it.
    pub(crate) forgotten: Option<String>,
    pub(crate) timer: Option<Monotonic>,
}

impl Slot {
    pub(crate) fn new(parent: Option<SlotKey>, identity: IdentityName, step: Step) -> Self {
        Self {
            parent,
            identity,
            step,
            handed_out: false,
            is_own: false,
            session: None,
            renew_at: None,
            work: Work::Idle,
            waiters: Vec::new(),
            blocked: Vec::new(),
            signed_out: false,
            code: None,
            lease: Lease::default(),
            renewals: 0,
            failures: 0,
            failed: None,
            negotiated: None,
            retried_clock: false,
            signed_by: None,
            refused_source: None,
            source_renewed: None,
            last_used: None,
            last_own_use: None,
            logged_out: false,
            forgotten: None,
            timer: None,
        }
    }

    /// Answers the slot as a locked agent keeps it: without a session, a mint, or anyone who waits.
    pub(crate) fn emptied(&self) -> Self {
        Self {
            handed_out: self.handed_out,
            is_own: self.is_own,
            last_used: self.last_used,
            renewals: self.renewals,
            lease: self.lease,
            last_own_use: self.last_own_use,
            logged_out: self.logged_out,
            signed_out: self.signed_out,
            forgotten: self.forgotten.clone(),
            ..Self::new(self.parent, self.identity.clone(), self.step.clone())
        }
    }

    /// Answers whether a mint needs a person who is not asked now.
    pub(crate) fn needs_person(&self, config: &Config) -> bool {
        let has_command =
            || config.identities.get(&self.identity).is_some_and(|found| found.mfa_command.is_some());
        self.signed_out || self.step.mfa_serial().is_some() && self.code.is_none() && !has_command()
    }

    pub(crate) fn is_served(&self, clock: &WallClock, now: Now) -> bool {
        self.session.as_ref().is_some_and(|session| session.is_served(clock, now))
    }

    /// Answers the moment until which it is kept warm; at that moment it is not any more.
    pub(crate) fn warm_until(&self, config: &Config) -> Option<Monotonic> {
        let warm = self.last_used?.plus(config.daemon.keep_warm);
        Some(self.lease.end().map_or(warm, |end| end.min(warm)))
    }

    /// Answers whether renewal is due: the margin is reached and no failure asks to wait.
    pub(crate) fn is_renewal_due(&self, now: Now) -> bool {
        let reached = self.renew_at.is_some_and(|moment| moment <= now.monotonic);
        reached
            && self.failed.as_ref().is_none_or(|failed| failed.next.is_some_and(|next| next <= now.monotonic))
    }

    /// Answers the failure that callers share instead of a new attempt.
    pub(crate) fn remembered(&self, now: Now) -> Option<&Failed> {
        self.failed.as_ref().filter(|failed| now.monotonic < failed.at.plus(failed.memory))
    }

    /// Takes over a session; renewal is due a margin before it stops being served.
    pub(crate) fn keep(&mut self, session: Session, clock: &WallClock, chance: &mut fastrand::Rng) {
        let margin = timing::margin_with_jitter(session.lifetime, chance);
        self.renew_at = Some(session.renew_at(clock, margin).max(session.earliest_renewal()));
        self.negotiated = session.negotiated.or(self.negotiated);
        self.session = Some(session);
        self.forget_failure();
    }

    /// Plans renewal anew after a clock was set: the end may be earlier now.
    pub(crate) fn plan_again(&mut self, clock: &WallClock) {
        let (Some(session), Some(planned)) = (&self.session, self.renew_at) else { return };
        let latest = session.renew_at(clock, timing::margin(session.lifetime));
        let earliest = session.earliest_renewal();
        let served_then = earliest < clock.monotonic(session.told_end(clock));
        self.renew_at = Some(planned.min(if served_then { latest.max(earliest) } else { latest }));
    }

    pub(crate) fn forget_failure(&mut self) {
        self.failed = None;
        self.failures = 0;
        self.refused_source = None;
        self.source_renewed = None;
    }
}
