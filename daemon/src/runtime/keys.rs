//! Long-term keys: into the vault, out of it, never shown.

use super::call::Call;
use super::mints::vault_failure;
use super::{Event, Shared};
use keyfob_engine::engine::{self, Replaced};
use keyfob_shared::wire::{KeyView, Reply};
use keyfob_shared::{Credentials, Failure, FailureKind, IdentityName, Secret, credentials};
use keyfob_vault::{Item, ItemKind, ItemName};
use std::path::PathBuf;

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
    let old = read(shared, identity).await?;
    let replaced = match old {
        Some(old) if old.access_key_id == id => Replaced::SameKey,
        Some(_) | None => Replaced::OtherKey,
    };
    let until = if shared.vault.kind() == "keyutils" { ", until the next boot" } else { "" };
    let message = format!("access key {id} of identity {identity} is in the vault{until}");
    let credentials =
        Credentials { access_key_id: id, secret_access_key: secret, session_token: None, account_id: None };
    let value = Secret::new(serde_json::to_string(&credentials).expect("strings always serialize"));
    let generation = crate::clock::now().wall.millis().unsigned_abs();
    let item = Item { name: item_name(identity), generation, value };
    shared.vault.put(item).await.map_err(|wrong| vault_failure(&wrong))?;
    changed(shared, identity, replaced);
    Ok(message)
}

pub(super) async fn remove(shared: Shared, identity: IdentityName, call: Call) {
    let result = forget(&shared, &identity).await;
    call.conclude(result).await;
}

async fn forget(shared: &Shared, identity: &IdentityName) -> Result<String, Failure> {
    if read(shared, identity).await?.is_none() {
        let failure =
            Failure::new(FailureKind::Usage, format!("identity {identity} has no access key in the vault"));
        return Err(failure.hint("keyfob key list"));
    }
    shared.vault.remove(item_name(identity)).await.map_err(|wrong| vault_failure(&wrong))?;
    changed(shared, identity, Replaced::OtherKey);
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
        if let Some(credentials) = read(shared, &identity).await? {
            keys.push(KeyView { identity, access_key_id: credentials.access_key_id.clone() });
        }
    }
    keys.sort_by(|one, other| one.identity.cmp(&other.identity));
    Ok(keys)
}

async fn read(shared: &Shared, identity: &IdentityName) -> Result<Option<Credentials>, Failure> {
    let item = shared.vault.read(item_name(identity)).await.map_err(|wrong| vault_failure(&wrong))?;
    Ok(item.and_then(|item| serde_json::from_str(item.value.expose()).ok()))
}

fn changed(shared: &Shared, identity: &IdentityName, replaced: Replaced) {
    let event = engine::Event::KeyChanged { identity: identity.clone(), replaced };
    let _ = shared.events.send(Event::Engine(event));
}

fn item_name(identity: &IdentityName) -> ItemName {
    ItemName { kind: ItemKind::AccessKey, name: identity.to_string() }
}
