//! MFA codes that were sent: AWS takes each only once, per device and not per profile.

use crate::clock::Monotonic;
use keyfob_shared::Secret;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;

/// AWS accepts codes of the neighbouring periods too; after this, in milliseconds, a code could be a new one.
const MEMORY: i64 = 180_000;

/// Remembers codes, as digests.
#[derive(Debug, Default)]
pub struct UsedCodes {
    sent: VecDeque<(Monotonic, [u8; 32])>,
}

impl UsedCodes {
    /// Takes a code for one call; `false` if it was taken before.
    pub fn claim(&mut self, serial: &str, code: &Secret, now: Monotonic) -> bool {
        while self.sent.front().is_some_and(|(moment, _)| moment.plus(MEMORY) <= now) {
            self.sent.pop_front();
        }
        let digest = Sha256::new()
            .chain_update(serial)
            .chain_update([0])
            .chain_update(code.expose())
            .finalize()
            .into();
        if self.sent.iter().any(|(_, known)| *known == digest) {
            return false;
        }
        self.sent.push_back((now, digest));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_sent_once_per_device() {
        let (mut used, code) = (UsedCodes::default(), Secret::new("123456"));
        assert!(used.claim("a", &code, Monotonic(0)));
        assert!(!used.claim("a", &code, Monotonic(29_000)));
        assert!(used.claim("b", &code, Monotonic(29_000)));
        assert!(used.claim("a", &code, Monotonic(MEMORY)));
    }
}
