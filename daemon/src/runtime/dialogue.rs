//! Conversations beside the loop: sign-in, unlock, listings in pages.
//!
//! A person may take minutes; the loop does not wait for them.

use super::pages::pages;
use super::{Event, Shared};
use keyfob_engine::engine::{self, Answer};
use keyfob_listen::{Connection, Dialogue};
use keyfob_shared::wire::{
    self, DaemonStatus, Finding, IdentityStatus, ProfileStatus, ProfileView, Prompt, Reply, Severity,
    StatusPage, VaultStatus,
};
use keyfob_shared::{Failure, FailureKind, IdentityName, Secret};
use keyfob_vault::{ItemKind, Passphrase, State};
use std::collections::BTreeSet;
use tokio::sync::oneshot;

/// What is known about an identity before the person is asked.
pub(super) struct Talk {
    pub(super) identity: IdentityName,
    pub(super) mfa_serial: Option<String>,
    pub(super) by_command: bool,
}

/// Sends the last reply of a conversation; a person who has gone is not told.
pub(super) async fn conclude(mut dialogue: Dialogue, result: Result<String, Failure>) {
    let reply = match result {
        Ok(message) => Reply::Done { message },
        Err(failure) => Reply::Failed(failure),
    };
    if let Err(error) = dialogue.send(&reply).await {
        tracing::debug!(%error, "the person has gone");
    }
}

pub(super) async fn login(shared: Shared, talk: Talk, connection: Connection) {
    let mut dialogue = connection.dialogue();
    let result = sign_in(&shared, &talk, &mut dialogue).await;
    conclude(dialogue, result).await;
}

async fn sign_in(shared: &Shared, talk: &Talk, dialogue: &mut Dialogue) -> Result<String, Failure> {
    let identity = &talk.identity;
    let Some(serial) = &talk.mfa_serial else {
        return Ok(format!("identity {identity} signs with its access key and needs no sign-in"));
    };
    let code = match talk.by_command {
        true => None,
        false => Some(ask_code(serial, dialogue).await?),
    };
    let (answer, answered) = oneshot::channel();
    let _ = shared.events.send(Event::SignIn { identity: identity.clone(), code, answer });
    match answered.await {
        Ok(Answer::SignedIn { until }) => Ok(format!("identity {identity} is signed in until {until}")),
        Ok(Answer::Failed(failure)) => Err(failure),
        Ok(Answer::Served { .. }) | Err(_) => {
            Err(Failure::new(FailureKind::Unreachable, "the daemon is ending"))
        }
    }
}

async fn ask_code(serial: &str, dialogue: &mut Dialogue) -> Result<Secret, Failure> {
    let code = ask(dialogue, Prompt::Text { label: format!("MFA code of {serial}") }).await?;
    let code = Secret::new(code.expose().trim());
    // TokenCode of the STS API.
    if code.expose().len() == 6 && code.expose().bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(code);
    }
    Err(Failure::new(FailureKind::Person, "an MFA code has six digits"))
}

async fn ask(dialogue: &mut Dialogue, prompt: Prompt) -> Result<Secret, Failure> {
    let gone =
        |error: std::io::Error| Failure::new(FailureKind::Person, format!("ask for an answer: {error}"));
    dialogue.send(&Reply::Prompt(prompt)).await.map_err(gone)?;
    match dialogue.answer().await.map_err(gone)? {
        wire::Answer::Text(text) => Ok(text),
        wire::Answer::Cancelled => Err(Failure::new(FailureKind::Person, "cancelled")),
    }
}

pub(super) async fn lock(shared: Shared, connection: Connection) {
    shared.vault.lock().await;
    let message = match shared.vault.passphrase().await {
        Passphrase::Existing | Passphrase::New => "locked: unlock asks for the passphrase of the vault",
        Passphrase::NotNeeded => {
            "locked: the agent serves nothing until `keyfob unlock`; with this vault that needs no secret"
        }
    };
    conclude(connection.dialogue(), Ok(message.into())).await;
}

pub(super) async fn unlock(shared: Shared, connection: Connection) {
    let mut dialogue = connection.dialogue();
    let result = unseal(&shared, &mut dialogue).await;
    if result.is_ok() {
        let _ = shared.events.send(Event::Engine(engine::Event::Unlock));
    }
    conclude(dialogue, result).await;
}

async fn unseal(shared: &Shared, dialogue: &mut Dialogue) -> Result<String, Failure> {
    let passphrase = match shared.vault.passphrase().await {
        Passphrase::NotNeeded => None,
        Passphrase::Existing => Some(ask(dialogue, secret("passphrase of the vault")).await?),
        Passphrase::New => {
            let first = ask(dialogue, secret("choose a passphrase for the vault")).await?;
            if first != ask(dialogue, secret("the same passphrase again")).await? {
                return Err(Failure::new(FailureKind::Person, "the passphrases differ").hint("keyfob unlock"));
            }
            Some(first)
        }
    };
    let unlocked = shared.vault.unlock(passphrase).await;
    unlocked.map_err(|wrong| {
        Failure::new(FailureKind::Person, format!("unlock the vault: {wrong}")).hint("keyfob unlock")
    })?;
    Ok("unlocked".into())
}

