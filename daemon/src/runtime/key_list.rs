//! `keyfob key list`: what the vault has, and what AWS knows of it.

use super::call::Call;
use super::grants::{Question, ask};
use super::keys::{self, Slot, Stored};
use super::mints::vault_failure;
use super::{Shared, clock};
use keyfob_aws::ServerDate;
use keyfob_engine::config::Rotate;
use keyfob_engine::rotation::{Due, View, due};
use keyfob_iam::{Access, Key, LastUsed, Refusal};
use keyfob_shared::wire::{KeyUse, KeyView, Reply};
use keyfob_shared::{Credentials, Failure, IdentityName, Timestamp};
use keyfob_vault::ItemKind;
use std::collections::{BTreeMap, BTreeSet};
use tokio::task::JoinSet;

const DAY: i64 = 24 * 60 * 60 * 1_000;
/// A key that nobody has used for so many days is warned of.
const UNUSED: i64 = 90;
/// Identities that are asked about at one time.
const AT_ONCE: usize = 16;

/// What AWS knows of a key.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) created: Option<Timestamp>,
    active: bool,
    used: Option<LastUsed>,
}

pub(super) async fn list(shared: Shared, settings: BTreeMap<IdentityName, Rotate>, call: Call) {
    match collect(&shared, &settings).await {
        Ok(keys) => call.list(keys, |keys, more| Reply::Keys { keys, more }).await,
        Err(failure) => call.conclude(Err(failure)).await,
    }
}

/// Answers what AWS knows of the key that signs; `None` if it does not know it.
pub(super) async fn at_aws(
    shared: &Shared,
    identity: &IdentityName,
) -> Result<Option<(String, Known)>, Failure> {
    let stored = keys::stored(&shared.vault, identity).await.map_err(|wrong| vault_failure(&wrong))?;
    let Stored::Key(key) = stored else { return Ok(None) };
    let id = key.access_key_id.clone();
    let found = of_user(shared, identity, key).await.map_err(|refusal| refusal.failure)?;
    Ok(found.into_iter().find(|(key, _)| *key == id))
}

/// Answers all keys of the user to which a key belongs.
async fn of_user(
    shared: &Shared,
    identity: &IdentityName,
    key: Credentials,
) -> Result<Vec<(String, Known)>, Refusal> {
    let of = identity.clone();
    let other = |failure| Refusal { kind: keyfob_iam::RefusalKind::Other, failure };
    let place =
        ask(&shared.events, |answer| Question::KeyPlace { identity: of, answer }).await.map_err(other)?;
    let access = Access {
        key,
        region: place.region,
        skew: place.skew,
        iam: place.iam,
        sts: place.sts,
        cloudtrail: None,
        date: ServerDate::default(),
    };
    let mut found = Vec::new();
    for Key { id, active, created } in shared.iam.keys(&access, None).await? {
        // A policy may allow the one and not the other.
        let used = shared.iam.last_used(&access, &id).await.unwrap_or_default();
        found.push((id, Known { created, active, used }));
    }
    Ok(found)
}

/// Answers what the vault has, and what AWS tells of it.
pub(super) async fn collect(
    shared: &Shared,
    settings: &BTreeMap<IdentityName, Rotate>,
) -> Result<Vec<KeyView>, Failure> {
    let mut identities = BTreeSet::new();
    for kind in [ItemKind::AccessKey, ItemKind::NextKey, ItemKind::PreviousKey] {
        let names = shared.vault.names(kind).await.map_err(|wrong| vault_failure(&wrong))?;
        identities.extend(names.iter().filter_map(|item| item.name.parse::<IdentityName>().ok()));
    }
    let mut views = Vec::new();
    let mut tasks = JoinSet::new();
    for identity in identities {
        if tasks.len() >= AT_ONCE
            && let Some(Ok(found)) = tasks.join_next().await
        {
            views.extend(found?);
        }
        let (shared, rotate) = (shared.clone(), settings.get(&identity).copied());
        tasks.spawn(async move { of_identity(&shared, &identity, rotate).await });
    }
    while let Some(Ok(found)) = tasks.join_next().await {
        views.extend(found?);
    }
    views.sort_by(|one: &KeyView, other| one.identity.cmp(&other.identity));
    Ok(views)
}

