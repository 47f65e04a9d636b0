//! What comes of an attempt: a session for everyone who waits, or one failure for all of them.

use super::{Answer, Command, Engine, From};
use crate::clock::{Now, skew};
use crate::mint::{MintError, MintErrorKind, Minted};
use crate::session::Session;
use crate::slot::{Failed, MintId, SlotKey, Wants, Work};
use crate::timing;
use keyfob_shared::{Failure, FailureKind};

/// Seconds that AWS grants to every role, chained or not.
const FALL_BACK: u32 = 3_600;

impl Engine {
    /// Leaves a mint to itself: its result will find nobody.
    pub(super) fn abandon(&mut self, key: SlotKey, failure: Failure) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        if let Work::Minting(id) = slot.work {
            self.mints.remove(&id);
        }
        slot.work = Work::Idle;
        self.settle(key, MintErrorKind::Final, &failure);
    }

    pub(super) fn minted(&mut self, mint: MintId, sent: Now, result: Result<Minted, MintError>) {
        let Some(key) = self.mints.remove(&mint) else { return };
        // The clock of AWS is heard before its answer is judged by it.
        let server_date = match &result {
            Ok(minted) => minted.server_date,
            Err(wrong) => wrong.server_date,
        };
        if let Some(date) = server_date {
            self.hear_skew(skew(date, self.clock.wall(sent.monotonic), self.clock.wall(self.now.monotonic)));
        }
        let Some(slot) = self.slots.get_mut(&key) else { return };
        slot.work = Work::Idle;
        match result {
            Ok(minted) => match Session::minted(minted, self.skew, slot.negotiated, self.now) {
                Some(session) if session.is_served(&self.clock, self.now) => self.keep(key, session),
                Some(_) | None => {
                    let failure =
                        Failure::new(FailureKind::Upstream, "AWS answered a session that has ended");
                    self.fail(key, MintErrorKind::Transient, failure.hint("keyfob doctor"));
                }
            },
            Err(wrong) => self.mint_failed(key, wrong),
        }
    }

    fn keep(&mut self, key: SlotKey, session: Session) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        self.commands.push_back(Command::Save { slot: key, record: session.record(&self.boot) });
        slot.keep(session, &self.clock, &mut self.chance);
        if slot.step.mfa_serial().is_some() {
            self.forget_failures_behind(key);
        }
        self.deliver(key);
        self.set_timer(key);
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
                    Wants::Credentials(_) => {
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
        let asked = slot.negotiated.or(slot.step.duration());
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
            MintErrorKind::SourceExpired if !slot.retried_source => {
                if let Some(parent_key) = slot.parent {
                    slot.retried_source = true;
                    if let Some(parent) = self.slots.get_mut(&parent_key) {
                        parent.session = None;
                        parent.renew_at = None;
                        self.commands.push_back(Command::Forget { item: parent_key.to_string() });
                    }
                    return self.advance(key);
                }
            }
            MintErrorKind::DurationTooLong
            | MintErrorKind::ClockSkew
            | MintErrorKind::SourceExpired
            | MintErrorKind::Transient
            | MintErrorKind::MfaRefused
            | MintErrorKind::Final => {}
        }
        self.fail(key, wrong.kind, wrong.failure);
    }

    /// Ends an attempt that failed: everyone who waits shares it, and the next one is planned.
    fn fail(&mut self, key: SlotKey, kind: MintErrorKind, failure: Failure) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let failure = match kind {
            MintErrorKind::MfaRefused => failure.hint(format!("keyfob login {}", slot.identity)),
            _ => failure,
        };
        slot.failures = slot.failures.saturating_add(1);
        let left = slot.session.as_ref().map(|session| session.end(&self.clock).0 - self.now.monotonic.0);
        let left = left.filter(|left| *left > 0);
        let now = self.now.monotonic;
        let (memory, next) = match (kind, failure.kind) {
            (MintErrorKind::Transient | MintErrorKind::ClockSkew | MintErrorKind::SourceExpired, _) => {
                let delay = timing::back_off(slot.failures, left, &mut self.chance);
                (timing::FAILURE_MEMORY, Some(now.plus(delay)))
            }
            (_, FailureKind::Person) => (timing::REFUSAL_MEMORY, None),
            (_, _) => (timing::REFUSAL_MEMORY, left.map(|_| now.plus(timing::REFUSED_RENEWAL))),
        };
        slot.failed = Some(Failed { at: now, kind, failure: failure.clone(), memory, next });
        self.settle(key, kind, &failure);
    }

    /// Answers a failure to everyone who waits; a child whose parent still has a session goes on with it.
    pub(super) fn settle(&mut self, key: SlotKey, kind: MintErrorKind, failure: &Failure) {
        self.answer_all(key, &Answer::Failed(failure.clone()));
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let blocked = std::mem::take(&mut slot.blocked);
        let session = slot.session.as_ref().filter(|session| session.is_served(&self.clock, self.now));
        let credentials = session.map(|session| session.credentials.clone());
        for child in blocked {
            self.unblock(child);
            match &credentials {
                Some(credentials) => self.launch(child, From::Session(credentials.clone())),
                None => self.fail(child, kind, failure.clone()),
            }
        }
        self.set_timer(key);
    }
}
