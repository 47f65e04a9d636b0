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
    /// A long-term access key that will take the place of the first.
    NextKey,
    /// A long-term access key whose place was taken.
    PreviousKey,
    /// What an identity provider gave to sign in by again: cookies, a refresh token.
    SignIn,
}

impl ItemKind {
    /// Answers the form that is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::AccessKey => "access-key",
            Self::NextKey => "next-access-key",
            Self::PreviousKey => "previous-access-key",
            Self::SignIn => "sign-in",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Session, Self::AccessKey, Self::NextKey, Self::PreviousKey, Self::SignIn];
        all.into_iter().find(|kind| kind.as_str() == text)
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
    /// Grows with each write of the same item. It is bound to what is written, and tells writes apart; nothing checks that
    /// it does not go back: whoever can put an old record back can put back any list of the newest ones as well.
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
    /// `secret-service`, `keychain`, `credential-manager`, `keyutils`, `file` or `memory`.
    pub kind: &'static str,
    /// Whether it can be used.
    pub state: State,
    /// Why this kind was chosen, or what is wrong with it.
    pub reason: String,
    /// The command to run, or the line to change, where one helps.
    pub hint: Option<String>,
}

/// Why a call did not work. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultError {
    /// What state of the vault is behind it.
    pub state: State,
    /// What was tried, and the cause.
    pub message: String,
    /// The command to run, or the line to change, where one helps.
    pub hint: Option<String>,
}

impl VaultError {
    pub(crate) fn new(state: State, message: impl Into<String>) -> Self {
        let hint = match state {
            State::Locked | State::Sealed => Some("keyfob unlock".to_owned()),
            State::Ready | State::Unavailable => None,
        };
        Self { state, message: message.into(), hint }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
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

    /// Makes it usable, if that takes more than a moment; called once, before anything else.
    fn open(&mut self) {}

    fn passphrase(&self) -> Passphrase {
        Passphrase::NotNeeded
    }

    fn unlock(&mut self, _passphrase: Option<Secret>) -> Result<(), VaultError> {
        self.state()
    }

    fn lock(&mut self) {}

    /// What a person should know about what is in it.
    fn remark(&self) -> Option<String> {
        None
    }

    /// What to say while a call does not come back.
    fn silence(&self) -> &'static str {
        "the keychain does not answer"
    }

    /// What to do when it is not there.
    fn advice(&self) -> Option<&'static str> {
        Some("start the keychain, or set vault = \"file\" in [daemon]")
    }
}
