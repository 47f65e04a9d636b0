//! What is asked about accounts, keys in them and roles, and what is told.

use crate::{IdentityName, ProfileName, Timestamp};
use serde::{Deserialize, Serialize};

/// What is to become of the rotation of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotateStep {
    /// Begin, or go on with what stands still.
    GoOn {
        /// Skip waits; checks are never skipped.
        now: bool,
    },
    /// Stand still until told to go on.
    Pause,
    /// Go back to the old key, and remove the new one.
    Rollback,
}

/// A look at the users of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// With whose session.
    pub profile: ProfileName,
    /// Days after which a user or a key that was not used is unused.
    pub unused_days: u32,
    /// Days after which a key is old.
    pub old_days: u32,
}

/// A look at what sessions did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Whose sessions.
    pub profile: ProfileName,
    /// With whose session CloudTrail is asked; the profile itself if `None`.
    pub with: Option<ProfileName>,
    /// From then on: 90 days back at most.
    pub since: Timestamp,
    /// Until then.
    pub until: Timestamp,
    /// Where; if empty, in the region of the profile, and in that of services which have one place only.
    pub regions: Vec<String>,
    /// Only what was refused.
    pub denied: bool,
}

/// A look at the role of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Whose role.
    pub profile: ProfileName,
    /// With whose session IAM is asked; the profile itself if `None`.
    pub with: Option<ProfileName>,
    /// What for.
    pub purpose: RolePurpose,
}

/// What a role is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolePurpose {
    /// Whether it accepts what the profile asks for.
    Check,
    /// How long its sessions may last.
    MaxDuration {
        /// Seconds that it is to allow, 3,600 to 43,200.
        seconds: u32,
        /// Whether the role is changed.
        write: bool,
    },
}

/// What is the matter with a user of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountFinding {
    /// The name of the user.
    pub user: String,
    /// `unused-key`, …
    pub kind: String,
    /// For people.
    pub detail: String,
    /// The key that it is about, where it is about one whose id is known.
    pub access_key_id: Option<String>,
    /// The command that mends it.
    pub mend: String,
}

/// What a session did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityEvent {
    /// When.
    pub time: Timestamp,
    /// `s3`
    pub service: String,
    /// `GetObject`
    pub event: String,
    /// Where.
    pub region: String,
    /// What it was about.
    pub resource: Option<String>,
    /// Why it was refused or failed.
    pub error: Option<String>,
    /// The session.
    pub access_key_id: String,
    /// The program on this machine that had asked for the session first.
    pub program: Option<String>,
}

/// When a key was used last, as far as IAM knows: it tells this hours late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// When.
    pub at: Timestamp,
    /// `s3`
    pub service: String,
    /// Where.
    pub region: String,
}

/// A long-term key as `key list` shows it: never its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// Whose key.
    pub identity: IdentityName,
    /// `AKIA…`
    pub access_key_id: String,
    /// `active`, `inactive`, `absent`, or `unknown` where AWS could not be asked.
    #[serde(default)]
    pub state: String,
    /// When AWS made it.
    #[serde(default)]
    pub created: Option<Timestamp>,
    /// When it was used last; `None` if it never was, or that is not known.
    #[serde(default)]
    pub last_used: Option<KeyUse>,
    /// The stage of its rotation, if it is being rotated, and what comes next.
    #[serde(default)]
    pub rotation: Option<String>,
    /// What a person should know.
    #[serde(default)]
    pub warnings: Vec<String>,
}
