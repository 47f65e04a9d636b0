//! What is handed to a source to mint a session, and what comes back.

use crate::plan::Step;
use keyfob_shared::{Credentials, Failure, IdentityName, Secret, Timestamp};

/// One call to make. Its network part ends after 4 s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MintRequest {
    /// Whose; for the words of failures.
    pub identity: IdentityName,
    /// The call and its parameters.
    pub step: Step,
    /// Seconds to ask for instead of the step's own, after AWS refused those.
    pub duration: Option<u32>,
    /// What makes the call ours.
    pub from: Signer,
    /// The six digits, where the step has an MFA device.
    pub mfa_code: Option<Secret>,
    /// How far the server's clock is ahead of ours, in milliseconds; the signature is dated by it.
    pub skew: i64,
}

/// What makes a call ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// A long-term key or a session, which signs it.
    Key(Credentials),
    /// A token of an OIDC provider; nothing signs the call.
    Token(Secret),
    /// An assertion of a SAML provider; nothing signs the call.
    Assertion {
        /// In base64.
        encoded: Secret,
        /// The provider in IAM that it is for.
        provider_arn: String,
    },
}

impl Signer {
    /// Answers whether a session signs the call, and no long-term key.
    pub fn is_session(&self) -> bool {
        matches!(self, Self::Key(key) if key.session_token.is_some())
    }

    /// Answers what must not be told to anybody.
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Key(key) => std::iter::once(&key.secret_access_key).chain(&key.session_token).collect(),
            Self::Token(secret) | Self::Assertion { encoded: secret, .. } => vec![secret],
        }
    }
}

/// A session that AWS granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minted {
    /// Its keys.
    pub credentials: Credentials,
    /// When it ends, by the clock of AWS.
    pub expires: Timestamp,
    /// The `Date` header of the answer (whole seconds), where there was one.
    pub server_date: Option<Timestamp>,
    /// Until when the identity provider is known to need no person, where it says so.
    pub signed_in_until: Option<Timestamp>,
}

/// Why there is no session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MintError {
    /// What to do about it.
    pub kind: MintErrorKind,
    /// What people are told.
    pub failure: Failure,
    /// The `Date` header of the answer, where there was one.
    pub server_date: Option<Timestamp>,
}

/// What can be done about a failed mint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MintErrorKind {
    /// Worth trying again: the network, a server error, throttling.
    Transient,
    /// The credentials that signed the call have ended: renew them, then once more.
    SourceExpired,
    /// The local clock is wrong: correct by `server_date`, then once more.
    ClockSkew,
    /// The duration is above the role's maximum or the one-hour cap of role chaining: once more with 3,600 s.
    DurationTooLong,
    /// A wrong MFA code, or none.
    MfaRefused,
    /// The identity provider wants to see a person again.
    SignInNeeded,
    /// Anything else; trying again changes nothing.
    Final,
}
