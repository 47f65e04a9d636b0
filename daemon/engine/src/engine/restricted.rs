//! Callers behind restricted sockets: they get less than the person, and never make anybody sign in.

use super::serve::{Use, locked};
use super::{Answer, Engine};
use crate::config::Renew;
use crate::slot::{Slot, SlotKey, Waiter, WaiterId, Wants};
use keyfob_shared::{Failure, FailureKind, ProfileName, SocketName};

impl Engine {
    pub(super) fn get_restricted(&mut self, waiter: WaiterId, socket: SocketName, profile: ProfileName) {
        let is_served = self.config.restricted_plan(&socket, &profile).is_some();
        let of_socket = self.restricted.get_mut(&socket).unwrap_or(&mut self.profiles);
        let Some(handed) = of_socket.get_mut(&profile).filter(|_| is_served) else {
            return self.answer(waiter, Answer::Failed(not_served(&socket)));
        };
        if self.locked {
            return self.answer(waiter, Answer::Failed(locked()));
        }
        handed.last_used = Some(self.now.wall);
        let key = handed.slot;
        let was_warm = self.is_kept_warm(key);
        self.serve(key, was_warm, Use::Own, Waiter { id: waiter, wants: Wants::Restricted(socket, profile) });
    }

    /// Answers every session that a profile has, scoped down or not.
    pub(super) fn slots_of_profile(&self, profile: &ProfileName) -> Vec<SlotKey> {
        let own = self.profiles.get(profile);
        let scoped = self.restricted.values().filter_map(|handed| handed.get(profile));
        own.into_iter().chain(scoped).map(|handed| handed.slot).collect()
    }

    /// Answers whether a session may be minted for the sake of another one, as far as sign-ins go.
    ///
    /// Security: a command that prints MFA codes or assertions may ask for a touch or an approval, which nobody must give
    /// to a container.
    pub(super) fn may_sign_in(&self, key: SlotKey, behind: SlotKey) -> bool {
        let signs_in = self.slots.get(&key).is_some_and(|slot| self.signs_in(slot));
        !signs_in || self.is_wanted_by_person(behind) || (key != behind && self.is_wanted_by_person(key))
    }

    /// Answers whether a mint runs a command that may turn to the person.
    fn signs_in(&self, slot: &Slot) -> bool {
        let identity = self.config.identities.get(&slot.identity);
        let by_command = || identity.is_some_and(|identity| identity.kind.signs_in_by_command());
        slot.step.mfa_serial().is_some() || slot.parent.is_none() && by_command()
    }

    /// Answers whether somebody other than restricted sockets wants a session, or one that is minted with it.
    pub(super) fn is_wanted_by_person(&self, key: SlotKey) -> bool {
        let Some(slot) = self.slots.get(&key) else { return false };
        let waits = |waiter: &Waiter| match waiter.wants {
            Wants::Credentials(_) | Wants::SignIn => true,
            Wants::Restricted(..) => false,
        };
        slot.waiters.iter().any(waits)
            || self.is_kept_for_person(key)
            || slot.blocked.iter().any(|child| self.is_wanted_by_person(*child))
    }

    fn is_kept_for_person(&self, key: SlotKey) -> bool {
        let Some(slot) = self.slots.get(&key).filter(|slot| slot.is_own) else { return false };
        let is_warm = match self.config.daemon.renew {
            Renew::Active => slot
                .last_own_use
                .is_some_and(|last| self.now.monotonic < last.plus(self.config.daemon.keep_warm)),
            Renew::Always => true,
            Renew::OnDemand => false,
        };
        // A `get` within the margin has a renewal behind it.
        let is_held = self.held_until(key).is_some_and(|until| self.now.monotonic < until);
        is_warm || is_held || slot.last_own_use == Some(self.now.monotonic)
    }
}

/// Says that a restricted socket does not serve a profile: the same whether there is one of this name or not.
pub fn not_served(socket: &SocketName) -> Failure {
    let message = format!("restricted socket {socket} does not serve this profile");
    Failure::new(FailureKind::Refused, message).hint("keyfob profile list")
}
