//! Long-term keys: into the vault, out of it, never shown.

use super::call::Call;
use super::mints::{refused, vault_failure};
use super::{Event, Shared};
use keyfob_engine::engine::Replaced;
use keyfob_engine::mint::{MintError, MintErrorKind};
use keyfob_shared::{Credentials, Failure, FailureKind, IdentityName, Secret, credentials};
use keyfob_vault::{Item, ItemKind, ItemName, Keeper, State, VaultError};
use std::path::PathBuf;
use tokio::sync::oneshot;

pub(super) async fn add(shared: Shared, identity: IdentityName, id: String, secret: Secret, call: Call) {
    let result = store(&shared, &identity, id, secret).await;
    call.conclude(result).await;
}

pub(super) async fn import(
    shared: Shared,
    identity: IdentityName,
    aws_profile: String,
    file: String,
    call: Call,
) {
    let result = match keyfob_source::import_key(&PathBuf::from(file), &aws_profile).await {
        Ok((id, secret)) => store(&shared, &identity, id, secret).await,
        Err(failure) => Err(failure),
    };
    call.conclude(result).await;
}

async fn store(
    shared: &Shared,
    identity: &IdentityName,
    id: String,
    secret: Secret,
) -> Result<String, Failure> {
    credentials::check_long_term(&id, &secret).map_err(|wrong| Failure::new(FailureKind::Usage, wrong))?;
    // A rotation that found another key, or none, ends with the one that comes now.
    shared.abandon_rotation(identity).await;
    let _claim = shared.rotations.claim(identity)?;
    let replaced = match read(shared, identity).await? {
        Stored::Key(old) if old.access_key_id == id => Replaced::SameKey,
        Stored::Key(_) | Stored::Damaged | Stored::Nothing => Replaced::OtherKey,
    };
    let until = if shared.vault.kind() == "keyutils" { ", until the next boot" } else { "" };
    let message = format!("access key {id} of identity {identity} is in the vault{until}");
    let credentials =
        Credentials { access_key_id: id, secret_access_key: secret, session_token: None, account_id: None };
    let item = item(Slot::Current, identity, &credentials);
    let put = async { shared.vault.put(item).await.map_err(|wrong| vault_failure(&wrong)) };
    change(shared, identity, replaced, put).await.map(|()| message)
}

pub(super) async fn remove(shared: Shared, identity: IdentityName, call: Call) {
    let result = forget(&shared, &identity).await;
    call.conclude(result).await;
}

async fn forget(shared: &Shared, identity: &IdentityName) -> Result<String, Failure> {
    let _claim = shared.rotations.claim(identity)?;
    if matches!(read(shared, identity).await?, Stored::Nothing) {
        let failure =
            Failure::new(FailureKind::Usage, format!("identity {identity} has no access key in the vault"));
        return Err(failure.hint("keyfob key list"));
    }
    let name = item_name(Slot::Current, identity);
    let remove = async { shared.vault.remove(name).await.map_err(|wrong| vault_failure(&wrong)) };
    change(shared, identity, Replaced::OtherKey, remove).await?;
    Ok(format!("the access key of identity {identity} left the vault; in AWS it is as it was"))
}

