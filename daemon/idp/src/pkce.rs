//! Texts that nobody can guess, and the proof that the one who asks for a token is the one who asked for a sign-in
//! (RFC 7636).

use crate::trouble::Trouble;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keyfob_shared::{Failure, FailureKind, Secret};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// What RFC 7636 recommends: 32 bytes, 43 characters.
const BYTES: usize = 32;

/// The method of [`Pkce::challenge`].
pub(crate) const METHOD: &str = "S256";

/// Makes a text that can't be guessed, of letters, digits, `-` and `_`.
pub(crate) fn random() -> Result<Secret, Trouble> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    getrandom::fill(&mut *bytes).map_err(|cause| {
        Trouble::Lasting(Failure::new(FailureKind::Upstream, format!("make a random number: {cause}")))
    })?;
    Ok(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(*bytes)))
}

/// A secret, of which the browser sees the hash only.
pub(crate) struct Pkce {
    pub(crate) verifier: Secret,
    pub(crate) challenge: String,
}

impl Pkce {
    pub(crate) fn new() -> Result<Self, Trouble> {
        let verifier = random()?;
        let challenge = challenge(&verifier);
        Ok(Self { verifier, challenge })
    }
}

fn challenge(verifier: &Secret) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn no_two_are_alike() {
        let (one, other) = (random().unwrap(), random().unwrap());
        assert_eq!(one.expose().len(), 43);
        assert_ne!(one, other);
    }
}
