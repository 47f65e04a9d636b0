//! What listings tell: the status, profiles, findings.

use crate::{IdentityName, ProfileName, RoleArn, SocketName, Timestamp};
use serde::{Deserialize, Serialize};

/// A page of `keyfob status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusPage {
    /// The same on every page.
    pub daemon: DaemonStatus,
    /// Some of the profiles, in the order of their names.
    pub profiles: Vec<ProfileStatus>,
    /// Some of the identities, in the order of their names.
    pub identities: Vec<IdentityStatus>,
    /// Some of the restricted sockets, in the order of their names.
    #[serde(default)]
    pub sockets: Vec<SocketStatus>,
    /// Whether another page follows.
    pub more: bool,
}

/// The daemon's own state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonStatus {
    /// The version of the program.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Where secrets are kept.
    pub vault: VaultStatus,
    /// Whether `keyfob lock` is in force.
    pub locked: bool,
    /// Why the configuration file on disk is not the one in force; `None` when it is.
    pub config_error: Option<String>,
}

/// Where secrets are kept, and why there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultStatus {
    /// `secret-service`, `keychain`, `credential-manager`, `keyutils`, `file` or `memory`.
    pub kind: String,
    /// `ready`, `locked`, `sealed` or `unavailable`.
    pub state: String,
    /// Why this kind was chosen, or what is wrong with it.
    pub reason: String,
}

/// A profile as `status` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileStatus {
    /// Its name.
    pub name: ProfileName,
    /// `ready`, `renewing`, `cold`, `expired`, `failed`, `sign-in-needed` or `locked`.
    pub state: String,
    /// The reported expiry of the session, where there is one.
    pub expires_at: Option<Timestamp>,
    /// When it will be renewed, where that is planned.
    pub renew_at: Option<Timestamp>,
    /// When it was last served.
    pub last_used_at: Option<Timestamp>,
    /// Why the last mint failed; `None` after a success.
    pub last_error: Option<String>,
    /// What a person should know: a duration that was cut down by AWS.
    #[serde(default)]
    pub note: Option<String>,
    /// How often its session was renewed since the daemon has started.
    #[serde(default)]
    pub renewals: u64,
    /// Programs that run with it, started by `keyfob exec`.
    #[serde(default)]
    pub programs: u32,
    /// The end of the longest lease of these programs; `None` if one has no end, or there is none.
    #[serde(default)]
    pub leased_until: Option<Timestamp>,
    /// The restricted socket that this session is scoped down for; `None` for the person's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<SocketName>,
}

/// A restricted socket as `status` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketStatus {
    /// Its name.
    pub name: SocketName,
    /// Where it is.
    pub path: String,
    /// `ready` or `failed`.
    pub state: String,
    /// Why it does not serve.
    pub error: Option<String>,
    /// How many profiles may be asked for.
    pub profiles: usize,
    /// Whether its sessions are scoped down.
    pub scoped: bool,
}

/// An identity as `status` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityStatus {
    /// Its name.
    pub name: IdentityName,
    /// `iam-user`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// `ready`, `no-key`, `sign-in-needed`, `failed`, `locked`, or `unknown` as long as the vault was not read.
    pub state: String,
    /// When a person must have signed in again to keep its profiles renewed.
    pub sign_in_needed_by: Option<Timestamp>,
    /// The stage of the rotation of its access key, for people; `None` if it is not being rotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<String>,
}

/// A profile flattened to what will be asked of AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileView {
    /// Its name.
    pub name: ProfileName,
    /// The identity at its root; a restricted socket does not tell it.
    pub identity: Option<IdentityName>,
    /// The region for exports, where one is set.
    pub region: Option<String>,
    /// Seconds for which it is renewed unasked, where that has an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<u64>,
    /// One line a hop, first to last, for people.
    pub hops: Vec<String>,
    /// The role that it hands out, where it is one and one profile was asked for; a restricted socket does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleView>,
}

/// A role, as the configuration of a profile asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleView {
    /// Which.
    pub arn: RoleArn,
    /// Seconds for which its sessions are asked for; `None` leaves that to AWS.
    pub duration: Option<u32>,
    /// What is given with the call.
    pub external_id: Option<String>,
    /// Whether its sessions have tags.
    pub session_tags: bool,
    /// Whether its sessions have a source identity.
    pub source_identity: bool,
    /// Who assumes it.
    pub assumed_by: AssumedBy,
}

/// Who assumes a role, as far as the configuration tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssumedBy {
    /// Somebody in an account.
    Account {
        /// 12 digits; without an MFA device in the account of the user, those of the role itself.
        account_id: String,
        /// Whether they have given a code of an MFA device.
        mfa: bool,
    },
    /// Another role: the hop before.
    Role {
        /// Which.
        arn: RoleArn,
    },
    /// Whoever has a token of an OIDC provider.
    Oidc {
        /// The provider.
        issuer: String,
        /// For whom the token is.
        client_id: String,
    },
    /// Somebody of whom the configuration tells no more than the kind of the identity.
    Other {
        /// `saml`, `web-identity`, `process`.
        identity_type: String,
    },
}

/// One thing that a person should know or mend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where: a profile, an identity, a place in a file.
    pub subject: String,
    /// What is the matter.
    pub message: String,
    /// The command that mends it.
    pub hint: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// Works, but not as one would wish.
    Warning,
    /// Does not work.
    Error,
}
