//! Long-term keys: into the vault, out of it, never shown.

use super::call::Call;
use super::mints::{refused, vault_failure};
use super::{Event, Shared};
use keyfob_engine::engine::Replaced;
use keyfob_engine::mint::{MintError, MintErrorKind};
use keyfob_shared::wire::{KeyView, Reply};
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
    let replaced = match read(shared, identity).await? {
        Stored::Key(old) if old.access_key_id == id => Replaced::SameKey,
        Stored::Key(_) | Stored::Damaged | Stored::Nothing => Replaced::OtherKey,
    };
    let until = if shared.vault.kind() == "keyutils" { ", until the next boot" } else { "" };
    let message = format!("access key {id} of identity {identity} is in the vault{until}");
    let credentials =
        Credentials { access_key_id: id, secret_access_key: secret, session_token: None, account_id: None };
    let value = Secret::new(serde_json::to_string(&credentials).expect("strings always serialize"));
    let generation = crate::clock::now().wall.millis().unsigned_abs();
    let item = Item { name: item_name(identity), generation, value };
    let put = async { shared.vault.put(item).await.map_err(|wrong| vault_failure(&wrong)) };
    change(shared, identity, replaced, put).await.map(|()| message)
}

pub(super) async fn remove(shared: Shared, identity: IdentityName, call: Call) {
    let result = forget(&shared, &identity).await;
    call.conclude(result).await;
}

async fn forget(shared: &Shared, identity: &IdentityName) -> Result<String, Failure> {
    if matches!(read(shared, identity).await?, Stored::Nothing) {
        let failure =
            Failure::new(FailureKind::Usage, format!("identity {identity} has no access key in the vault"));
        return Err(failure.hint("keyfob key list"));
    }
    let name = item_name(identity);
    let remove = async { shared.vault.remove(name).await.map_err(|wrong| vault_failure(&wrong)) };
    change(shared, identity, Replaced::OtherKey, remove).await?;
    Ok(format!("the access key of identity {identity} left the vault; in AWS it is as it was"))
}

pub(super) async fn list(shared: Shared, call: Call) {
    match collect(&shared).await {
        Ok(keys) => call.list(keys, |keys, more| Reply::Keys { keys, more }).await,
        Err(failure) => call.conclude(Err(failure)).await,
    }
}

async fn collect(shared: &Shared) -> Result<Vec<KeyView>, Failure> {
    let names = shared.vault.names(ItemKind::AccessKey).await.map_err(|wrong| vault_failure(&wrong))?;
    let mut keys = Vec::new();
    for identity in names.iter().filter_map(|item| item.name.parse::<IdentityName>().ok()) {
        let access_key_id = match read(shared, &identity).await? {
            Stored::Key(credentials) => credentials.access_key_id,
            Stored::Damaged => format!("damaged: keyfob key add {identity}"),
            Stored::Nothing => continue,
        };
        keys.push(KeyView { identity, access_key_id });
    }
    keys.sort_by(|one, other| one.identity.cmp(&other.identity));
    Ok(keys)
}

/// What the vault has of a key.
pub(super) enum Stored {
    Key(Credentials),
    /// A record that can't be read, in a vault that can.
    Damaged,
    Nothing,
}

pub(super) async fn stored(vault: &Keeper, identity: &IdentityName) -> Result<Stored, VaultError> {
    match vault.read(item_name(identity)).await {
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

fn item_name(identity: &IdentityName) -> ItemName {
    ItemName { kind: ItemKind::AccessKey, name: identity.to_string() }
}