fn secret(label: &str) -> Prompt {
    Prompt::Secret { label: label.into() }
}

pub(super) async fn stop(shared: Shared, connection: Connection) {
    let mut dialogue = connection.dialogue();
    let _ = dialogue.send(&Reply::Done { message: "stopped".into() }).await;
    let _ = shared.events.send(Event::Stop(Box::new(dialogue)));
}

/// Tells how reading the configuration went.
pub(super) async fn outcome(outcome: oneshot::Receiver<Result<(), Failure>>, connection: Connection) {
    let ended = Failure::new(FailureKind::Unreachable, "the daemon is ending");
    let result = outcome.await.unwrap_or(Err(ended));
    conclude(connection.dialogue(), result.map(|()| "the configuration is in force".into())).await;
}

pub(super) async fn status(
    shared: Shared,
    mut daemon: DaemonStatus,
    profiles: Vec<ProfileStatus>,
    mut identities: Vec<IdentityStatus>,
    connection: Connection,
) {
    daemon.vault = vault_status(&shared).await;
    let keys = known_keys(&shared).await;
    for identity in &mut identities {
        if keys.as_ref().is_some_and(|keys| !keys.contains(identity.name.as_str())) {
            identity.state = "no-key".into();
        }
    }
    let mut dialogue = connection.dialogue();
    let mut identities = pages(identities).into_iter();
    let mut profiles = pages(profiles).into_iter();
    // Pages of both kinds are not mixed, so that each fits.
    let mut page = StatusPage {
        daemon,
        profiles: Vec::new(),
        identities: identities.next().unwrap_or_default(),
        more: true,
    };
    loop {
        let next = (profiles.next(), Vec::new());
        let next = match next {
            (Some(profiles), none) => Some((profiles, none)),
            (None, _) => identities.next().map(|identities| (Vec::new(), identities)),
        };
        page.more = next.is_some();
        let following = next.map(|(profiles, identities)| StatusPage {
            daemon: page.daemon.clone(),
            profiles,
            identities,
            more: true,
        });
        if dialogue.send(&Reply::Status(page)).await.is_err() {
            return;
        }
        match following {
            Some(following) => page = following,
            None => return,
        }
    }
}

async fn vault_status(shared: &Shared) -> VaultStatus {
    let status = shared.vault.status().await;
    let state = match status.state {
        State::Ready => "ready",
        State::Locked => "locked",
        State::Sealed => "sealed",
        State::Unavailable => "unavailable",
    };
    VaultStatus { kind: status.kind.into(), state: state.into(), reason: status.reason }
}

/// Answers who has a key; `None` if the vault can't tell now.
async fn known_keys(shared: &Shared) -> Option<BTreeSet<String>> {
    let names = shared.vault.names(ItemKind::AccessKey).await.ok()?;
    Some(names.into_iter().map(|item| item.name).collect())
}

pub(super) async fn profiles(views: Vec<ProfileView>, connection: Connection) {
    let mut dialogue = connection.dialogue();
    let mut pages = pages(views).into_iter().peekable();
    while let Some(profiles) = pages.next() {
        let more = pages.peek().is_some();
        if dialogue.send(&Reply::Profiles { profiles, more }).await.is_err() {
            return;
        }
    }
}

pub(super) async fn findings(findings: Vec<Finding>, connection: Connection) {
    let mut dialogue = connection.dialogue();
    let mut pages = pages(findings).into_iter().peekable();
    while let Some(findings) = pages.next() {
        let more = pages.peek().is_some();
        if dialogue.send(&Reply::Findings { findings, more }).await.is_err() {
            return;
        }
    }
}

pub(super) async fn doctor(
    shared: Shared,
    mut found: Vec<Finding>,
    troubles: Vec<Finding>,
    identities: Vec<IdentityName>,
    connection: Connection,
) {
    let vault = vault_status(&shared).await;
    let (severity, hint) = match vault.state.as_str() {
        "ready" => (Severity::Note, None),
        "locked" | "sealed" => (Severity::Error, Some("keyfob unlock".to_owned())),
        _ => (
            Severity::Error,
            Some("start the keychain, or set `vault = \"file\"` in the configuration".to_owned()),
        ),
    };
    let message = format!("{} is {}: {}", vault.kind, vault.state, vault.reason);
    found.push(Finding { severity, subject: "vault".into(), message, hint });
    if let Some(keys) = known_keys(&shared).await {
        for identity in identities.iter().filter(|identity| !keys.contains(identity.as_str())) {
            found.push(Finding {
                severity: Severity::Error,
                subject: format!("identity {identity}"),
                message: "it has no access key in the vault".into(),
                hint: Some(format!("keyfob key add {identity} --access-key-id AKIA…")),
            });
        }
    }
    found.extend(troubles);
    findings(found, connection).await;
}
