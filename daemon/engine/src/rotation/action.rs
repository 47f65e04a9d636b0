//! What the shell is asked to do for a rotation, and how it went: two closed lists.

use keyfob_shared::{Failure, Timestamp};
use serde::{Deserialize, Serialize};

/// A place of the vault for a key of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// The key that signs for everybody.
    Current,
    /// The new key before the switch.
    Next,
    /// The old key after the switch, until it is deleted.
    Previous,
}

/// What signs a call: the item, and the access key id that it must hold.
///
/// Security: an item that holds another key, or none, signs nothing; that is told as [`FailedKind::Final`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Where the key lies.
    pub item: Which,
    /// Its access key id.
    pub key: String,
}

/// One thing to do. Every one may be done again after a crash; keys are named by their access key ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// GetCallerIdentity: answers [`Outcome::Good`].
    Verify {
        /// Which key is asked about.
        by: Signer,
    },
    /// ListAccessKeys of the signing key's user, all pages: answers [`Outcome::Listed`].
    ListKeys {
        /// What signs.
        by: Signer,
    },
    /// GetAccessKeyLastUsed: answers [`Outcome::LastUsed`].
    LastUsed {
        /// Of which key.
        key: String,
        /// What signs.
        by: Signer,
    },
    /// CreateAccessKey without a user name: answers [`Outcome::Created`].
    ///
    /// It is sent once: an SDK that tries again by itself would make two keys. The secret stays in memory until
    /// [`Action::StoreNext`]; if another action follows instead, it is forgotten.
    Create {
        /// What signs.
        by: Signer,
    },
    /// Write the key that was created as `Next`. After a crash it may be there already, or be lost:
    /// [`Outcome::SecretLost`] if neither memory nor `Next` has it.
    StoreNext {
        /// The new key.
        key: String,
    },
    /// Put the old key as `Previous`, then the new one as `Current`, then remove `Next`; what is so already stays.
    Switch {
        /// The old key.
        old: String,
        /// The new key.
        new: String,
    },
    /// Put the new key as `Next`, then the old one as `Current`, then remove `Previous`; what is so already stays.
    SwitchBack {
        /// The old key.
        old: String,
        /// The new key.
        new: String,
    },
    /// UpdateAccessKey to Inactive.
    Deactivate {
        /// Which key.
        key: String,
        /// What signs.
        by: Signer,
    },
    /// UpdateAccessKey to Active.
    Activate {
        /// Which key.
        key: String,
        /// What signs.
        by: Signer,
    },
    /// DeleteAccessKey.
    Delete {
        /// Which key.
        key: String,
        /// What signs.
        by: Signer,
    },
    /// Remove `Next` from the vault; it may be absent.
    DropNext,
    /// Remove `Previous` from the vault; it may be absent.
    DropPrevious,
}

impl Action {
    /// Answers what it is in words, for messages.
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Verify { .. } => "verify an access key",
            Self::ListKeys { .. } => "list the access keys",
            Self::LastUsed { .. } => "ask when an access key was last used",
            Self::Create { .. } => "create an access key",
            Self::StoreNext { .. } => "store the new access key",
            Self::Switch { .. } => "switch to the new access key",
            Self::SwitchBack { .. } => "switch back to the old access key",
            Self::Deactivate { .. } => "make an access key inactive",
            Self::Activate { .. } => "make an access key active",
            Self::Delete { .. } => "delete an access key",
            Self::DropNext => "remove the new access key from the vault",
            Self::DropPrevious => "remove the old access key from the vault",
        }
    }

    /// Answers the permission of IAM that it needs; what only touches the vault needs none.
    pub const fn permission(&self) -> Option<&'static str> {
        match self {
            Self::Verify { .. } => Some("sts:GetCallerIdentity"),
            Self::ListKeys { .. } => Some("iam:ListAccessKeys"),
            Self::LastUsed { .. } => Some("iam:GetAccessKeyLastUsed"),
            Self::Create { .. } => Some("iam:CreateAccessKey"),
            Self::Deactivate { .. } | Self::Activate { .. } => Some("iam:UpdateAccessKey"),
            Self::Delete { .. } => Some("iam:DeleteAccessKey"),
            Self::StoreNext { .. }
            | Self::Switch { .. }
            | Self::SwitchBack { .. }
            | Self::DropNext
            | Self::DropPrevious => None,
        }
    }
}

/// An access key as ListAccessKeys shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The access key id.
    pub id: String,
    /// Whether its status is Active.
    pub active: bool,
    /// When it was created, by the clock of AWS, in whole seconds.
    pub created: Timestamp,
}

/// The last use of an access key that AWS knows of; it shows hours late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUse {
    /// When, by the clock of AWS.
    pub at: Timestamp,
    /// The service: `s3`.
    pub service: String,
    /// The region, or `N/A`.
    pub region: String,
}

/// How an action went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done; of actions that answer nothing.
    Done,
    /// The keys of the user.
    Listed(Vec<Key>),
    /// The last use, if there was one.
    LastUsed(Option<LastUse>),
    /// There is a new key.
    Created {
        /// Its access key id.
        key: String,
    },
    /// The key works.
    Good {
        /// Whose it is.
        arn: String,
        /// The 12 digits of the account.
        account: String,
    },
    /// The secret of the new key is neither in memory nor in the vault.
    SecretLost,
    /// It is not done, or nobody knows.
    Failed(Failed),
}

/// Why an action has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What to do about it.
    pub kind: FailedKind,
    /// What people are told. Holds no secret.
    pub failure: Failure,
}

/// What can be done about a failed action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailedKind {
    /// No answer, a server error, throttling. It may have taken effect.
    Transient,
    /// The signing key is not accepted (`InvalidClientTokenId`): it is new, inactive or deleted. Nothing was done.
    Refused,
    /// A permission is missing (`AccessDenied`). Nothing was done.
    Denied,
    /// There is no such key (`NoSuchEntity`).
    NotFound,
    /// The user has as many keys as it may have (`LimitExceeded`, HTTP 409). Nothing was done.
    LimitExceeded,
    /// The vault failed. What was to be written may have been written; nothing was sent to AWS.
    Vault,
    /// Anything else; trying again changes nothing.
    Final,
}
