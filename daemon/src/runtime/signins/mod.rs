//! Sign-ins at identity providers: what they gave is kept in the vault, and used for every profile that is due.

mod discover;
mod saml;
mod tokens;

use super::call::Call;
use super::mints::{refused, vault_failure};
use crate::clock;
use keyfob_engine::config::{Endpoints, IdentityKind};
use keyfob_engine::mint::{MintError, MintErrorKind};
use keyfob_idp::{Ask, Refused};
use keyfob_shared::wire::Prompt;
use keyfob_shared::{Failure, FailureKind, IdentityName, Secret, Timestamp};
use keyfob_vault::{Item, ItemKind, ItemName, Keeper};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The sign-ins of all identities.
#[derive(Clone)]
pub(super) struct SignIns {
    vault: Keeper,
    identities: Arc<Mutex<HashMap<IdentityName, Latest>>>,
}

/// What an identity got last; whoever holds the lock asks the provider, and the others wait for what comes.
type Latest = Arc<tokio::sync::Mutex<Shown>>;

/// What an identity has to show, as long as it is good.
#[derive(Default)]
struct Shown {
    saml: Option<saml::Shown>,
    token: Option<tokens::Token>,
}

impl SignIns {
    pub(super) fn new(vault: Keeper) -> Self {
        Self { vault, identities: Arc::default() }
    }

    fn latest(&self, identity: &IdentityName) -> Latest {
        let mut identities = self.identities.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        identities.entry(identity.clone()).or_default().clone()
    }

    /// Signs in with a person, and answers until when that is known to last.
    pub(super) async fn sign_in(
        &self,
        identity: &IdentityName,
        kind: &IdentityKind,
        endpoints: &Endpoints,
        call: &mut Call,
    ) -> Result<Option<Timestamp>, Failure> {
        match kind {
            IdentityKind::Saml(saml) => self.sign_in_saml(identity, saml, call).await,
            IdentityKind::Oidc(_) | IdentityKind::IdentityCenter(_) => {
                self.sign_in_token(identity, kind, endpoints, call).await
            }
            IdentityKind::IamUser | IdentityKind::WebIdentity(_) | IdentityKind::Process(_) => Ok(None),
        }
    }

    /// Forgets a sign-in, here and in the vault.
    pub(super) async fn forget(&self, identity: &IdentityName) -> Result<(), Failure> {
        *self.latest(identity).lock().await = Shown::default();
        self.vault.remove(name(identity)).await.map_err(|wrong| vault_failure(&wrong))
    }

    async fn keep(&self, identity: &IdentityName, value: Secret) -> Result<(), Failure> {
        let generation = clock::now().wall.millis().unsigned_abs();
        let put = self.vault.put(Item { name: name(identity), generation, value }).await;
        put.map_err(|wrong| vault_failure(&wrong))
    }

    async fn kept(&self, identity: &IdentityName) -> Result<Option<Secret>, MintError> {
        let item = self.vault.read(name(identity)).await;
        let item = item.map_err(|wrong| refused(MintErrorKind::Transient, vault_failure(&wrong)))?;
        Ok(item.map(|item| item.value).filter(|kept| !kept.expose().is_empty()))
    }

    /// Takes note of a refusal, and sorts it.
    async fn denied(&self, identity: &IdentityName, wrong: Refused) -> MintError {
        match wrong {
            Refused::Transient(failure) => refused(MintErrorKind::Transient, failure),
            Refused::Person { failure, kept } => {
                if let Some(kept) = kept
                    && let Err(wrong) = self.keep(identity, kept).await
                {
                    tracing::warn!(error = %wrong, "keep what must not be tried again");
                }
                sign_in_needed(failure, identity)
            }
        }
    }
}

/// The person at the other end of a conversation.
struct Person<'a>(&'a mut Call);

impl Ask for Person<'_> {
    async fn ask(&mut self, prompt: Prompt) -> Result<Secret, Failure> {
        self.0.ask(prompt).await
    }

    async fn show(&mut self, prompt: Prompt) -> Result<(), Failure> {
        self.0.show(prompt).await
    }
}

fn name(identity: &IdentityName) -> ItemName {
    ItemName { kind: ItemKind::SignIn, name: identity.to_string() }
}

fn not_signed_in(identity: &IdentityName) -> MintError {
    let failure = Failure::new(FailureKind::Person, format!("identity {identity} is not signed in"));
    sign_in_needed(failure, identity)
}

fn sign_in_needed(failure: Failure, identity: &IdentityName) -> MintError {
    let failure =
        if failure.hint.is_some() { failure } else { failure.hint(format!("keyfob login {identity}")) };
    refused(MintErrorKind::SignInNeeded, failure)
}
