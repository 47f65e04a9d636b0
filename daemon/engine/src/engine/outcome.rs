//! What comes of an attempt: a session for everyone who waits, or one failure for all of them.

use super::{Answer, Command, Engine, From};
use crate::clock::Now;
use crate::mint::{MintError, MintErrorKind, Minted};
use crate::plan::{Proof, Step};
use crate::session::{Session, Unusable};
use crate::slot::{Failed, MintId, SlotKey, Wants, Work};
use crate::timing;
use keyfob_shared::{Failure, FailureKind};

/// Who has given the code of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SignIn {
    Person,
    Command,
}

/// Seconds that AWS grants to every role, chained or not.
const FALL_BACK: u32 = 3_600;
/// The most that the attribute SessionDuration of an assertion can say, in seconds.
const MOST_BY_PROVIDER: u32 = 43_200;

impl Engine {
    pub(super) fn minted(&mut self, mint: MintId, sent: Now, result: Result<Minted, MintError>) {
        let Some(key) = self.mints.remove(&mint) else { return };
        let now = Now { wall: self.clock.wall(self.now.monotonic), monotonic: self.now.monotonic };
        // The clock of AWS is heard before its answer is judged by it.
        let server_date = match &result {
            Ok(minted) => minted.server_date,
            Err(wrong) => wrong.server_date,
        };
        let sent = self.clock.wall(sent.monotonic);
        let heard = server_date.map_or(self.skew, |date| self.skew.heard(date, sent, now.wall));
        let Some(slot) = self.slots.get_mut(&key) else { return };
        slot.work = Work::Idle;
        let minted = match result {
            Ok(minted) => minted,
            Err(wrong) => {
                self.hear_skew(heard);
                return self.mint_failed(key, wrong);
            }
        };
        let (identity, until) = (slot.identity.clone(), minted.signed_in_until);
        if until.is_some() {
            self.hear_sign_in(&identity, until);
        }
        let Some(slot) = self.slots.get(&key) else { return };
        match Session::minted(minted, heard.latest(), slot.negotiated, now) {
            Ok(session) => {
                self.hear_skew(heard);
                if session.is_served(&self.clock, self.now) {
                    self.keep(key, session);
                } else {
                    self.unusable(key, Unusable::Ended);
                }
            }
            Err(why) => self.unusable(key, why),
        }
    }

    fn unusable(&mut self, key: SlotKey, why: Unusable) {
        let (kind, message) = match why {
            Unusable::Ended => (MintErrorKind::Transient, "AWS answered a session that has ended"),
            Unusable::TooLong => (
                MintErrorKind::Transient,
                "the answer is not one of STS: it grants a session of more than 36 hours",
            ),
            Unusable::TooLarge => {
                (MintErrorKind::Final, "AWS answered a session token that is longer than a reply may be")
            }
        };
        self.fail(key, kind, Failure::new(FailureKind::Upstream, message).hint("keyfob doctor"));
    }

