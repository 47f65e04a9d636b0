//! An assertion: the answer of an identity provider that AWS takes for a session.
//!
//! It is read to know its roles and its end, never to be believed: AWS alone verifies its signature.

mod attributes;
mod partition;
mod read;
mod xml;

pub(crate) use partition::of_host;
pub(crate) use read::{Problem, read};

use keyfob_shared::{RoleArn, Secret, Timestamp};

/// The longest assertion, in characters of base64: `SAMLAssertion` of the STS API.
pub const MAX_ENCODED: usize = 100_000;
/// AWS takes an assertion for this long after it was issued, in milliseconds.
pub const LIFETIME: i64 = 5 * 60 * 1_000;

/// An assertion that AWS would take, as far as can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// The whole response in base64, as `AssumeRoleWithSAML` wants it.
    pub encoded: Secret,
    /// What it lets one be; at least one.
    pub roles: Vec<Role>,
    /// The name of each session, which AWS takes from here.
    pub session_name: String,
    /// How long a console session may last at most, in seconds: 900 to 43,200.
    pub session_duration: Option<u32>,
    /// When the session at the provider ends; AWS ends sessions made of the assertion no later.
    pub session_not_on_or_after: Option<Timestamp>,
    /// Until when AWS takes it: what it says itself, five minutes after its issue at most.
    pub not_on_or_after: Timestamp,
    /// When it was issued, by the clock of the provider.
    pub issued_at: Timestamp,
    /// `aws`, `aws-cn`, …: where the sign-in page of AWS is that it is addressed to.
    pub partition: &'static str,
}

/// A role, and the provider that vouches for those who take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// `arn:aws:iam::111122223333:role/NAME`
    pub role_arn: RoleArn,
    /// `arn:aws:iam::111122223333:saml-provider/NAME`
    pub provider_arn: String,
}

#[cfg(test)]
mod tests;
