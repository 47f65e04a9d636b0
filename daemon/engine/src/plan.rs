//! A profile flattened to a value: which identity, and which calls in which order.
//!
//! Plans are made before anything talks to AWS; a plan holds no secret.

use crate::slot::SlotKey;
use keyfob_shared::{IdentityName, ProfileName, RoleArn};
use serde::Serialize;
use std::collections::BTreeMap;

/// What has to be called, first to last, to mint the session of one profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Whose profile.
    pub profile: ProfileName,
    /// How the user proves who they are.
    pub identity: IdentityName,
    /// At least one step; each uses the credentials of the one before, the first the identity's own.
    pub steps: Vec<Step>,
    /// The names of the sessions, one for each step.
    #[serde(skip)]
    pub keys: Vec<SlotKey>,
    /// The region for exports, where one is set.
    pub region: Option<String>,
    /// Milliseconds for which it is renewed unasked after somebody began to use it; `None` means without an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<i64>,
}

/// One call that answers a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// `sts:GetSessionToken` with a long-term key.
    SessionToken(SessionToken),
    /// `sts:AssumeRole`.
    AssumeRole(Box<AssumeRole>),
    /// `sts:AssumeRoleWithWebIdentity` or `sts:AssumeRoleWithSAML`: no credentials of AWS sign it.
    Federated(Proof, Box<AssumeRole>),
    /// `sts:GetFederationToken` with a long-term key.
    FederationToken(Box<FederationToken>),
    /// `sso:GetRoleCredentials` of IAM Identity Center.
    PortalRole(PortalRole),
    /// What a command of the identity prints: a document of `credential_process`.
    Process,
}

/// The parameters of `sso:GetRoleCredentials`; how long its sessions live is set at AWS.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct PortalRole {
    /// 12 digits.
    pub account_id: String,
    /// The name of the permission set.
    pub role_name: String,
}

/// What proves to STS who somebody is, without a key of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A token of an OIDC provider.
    WebIdentity,
    /// An assertion of a SAML 2.0 provider.
    Saml,
}

/// The parameters of `sts:GetFederationToken`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct FederationToken {
    /// Seconds, 900 to 129,600; without it AWS grants 43,200.
    pub duration: Option<u32>,
    /// The name of the federated user, 2 to 32 characters.
    pub name: String,
    /// An inline session policy, JSON. Without any policy the session may do nothing.
    pub policy: Option<String>,
    /// Managed session policies.
    pub policy_arns: Vec<String>,
    /// Tags of the session.
    pub session_tags: BTreeMap<String, String>,
    /// Chooses the regional endpoint.
    pub region: Option<String>,
}

/// The parameters of `sts:GetSessionToken`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SessionToken {
    /// Seconds, 900 to 129,600; without it AWS grants 43,200.
    pub duration: Option<u32>,
    /// The MFA device; with it the call needs a code.
    pub mfa_serial: Option<String>,
    /// Chooses the regional endpoint.
    pub region: Option<String>,
}

/// The parameters of `sts:AssumeRole`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct AssumeRole {
    /// The role.
    pub role_arn: RoleArn,
    /// Seconds, 900 to 43,200; without it AWS grants 3,600.
    pub duration: Option<u32>,
    /// What the role's trust policy asks for.
    pub external_id: Option<String>,
    /// Tags of the session.
    pub session_tags: BTreeMap<String, String>,
    /// Keys of the tags that further hops inherit.
    pub transitive_tags: Vec<String>,
    /// Who stands behind the session, in CloudTrail, through every hop.
    pub source_identity: Option<String>,
    /// The name in CloudTrail and in the assumed-role ARN; the daemon has a default.
    pub session_name: Option<String>,
    /// An inline session policy, JSON.
    pub policy: Option<String>,
    /// Managed session policies.
    pub policy_arns: Vec<String>,
    /// Chooses the regional endpoint.
    pub region: Option<String>,
}

impl Plan {
    /// Answers the last step: the one whose session the profile hands out.
    pub fn last(&self) -> &Step {
        self.steps.last().expect("a plan has a step")
    }
}

impl Step {
    /// Answers the name of the session in CloudTrail, where it has one.
    pub fn session_name(&self) -> Option<&str> {
        match self {
            Self::SessionToken(_) | Self::Process | Self::PortalRole(_) | Self::Federated(Proof::Saml, _) => {
                None
            }
            Self::AssumeRole(role) | Self::Federated(Proof::WebIdentity, role) => {
                role.session_name.as_deref()
            }
            Self::FederationToken(token) => Some(&token.name),
        }
    }

    /// Answers the role that it gives, where it gives one.
    pub fn role_arn(&self) -> Option<&RoleArn> {
        match self {
            Self::AssumeRole(role) | Self::Federated(_, role) => Some(&role.role_arn),
            Self::SessionToken(_) | Self::FederationToken(_) | Self::PortalRole(_) | Self::Process => None,
        }
    }

    /// Answers the seconds that are asked for; `None` means the default of AWS.
    pub fn duration(&self) -> Option<u32> {
        match self {
            Self::SessionToken(token) => token.duration,
            Self::AssumeRole(role) | Self::Federated(_, role) => role.duration,
            Self::FederationToken(token) => token.duration,
            Self::Process | Self::PortalRole(_) => None,
        }
    }

    /// Answers the MFA device that the step needs a code of.
    pub fn mfa_serial(&self) -> Option<&str> {
        match self {
            Self::SessionToken(token) => token.mfa_serial.as_deref(),
            Self::AssumeRole(_)
            | Self::Federated(..)
            | Self::FederationToken(_)
            | Self::PortalRole(_)
            | Self::Process => None,
        }
    }

    /// Answers one line for people.
    pub fn describe(&self) -> String {
        match self {
            Self::SessionToken(token) => match &token.mfa_serial {
                Some(serial) => format!("GetSessionToken with MFA device {serial}"),
                None => "GetSessionToken".into(),
            },
            Self::AssumeRole(role) => describe("AssumeRole", role),
            Self::Federated(Proof::WebIdentity, role) => describe("AssumeRoleWithWebIdentity", role),
            Self::Federated(Proof::Saml, role) => describe("AssumeRoleWithSAML", role),
            Self::FederationToken(token) => {
                let scope = scope(token.policy.as_deref(), &token.policy_arns);
                format!("GetFederationToken as {}{}{scope}", token.name, lasting(token.duration))
            }
            Self::PortalRole(role) => format!("GetRoleCredentials {} in {}", role.role_name, role.account_id),
            Self::Process => "the command of the identity".into(),
        }
    }
}

fn describe(call: &str, role: &AssumeRole) -> String {
    let scope = scope(role.policy.as_deref(), &role.policy_arns);
    format!("{call} {}{}{scope}", role.role_arn, lasting(role.duration))
}

fn lasting(duration: Option<u32>) -> String {
    duration.map_or_else(String::new, |seconds| format!(" for {seconds} s"))
}

/// Answers what a session is scoped down to, by the names of its policies.
fn scope(policy: Option<&str>, arns: &[String]) -> String {
    let names = arns.iter().map(|arn| arn.rsplit('/').next().unwrap_or(arn));
    let all: Vec<&str> = names.chain(policy.map(|_| "an inline policy")).collect();
    if all.is_empty() { String::new() } else { format!(", scoped down to {}", all.join(" and ")) }
}
