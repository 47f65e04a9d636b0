//! The words of a vault.

use keyfob_shared::Secret;
use std::fmt;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    /// A session; it can be minted again.
    Session,
    /// A long-term access key; it can't.
    AccessKey,
}

impl ItemKind {
    /// Answers the form that is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::AccessKey => "access-key",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Session, Self::AccessKey].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Names an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemName {
    /// What it is.
    pub kind: ItemKind,
    /// Which one.
    pub name: String,
}

/// One secret with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub name: ItemName,
    /// Grows with each write of the same item.
    pub generation: u64,
    /// The secret.
    pub value: Secret,
}

/// Whether a vault can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can.
    Ready,
    /// The keychain is locked; its owner unlocks it.
    Locked,
    /// The passphrase of the file vault is missing.
    Sealed,
    /// It does not answer, or is not there.
    Unavailable,
}

/// A vault as `keyfob status` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// `secret-service`, `keychain`, `credential-manager`, `file` or `memory`.
    pub kind: &'static str,
    /// Whether it can be used.
    pub state: State,
    /// Why this kind was chosen, or what is wrong with it.
    pub reason: String,
}

/// Why a call did not work. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultError {
    /// What state of the vault is behind it.
    pub state: State,
    /// What was tried, and the cause.
    pub message: String,
}

impl VaultError {
    pub(crate) fn new(state: State, message: impl Into<String>) -> Self {
        Self { state, message: message.into() }
    }

    pub(crate) fn unavailable(what: &str, cause: &dyn fmt::Display) -> Self {
        Self::new(State::Unavailable, format!("{what}: {cause}"))
    }
}

impl fmt::Display for VaultError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for VaultError {}

/// Whether a person is asked for a passphrase to unlock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passphrase {
    /// No.
    NotNeeded,
    /// For the one that was chosen.
    Existing,
    /// To choose one.
    New,
}

/// A store of secrets. Calls may block; only [`unlock`](Vault::unlock) may ask a person.
pub(crate) trait Vault: Send {
    fn kind(&self) -> &'static str;
    fn state(&mut self) -> Result<(), VaultError>;
    fn names(&mut self, kind: ItemKind) -> Result<Vec<ItemName>, VaultError>;
    fn read(&mut self, name: &ItemName) -> Result<Option<Item>, VaultError>;
    fn put(&mut self, item: &Item) -> Result<(), VaultError>;
    fn remove(&mut self, name: &ItemName) -> Result<(), VaultError>;

    fn passphrase(&self) -> Passphrase {
        Passphrase::NotNeeded
    }

    fn unlock(&mut self, _passphrase: Option<Secret>) -> Result<(), VaultError> {
        self.state()
    }

    fn lock(&mut self) {}
}
