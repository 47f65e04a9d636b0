//! Attempts: from the wish for a session to one mint in flight.

use super::{Command, Engine, From, Mint};
use crate::mint::MintErrorKind;
use crate::slot::{Failed, MintId, SlotKey, Work};
use keyfob_shared::{Failure, FailureKind};

/// Who wants an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A caller without a session, or a child slot; shares a fresh failure.
    Caller,
    /// A person who signs in.
    Person,
    /// Renewal.
    Timer,
}

impl Engine {
    /// Starts an attempt, joins the one under way, or fails at once.
    pub(super) fn attempt(&mut self, key: SlotKey, trigger: Trigger) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        if slot.work != Work::Idle {
            return;
        }
        if trigger == Trigger::Caller
            && let Some(failed) = slot.remembered(self.now).cloned()
        {
            return self.settle(key, &failed);
        }
        let identity = slot.identity.clone();
        let is_mfa = slot.step.mfa_serial().is_some();
        let refuses = |at| Failed {
            at,
            kind: MintErrorKind::Final,
            failure: sign_in_needed(identity.as_str(), is_mfa),
            memory: 0,
            next: None,
        };
        if slot.needs_person(&self.config) {
            let failed = refuses(self.now.monotonic);
            slot.failed = Some(failed.clone());
            return self.settle(key, &failed);
        }
        if trigger != Trigger::Person && !self.may_sign_in(key, key) {
            return self.settle(key, &refuses(self.now.monotonic));
        }
        let Some(slot) = self.slots.get_mut(&key) else { return };
        slot.retried_clock = false;
        self.advance(key);
    }

    /// Mints, or lets the parent mint first.
    pub(super) fn advance(&mut self, key: SlotKey) {
        let Some(slot) = self.slots.get(&key) else { return };
        let Some(parent_key) = slot.parent else { return self.launch(key, From::Identity) };
        let Some(parent) = self.slots.get(&parent_key) else { return };
        let renew_first = parent.is_renewal_due(self.now)
            && !parent.needs_person(&self.config)
            && self.may_sign_in(parent_key, key);
        match &parent.session {
            Some(session) if session.is_served(&self.clock, self.now) && !renew_first => {
                let from = From::Session(session.credentials.clone());
                self.launch(key, from);
            }
            Some(_) | None => self.block(key, parent_key),
        }
    }

    /// Has the parent mint first; it renews a session that it has.
    pub(super) fn block(&mut self, key: SlotKey, parent_key: SlotKey) {
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.work = Work::Blocked;
        }
        self.clear_timer(key);
        if let Some(parent) = self.slots.get_mut(&parent_key) {
            parent.blocked.push(key);
            let trigger =
                if parent.is_served(&self.clock, self.now) { Trigger::Timer } else { Trigger::Caller };
            self.attempt(parent_key, trigger);
        }
    }

    pub(super) fn launch(&mut self, key: SlotKey, from: From) {
        self.clear_timer(key);
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let id = MintId(self.next_mint);
        self.next_mint += 1;
        slot.work = Work::Minting(id);
        slot.signed_by = match &from {
            From::Identity => None,
            From::Session(credentials) => Some(credentials.access_key_id.clone()),
        };
        self.mints.insert(id, key);
        self.commands.push_back(Command::Mint(Box::new(Mint {
            id,
            identity: slot.identity.clone(),
            step: slot.step.clone(),
            duration: slot.negotiated,
            from,
            code: slot.code.take(),
            skew: self.skew.millis(),
        })));
    }
}

fn sign_in_needed(identity: &str, is_mfa: bool) -> Failure {
    let what = if is_mfa { "an MFA code" } else { "a sign-in" };
    Failure::new(FailureKind::Person, format!("identity {identity} needs {what}"))
        .hint(format!("keyfob login {identity}"))
}