/// Answers another identity that signs with the same key.
pub(super) async fn other_with(
    shared: &Shared,
    identity: &IdentityName,
    id: &str,
) -> Result<Option<IdentityName>, Failure> {
    let names = shared.vault.names(ItemKind::AccessKey).await.map_err(|wrong| vault_failure(&wrong))?;
    for other in names.iter().filter_map(|item| item.name.parse::<IdentityName>().ok()) {
        if other != *identity
            && let Stored::Key(key) = read(shared, &other).await?
            && key.access_key_id == id
        {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

/// A place of the vault for a key of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The key that signs.
    Current,
    /// The one that will, while the key is rotated.
    Next,
    /// The one that did.
    Previous,
}

impl Slot {
    const fn kind(self) -> ItemKind {
        match self {
            Self::Current => ItemKind::AccessKey,
            Self::Next => ItemKind::NextKey,
            Self::Previous => ItemKind::PreviousKey,
        }
    }

    /// Answers what it is for people.
    pub(super) const fn describe(self) -> &'static str {
        match self {
            Self::Current => "the key that signs",
            Self::Next => "the next key",
            Self::Previous => "the key before",
        }
    }
}

/// What the vault has of a key.
pub(super) enum Stored {
    Key(Credentials),
    /// A record that can't be read, in a vault that can.
    Damaged,
    Nothing,
}

pub(super) async fn stored(vault: &Keeper, identity: &IdentityName) -> Result<Stored, VaultError> {
    stored_in(vault, Slot::Current, identity).await
}

pub(super) async fn stored_in(
    vault: &Keeper,
    slot: Slot,
    identity: &IdentityName,
) -> Result<Stored, VaultError> {
    match vault.read(item_name(slot, identity)).await {
        Ok(None) => Ok(Stored::Nothing),
        Ok(Some(item)) => Ok(serde_json::from_str(item.value.expose()).map_or(Stored::Damaged, Stored::Key)),
        Err(wrong) if wrong.state == State::Ready => Ok(Stored::Damaged),
        Err(wrong) => Err(wrong),
    }
}

/// Answers the key that signs the first call of an identity.
pub(super) async fn to_sign(vault: &Keeper, identity: &IdentityName) -> Result<Credentials, MintError> {
    // An unreachable vault may be back in a moment, whoever has to act.
    let stored = stored(vault, identity)
        .await
        .map_err(|wrong| refused(MintErrorKind::Transient, vault_failure(&wrong)))?;
    let missing = |what: &str| {
        let failure = Failure::new(FailureKind::Person, format!("identity {identity} {what}"));
        refused(MintErrorKind::Final, failure.hint(format!("keyfob key add {identity}")))
    };
    match stored {
        Stored::Key(credentials) => Ok(credentials),
        Stored::Damaged => Err(missing("has a damaged access key in the vault")),
        Stored::Nothing => Err(missing("has no access key in the vault")),
    }
}

async fn read(shared: &Shared, identity: &IdentityName) -> Result<Stored, Failure> {
    stored(&shared.vault, identity).await.map_err(|wrong| vault_failure(&wrong))
}

/// Changes a key, and answers when no session of the old one is left, here or in the vault.
///
/// They leave before it as well: after a crash in between, the old key is there, and the next attempt begins anew.
async fn change(
    shared: &Shared,
    identity: &IdentityName,
    replaced: Replaced,
    write: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    if replaced == Replaced::OtherKey {
        forget_sessions(shared, identity, replaced).await?;
    }
    write.await?;
    forget_sessions(shared, identity, replaced).await
}

async fn forget_sessions(
    shared: &Shared,
    identity: &IdentityName,
    replaced: Replaced,
) -> Result<(), Failure> {
    let (known, knows) = oneshot::channel();
    let _ = shared.events.send(Event::KeyChanged(identity.clone(), replaced, known));
    let _ = knows.await;
    if replaced == Replaced::SameKey || shared.saver.forgotten().await == 0 {
        return Ok(());
    }
    let message =
        format!("the sessions of the old key of identity {identity} could not be removed from the vault yet");
    Err(Failure::new(FailureKind::Upstream, message).hint("keyfob doctor"))
}

pub(super) fn item_name(slot: Slot, identity: &IdentityName) -> ItemName {
    ItemName { kind: slot.kind(), name: identity.to_string() }
}

/// Answers what is written for a key.
pub(super) fn item(slot: Slot, identity: &IdentityName, key: &Credentials) -> Item {
    let value = Secret::new(serde_json::to_string(key).expect("strings always serialize"));
    let generation = crate::clock::now().wall.millis().unsigned_abs();
    Item { name: item_name(slot, identity), generation, value }
}
