//! A slot holds one session that several profiles may share: the result of the first steps of their plans.
//!
//! Its key is made of everything that the session was minted from, so an edited role has another slot.

use crate::clock::{Monotonic, Now, WallClock};
use crate::config::{Config, Renew};
use crate::mint::MintErrorKind;
use crate::plan::{Plan, Step};
use crate::session::Session;
use crate::timing;
use keyfob_shared::{Failure, IdentityName, ProfileName, Secret};
use sha2::{Digest, Sha256};
use std::fmt;

/// The name of a slot: a digest of the identity and of every step up to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotKey([u8; 32]);

impl SlotKey {
    /// Answers the keys of the slots of a plan, first step to last.
    pub fn of_plan(plan: &Plan) -> Vec<Self> {
        let mut digest = Sha256::new_with_prefix(format!("iam-user\n{}\n", plan.identity));
        let keys = plan.steps.iter().map(|step| {
            digest.update(serde_json::to_vec(step).expect("plans always serialize"));
            Self(digest.clone().finalize().into())
        });
        keys.collect()
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
    pub(crate) session: Option<Session>,
    pub(crate) renew_at: Option<Monotonic>,
    pub(crate) work: Work,
    pub(crate) waiters: Vec<Waiter>,
    pub(crate) blocked: Vec<SlotKey>,
    /// A code that a person typed for the next mint.
    pub(crate) code: Option<Secret>,
    pub(crate) failures: u32,
    pub(crate) failed: Option<Failed>,
    /// The seconds to ask for, after AWS refused more.
    pub(crate) negotiated: Option<u32>,
    pub(crate) retried_clock: bool,
    pub(crate) retried_source: bool,
    pub(crate) last_used: Option<Monotonic>,
    pub(crate) timer: Option<Monotonic>,
}

impl Slot {
    pub(crate) fn new(parent: Option<SlotKey>, identity: IdentityName, step: Step) -> Self {
        Self {
            parent,
            identity,
            step,
            handed_out: false,
            session: None,
            renew_at: None,
            work: Work::Idle,
            waiters: Vec::new(),
            blocked: Vec::new(),
            code: None,
            failures: 0,
            failed: None,
            negotiated: None,
            retried_clock: false,
            retried_source: false,
            last_used: None,
            timer: None,
        }
    }

    /// Answers whether a mint needs a person who is not asked now.
    pub(crate) fn needs_person(&self, config: &Config) -> bool {
        let has_command =
            || config.identities.get(&self.identity).is_some_and(|found| found.mfa_command.is_some());
        self.step.mfa_serial().is_some() && self.code.is_none() && !has_command()
    }

    pub(crate) fn is_served(&self, clock: &WallClock, now: Now) -> bool {
        self.session.as_ref().is_some_and(|session| session.is_served(clock, now))
    }

    /// Answers whether the session is to be renewed without being asked.
    pub(crate) fn is_kept_warm(&self, config: &Config, now: Now) -> bool {
        let used = |last: Monotonic| now.monotonic < last.plus(config.daemon.keep_warm);
        self.handed_out
            && match config.daemon.renew {
                Renew::Always => true,
                Renew::Active => self.last_used.is_some_and(used),
                Renew::OnDemand => false,
            }
    }

    /// Answers whether renewal is due: the margin is reached and no failure asks to wait.
    pub(crate) fn is_renewal_due(&self, now: Now) -> bool {
        let reached = self.renew_at.is_some_and(|moment| moment <= now.monotonic);
        reached
            && self.failed.as_ref().is_none_or(|failed| failed.next.is_some_and(|next| next <= now.monotonic))
    }

    /// Answers the failure that callers share instead of a new attempt.
    pub(crate) fn remembered(&self, now: Now) -> Option<(MintErrorKind, Failure)> {
        let failed = self.failed.as_ref()?;
        (now.monotonic < failed.at.plus(failed.memory)).then(|| (failed.kind, failed.failure.clone()))
    }

    /// Takes over a session; renewal is due a margin before its end.
    pub(crate) fn keep(&mut self, session: Session, clock: &WallClock, chance: &mut fastrand::Rng) {
        self.renew_at = Some(session.end(clock).plus(-timing::margin_with_jitter(session.lifetime, chance)));
        self.negotiated = session.negotiated.or(self.negotiated);
        self.session = Some(session);
        self.forget_failure();
    }

    pub(crate) fn forget_failure(&mut self) {
        self.failed = None;
        self.failures = 0;
    }
}