    fn keep(&mut self, key: SlotKey, session: Session) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let last_used = slot.last_used.map(|moment| self.clock.wall(moment));
        let record = session.record(&self.boot, &slot.identity, last_used);
        self.commands.push_back(Command::Save { slot: key, record });
        slot.renewals += u64::from(slot.session.is_some());
        slot.lease.begin(self.now.monotonic);
        slot.keep(session, &self.clock, &mut self.chance);
        let person = slot.waiters.iter().any(|waiter| matches!(waiter.wants, Wants::SignIn));
        if slot.step.mfa_serial().is_some() {
            self.forgive_behind(key, if person { SignIn::Person } else { SignIn::Command });
        }
        self.deliver(key);
        self.set_timer(key);
    }

    /// Lets the slots of an identity try again after its sign-in; after a person's, as if for the first time.
    fn forgive_behind(&mut self, root: SlotKey, by: SignIn) {
        let Some(identity) = self.slots.get(&root).map(|slot| slot.identity.clone()) else { return };
        for key in self.slots_of(&identity) {
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.forget_failure();
                if by == SignIn::Person {
                    slot.negotiated = None;
                    slot.logged_out = false;
                }
            }
            self.set_timer(key);
        }
    }

    /// Serves those who wait for a session that has come, callers and child slots.
    pub(super) fn deliver(&mut self, key: SlotKey) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let blocked = std::mem::take(&mut slot.blocked);
        let waiters = std::mem::take(&mut slot.waiters);
        if let Some(session) = &mut slot.session {
            let (reply, until) = (session.reply(&self.clock), session.told_end(&self.clock));
            let access_key_id = session.credentials.access_key_id.clone();
            for waiter in waiters {
                let answer = match waiter.wants {
                    Wants::Credentials(_) | Wants::Restricted(..) => {
                        Answer::Served { reply: reply.clone(), access_key_id: access_key_id.clone() }
                    }
                    Wants::SignIn => Answer::SignedIn { until },
                };
                self.waiting.remove(&waiter.id);
                self.answer(waiter.id, answer);
            }
        }
        for child in blocked {
            self.unblock(child);
            self.advance(child);
        }
    }

    fn unblock(&mut self, key: SlotKey) {
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.work = Work::Idle;
        }
    }

    fn mint_failed(&mut self, key: SlotKey, wrong: MintError) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        // What a SAML provider asks for in the name of a profile that says nothing is not known here.
        let by_provider = matches!(slot.step, Step::Federated(Proof::Saml, _)).then_some(MOST_BY_PROVIDER);
        let asked = slot.negotiated.or(slot.step.duration()).or(by_provider);
        match wrong.kind {
            MintErrorKind::DurationTooLong if asked.is_some_and(|seconds| seconds > FALL_BACK) => {
                slot.negotiated = Some(FALL_BACK);
                return self.advance(key);
            }
            // A typed MFA code may have been used up by the call.
            MintErrorKind::ClockSkew
                if !slot.retried_clock && wrong.server_date.is_some() && !slot.needs_person(&self.config) =>
            {
                slot.retried_clock = true;
                return self.advance(key);
            }
            MintErrorKind::SourceExpired => return self.source_refused(key, wrong.failure),
            MintErrorKind::SignInNeeded => {
                let identity = slot.identity.clone();
                self.signed_out(&identity);
            }
            MintErrorKind::DurationTooLong
            | MintErrorKind::ClockSkew
            | MintErrorKind::Transient
            | MintErrorKind::MfaRefused
            | MintErrorKind::Final => {}
        }
        self.fail(key, wrong.kind, wrong.failure);
    }

    /// AWS does not take the session of the parent: once more with a newer one, if it can be had without a person.
    ///
    /// The parent keeps its session until the newer one has come: the fault may be with this slot alone.
    fn source_refused(&mut self, key: SlotKey, failure: Failure) {
        let kind = MintErrorKind::SourceExpired;
        let now = self.now.monotonic;
        let Some(slot) = self.slots.get_mut(&key) else { return };
        slot.refused_source.clone_from(&slot.signed_by);
        let Some(parent_key) = slot.parent else { return self.fail(key, kind, failure) };
        let Some(parent) = self.slots.get(&parent_key) else { return };
        let current = parent.session.as_ref().map(|session| session.credentials.access_key_id.as_str());
        let by_person = parent.needs_person(&self.config);
        let hint = format!("keyfob login {}", parent.identity);
        let Some(slot) = self.slots.get(&key) else { return };
        if current.is_some() && current != slot.refused_source.as_deref() {
            return self.advance(key);
        }
        if by_person {
            let failure = if failure.hint.is_none() { failure.hint(hint) } else { failure };
            return self.fail(key, kind, failure);
        }
        let lately = slot.source_renewed.is_some_and(|last| now < last.plus(timing::SOURCE_RENEWAL));
        if lately {
            return self.fail(key, kind, failure);
        }
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.source_renewed = Some(now);
        }
        self.block(key, parent_key);
    }

    /// Ends an attempt that failed: everyone who waits shares it, and the next one is planned.
    fn fail(&mut self, key: SlotKey, kind: MintErrorKind, failure: Failure) {
        let memory = match kind {
            MintErrorKind::Transient => timing::FAILURE_MEMORY,
            // What was worth one more try has had it.
            MintErrorKind::SourceExpired
            | MintErrorKind::ClockSkew
            | MintErrorKind::DurationTooLong
            | MintErrorKind::MfaRefused
            | MintErrorKind::SignInNeeded
            | MintErrorKind::Final => timing::REFUSAL_MEMORY,
        };
        let at = self.now.monotonic;
        self.file(key, Failed { at, kind, failure, memory, next: None });
    }

    /// Files a failure, of this slot or of its parent, and plans the next attempt.
    fn file(&mut self, key: SlotKey, failed: Failed) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let failure = match failed.kind {
            MintErrorKind::MfaRefused => failed.failure.hint(format!("keyfob login {}", slot.identity)),
            MintErrorKind::SourceExpired
            | MintErrorKind::ClockSkew
            | MintErrorKind::DurationTooLong
            | MintErrorKind::Transient
            | MintErrorKind::SignInNeeded
            | MintErrorKind::Final => failed.failure,
        };
        // A person's attempt beside a session that is served is theirs alone: nothing tries it again or suffers from it.
        if slot.is_served(&self.clock, self.now) && slot.needs_person(&self.config) {
            return self.settle(key, &Failed { failure, ..failed });
        }
        slot.failures = slot.failures.saturating_add(1);
        let now = self.now.monotonic;
        let end = slot.session.as_ref().map(|session| self.clock.monotonic(session.told_end(&self.clock)));
        let left = end.map(|end| end.0 - now.0).filter(|left| *left > 0);
        let next = match (failed.kind, failure.kind) {
            (MintErrorKind::Transient, _) => {
                Some(now.plus(timing::back_off(slot.failures, left, &mut self.chance)))
            }
            (_, FailureKind::Person) => None,
            (_, _) => left.map(|left| now.plus(timing::refused_renewal(left))),
        };
        let failed = Failed { failure, next, ..failed };
        slot.failed = Some(failed.clone());
        self.settle(key, &failed);
    }

    /// Answers a failure to everyone who waits; a child goes on with the session that its parent still has.
    pub(super) fn settle(&mut self, key: SlotKey, failed: &Failed) {
        self.answer_all(key, &Answer::Failed(failed.failure.clone()));
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let blocked = std::mem::take(&mut slot.blocked);
        let session = slot.session.as_ref().filter(|session| session.is_served(&self.clock, self.now));
        let credentials = session.map(|session| session.credentials.clone());
        for child in blocked {
            self.unblock(child);
            let Some(refused) = self.slots.get(&child).map(|slot| slot.refused_source.clone()) else {
                continue;
            };
            match &credentials {
                Some(credentials) if refused.as_ref() != Some(&credentials.access_key_id) => {
                    self.launch(child, From::Session(credentials.clone()));
                }
                Some(_) | None => self.file(child, failed.clone()),
            }
        }
        self.set_timer(key);
    }

    /// Leaves an attempt to itself: its result will find nobody. That is no failure of AWS, and is not remembered.
    pub(super) fn abandon(&mut self, key: SlotKey, why: &str) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let parent = slot.parent;
        match std::mem::replace(&mut slot.work, Work::Idle) {
            Work::Idle => return,
            Work::Minting(id) => drop(self.mints.remove(&id)),
            Work::Blocked => {
                if let Some(parent) = parent.and_then(|parent| self.slots.get_mut(&parent)) {
                    parent.blocked.retain(|child| *child != key);
                }
            }
        }
        self.turn_away(key, why);
    }

    /// Tells everyone who waits for an abandoned attempt to ask again.
    fn turn_away(&mut self, key: SlotKey, why: &str) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let identity = slot.identity.clone();
        let blocked = std::mem::take(&mut slot.blocked);
        for waiter in std::mem::take(&mut slot.waiters) {
            let again = match waiter.wants {
                Wants::Credentials(profile) | Wants::Restricted(_, profile) => {
                    format!("keyfob get {profile}")
                }
                Wants::SignIn => format!("keyfob login {identity}"),
            };
            self.waiting.remove(&waiter.id);
            self.answer(waiter.id, Answer::Failed(Failure::new(FailureKind::Person, why).hint(again)));
        }
        for child in blocked {
            self.unblock(child);
            self.turn_away(child, why);
        }
        self.set_timer(key);
    }
}
