//! Conversations beside the loop: logout, lock and unlock, status.

use super::call::Call;
use super::pages::pages;
use super::signins::Forgotten;
use super::{Event, Shared};
use keyfob_engine::config::Config;
use keyfob_shared::wire::{
    DaemonStatus, IdentityStatus, ProfileStatus, Prompt, Reply, SocketStatus, StatusPage, VaultStatus,
};
use keyfob_shared::{Failure, FailureKind};
use keyfob_vault::{ItemKind, Passphrase, State};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Says that sessions are forgotten when they are, in the vault too.
pub(super) async fn logout(
    shared: Shared,
    result: Result<String, Failure>,
    forgotten: Forgotten,
    call: Call,
) {
    let forgotten = shared.minter.sign_ins.forget(forgotten).await;
    let result = match (result, shared.saver.forgotten().await, forgotten) {
        (Err(failure), _, _) => Err(failure),
        (Ok(message), 0, Ok(())) => Ok(message),
        (Ok(message), 0, Err(why)) => {
            let message = format!("{message} here, but a sign-in is still in the vault: {}", why.message);
            Err(Failure::new(why.kind, message).hint("keyfob doctor; when that is mended, log out once more"))
        }
        (Ok(message), _, _) => {
            let message = format!("{message} here, but they could not be removed from the vault yet");
            Err(Failure::new(FailureKind::Upstream, message).hint("keyfob doctor"))
        }
    };
    call.conclude(result).await;
}

/// Locks the vault in any case, and then tells whether the lock outlives the daemon.
pub(super) async fn lock(shared: Shared, noted: Result<(), Failure>, call: Call) {
    shared.minter.sign_ins.lock();
    shared.vault.lock().await;
    let message = match shared.vault.passphrase().await {
        Passphrase::Existing | Passphrase::New => "locked: unlock asks for the passphrase of the vault",
        Passphrase::NotNeeded => {
            "locked: the agent serves nothing until `keyfob unlock`; with this vault that needs no secret"
        }
    };
    call.conclude(noted.map(|()| message.into())).await;
}

/// Unlocks, unless the agent is locked again meanwhile: `lock` numbers the locks.
pub(super) async fn unlock(shared: Shared, lock: u64, mut call: Call) {
    let result = unseal(&shared, &mut call).await;
    if result.is_ok() {
        let _ = shared.events.send(Event::Unlocked(lock));
    }
    call.conclude(result).await;
}

async fn unseal(shared: &Shared, call: &mut Call) -> Result<String, Failure> {
    let passphrase = match shared.vault.passphrase().await {
        Passphrase::NotNeeded => None,
        Passphrase::Existing => Some(call.ask(secret("passphrase of the vault")).await?),
        Passphrase::New => {
            let first = call.ask(secret("choose a passphrase for the vault")).await?;
            if first != call.ask(secret("the same passphrase again")).await? {
                return Err(Failure::new(FailureKind::Person, "the passphrases differ").hint("keyfob unlock"));
            }
            Some(first)
        }
    };
    let unlocked = shared.vault.unlock(passphrase).await;
    unlocked.map_err(|wrong| {
        let failure = Failure::new(FailureKind::Person, format!("unlock the vault: {wrong}"));
        failure.hint(wrong.hint.as_deref().unwrap_or("keyfob doctor"))
    })?;
    Ok("unlocked".into())
}

fn secret(label: &str) -> Prompt {
    Prompt::Secret { label: label.into() }
}

pub(super) async fn stop(shared: Shared, mut call: Call) {
    call.send(&Reply::Done { message: "stopped".into() }).await;
    if let Some(dialogue) = call.into_dialogue() {
        let _ = shared.events.send(Event::Stop(Box::new(dialogue)));
    }
}

/// Tells how reading the configuration went.
pub(super) async fn outcome(outcome: oneshot::Receiver<Result<(), Failure>>, call: Call) {
    let ended = Failure::new(FailureKind::Unreachable, "the daemon is ending").hint("keyfob daemon start");
    let result = outcome.await.unwrap_or(Err(ended));
    call.conclude(result.map(|()| "the configuration is in force".into())).await;
}