/// Answers the keys of an identity: the one that signs, and those of its rotation.
async fn of_identity(
    shared: &Shared,
    identity: &IdentityName,
    rotate: Option<Rotate>,
) -> Result<Vec<KeyView>, Failure> {
    let rotation = shared.rotations.view(identity);
    let mut own = Vec::new();
    let mut damaged = false;
    for slot in [Slot::Current, Slot::Next, Slot::Previous] {
        let stored = keys::stored_in(&shared.vault, slot, identity).await;
        match stored.map_err(|wrong| vault_failure(&wrong))? {
            Stored::Key(key) => own.push((slot, key)),
            Stored::Damaged => damaged |= slot == Slot::Current,
            Stored::Nothing => {}
        }
    }
    let mut views = Vec::new();
    if damaged {
        let access_key_id = format!("damaged: keyfob key add {identity}");
        views.push(view(identity, access_key_id, "unknown"));
    }
    let signer = own.iter().find(|(slot, _)| *slot == Slot::Current).map(|(_, key)| key.clone());
    let known = match signer {
        Some(key) => of_user(shared, identity, key).await.map_err(|refusal| refusal.failure),
        None => Ok(Vec::new()),
    };
    for (slot, key) in &own {
        let mut view = view(identity, key.access_key_id.clone(), "unknown");
        match &known {
            Ok(known) => tell(&mut view, known, *slot, rotate),
            Err(failure) if *slot == Slot::Current => {
                view.warnings.push(format!("AWS could not be asked: {}", failure.message));
            }
            Err(_) => {}
        }
        view.rotation = match (slot, &rotation) {
            (Slot::Current, Some(rotation)) => Some(stage(shared, rotation, &mut view.warnings)),
            (Slot::Current, None) => None,
            (slot, _) => Some(slot.describe().to_owned()),
        };
        views.push(view);
    }
    if let (Ok(known), Some(first)) = (&known, views.first_mut()) {
        let strangers = known.iter().filter(|(id, _)| own.iter().all(|(_, key)| key.access_key_id != *id));
        let warning = |(id, known): &(String, Known)| {
            let state = if known.active { "active" } else { "inactive" };
            format!("this user has another key at AWS, which is not kept here: {id}, {state}")
        };
        first.warnings.extend(strangers.map(warning));
    }
    Ok(views)
}

fn view(identity: &IdentityName, access_key_id: String, state: &str) -> KeyView {
    KeyView {
        identity: identity.clone(),
        access_key_id,
        state: state.into(),
        created: None,
        last_used: None,
        rotation: None,
        warnings: Vec::new(),
    }
}

/// Answers the stage of a rotation for people, and adds what is in its way to the warnings.
fn stage(shared: &Shared, rotation: &View, warnings: &mut Vec<String>) -> String {
    warnings.extend(shared.trouble_of(rotation).map(|failure| match &failure.hint {
        Some(hint) => format!("{failure}: {hint}"),
        None => failure.to_string(),
    }));
    rotation.text.clone()
}

/// Tells what AWS knows of a key, and what a person should know.
fn tell(view: &mut KeyView, known: &[(String, Known)], slot: Slot, rotate: Option<Rotate>) {
    let Some((_, known)) = known.iter().find(|(id, _)| *id == view.access_key_id) else {
        view.state = "absent".into();
        view.warnings.push(format!("AWS does not know it: keyfob key add {}", view.identity));
        return;
    };
    view.state = if known.active { "active" } else { "inactive" }.into();
    view.created = known.created;
    view.last_used =
        known.used.clone().map(|used| KeyUse { at: used.at, service: used.service, region: used.region });
    if slot != Slot::Current {
        return;
    }
    let now = clock::now().wall;
    let days = |since: Timestamp| (now.millis() - since.millis()) / DAY;
    if let (Some(created), Some(every)) = (known.created, rotate.and_then(|rotate| rotate.every)) {
        match due(created, every / 1_000, now) {
            Due::Later { .. } => {}
            Due::Soon { due_at } => view.warnings.push(format!("it will be rotated at {due_at}")),
            Due::Now { .. } => view.warnings.push(format!(
                "it is {} days old, and to be rotated every {}: keyfob key rotate {}",
                days(created),
                every / DAY,
                view.identity
            )),
        }
    }
    let idle_since = known.used.as_ref().map(|used| used.at).or(known.created);
    if let Some(since) = idle_since.filter(|since| days(*since) >= UNUSED) {
        view.warnings.push(format!("nobody has used it for {} days", days(since)));
    }
}