pub(super) async fn status(
    shared: Shared,
    config: Arc<Config>,
    mut daemon: DaemonStatus,
    profiles: Vec<ProfileStatus>,
    mut identities: Vec<IdentityStatus>,
    sockets: Vec<SocketStatus>,
    call: Call,
) {
    daemon.vault = wire_status(&shared.vault.status().await);
    let keys = known_keys(&shared).await;
    for identity in identities.iter_mut().filter(|identity| identity.kind == "iam-user") {
        if keys.as_ref().is_some_and(|keys| !keys.contains(identity.name.as_str())) {
            identity.state = "no-key".into();
        }
        identity.rotation =
            shared.rotations.view(&identity.name).map(|view| match shared.trouble_of(&view) {
                Some(failure) => format!("{}: {failure}", view.text),
                None => view.text,
            });
    }
    mark_sign_ins(&shared, &config, &mut identities).await;
    send_status(daemon, profiles, identities, sockets, call).await;
}

/// Marks identities that nobody has signed in yet.
async fn mark_sign_ins(shared: &Shared, config: &Config, identities: &mut [IdentityStatus]) {
    let by_person = |identity: &&mut IdentityStatus| {
        let found = config.identities.get(&identity.name).filter(|found| found.has_provider());
        found.is_some_and(|found| !found.kind.signs_in_by_command())
    };
    // What has no refresh token is signed in for as long as its end is known.
    let seems_ready =
        |identity: &&mut IdentityStatus| identity.state == "ready" && identity.sign_in_needed_by.is_none();
    let mut doubtful = identities.iter_mut().filter(by_person).filter(seems_ready).peekable();
    if doubtful.peek().is_none() {
        return;
    }
    let Ok(kept) = shared.minter.sign_ins.names().await else { return };
    doubtful
        .filter(|identity| !kept.contains(&identity.name))
        .for_each(|identity| identity.state = "sign-in-needed".into());
}

/// Tells of profiles alone.
pub(super) async fn status_of_profiles(daemon: DaemonStatus, profiles: Vec<ProfileStatus>, call: Call) {
    send_status(daemon, profiles, Vec::new(), Vec::new(), call).await;
}

async fn send_status(
    daemon: DaemonStatus,
    profiles: Vec<ProfileStatus>,
    identities: Vec<IdentityStatus>,
    sockets: Vec<SocketStatus>,
    call: Call,
) {
    let page = |profiles, identities, sockets| StatusPage {
        daemon: daemon.clone(),
        profiles,
        identities,
        sockets,
        more: true,
    };
    // Pages of several kinds are not mixed, so that each fits.
    let profiles = pages(profiles).into_iter().map(|profiles| page(profiles, Vec::new(), Vec::new()));
    let identities = pages(identities).into_iter().map(|identities| page(Vec::new(), identities, Vec::new()));
    let sockets = pages(sockets).into_iter().map(|sockets| page(Vec::new(), Vec::new(), sockets));
    let mut pages = profiles.chain(identities).chain(sockets).peekable();
    let replies = std::iter::from_fn(|| {
        let page = pages.next()?;
        Some(Reply::Status(StatusPage { more: pages.peek().is_some(), ..page }))
    });
    call.send_all(replies).await;
}

pub(super) fn wire_status(status: &keyfob_vault::Status) -> VaultStatus {
    let state = match status.state {
        State::Ready => "ready",
        State::Locked => "locked",
        State::Sealed => "sealed",
        State::Unavailable => "unavailable",
    };
    VaultStatus { kind: status.kind.into(), state: state.into(), reason: status.reason.clone() }
}

/// Answers who has a key; `None` if the vault can't tell now.
async fn known_keys(shared: &Shared) -> Option<BTreeSet<String>> {
    let names = shared.vault.names(ItemKind::AccessKey).await.ok()?;
    Some(names.into_iter().map(|item| item.name).collect())
}
