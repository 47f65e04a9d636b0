//! Sign-ins at identity providers: what they gave is kept in the vault, and used for every profile that is due.

mod discover;
mod kept;
mod latest;
mod portal;
mod saml;
mod tokens;

pub(super) use latest::Proof;

use super::call::Call;
use super::mints::refused;
use keyfob_engine::config::{Config, Endpoints, Identity, IdentityKind};
use keyfob_engine::engine::Scope;
use keyfob_engine::mint::{MintError, MintErrorKind};
use keyfob_idp::Ask;
use keyfob_idp::identity_center::Portal;
use keyfob_shared::wire::Prompt;
use keyfob_shared::{Failure, FailureKind, IdentityName, RoleArn, Secret, Timestamp};
use keyfob_vault::Keeper;
use latest::Latest;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::JoinSet;

/// The sign-ins of all identities.
#[derive(Clone)]
pub(super) struct SignIns {
    vault: Keeper,
    identities: Arc<Mutex<HashMap<IdentityName, Latest>>>,
    portals: Arc<Mutex<HashMap<IdentityName, Arc<Portal>>>>,
}

/// Whose sign-ins are forgotten.
pub(super) enum Forgotten {
    /// Those of all identities, configured or not.
    All,
    /// Of these.
    These(Vec<IdentityName>),
}

impl Forgotten {
    /// Adds the identities of a scope that sign in at a provider.
    pub(super) fn add(&mut self, scope: &Scope, config: &Config) {
        match (self, scope) {
            (Self::All, _) | (_, Scope::Profile(_)) => {}
            (all, Scope::All) => *all = Self::All,
            (Self::These(these), Scope::Identity(name)) => {
                let has_provider = config.identities.get(name).is_some_and(Identity::has_provider);
                these.extend(has_provider.then(|| name.clone()));
            }
        }
    }
}

/// What a person has got by signing in.
#[derive(Default)]
pub(super) struct SignedIn {
    /// Until when that is known to last.
    pub(super) until: Option<Timestamp>,
    /// The roles that were granted, where the provider says so at once.
    pub(super) roles: Vec<RoleArn>,
}

impl SignIns {
    pub(super) fn new(vault: Keeper) -> Self {
        Self { vault, identities: Arc::default(), portals: Arc::default() }
    }

    fn latest(&self, identity: &IdentityName) -> Latest {
        locked(&self.identities).entry(identity.clone()).or_default().clone()
    }

    /// Signs in with a person.
    pub(super) async fn sign_in(
        &self,
        identity: &IdentityName,
        kind: &IdentityKind,
        endpoints: &Endpoints,
        call: &mut Call,
    ) -> Result<SignedIn, Failure> {
        match kind {
            IdentityKind::Saml(saml) => self.sign_in_saml(identity, saml, call).await,
            IdentityKind::Oidc(_) | IdentityKind::IdentityCenter(_) => {
                let until = self.sign_in_token(identity, kind, endpoints, call).await?;
                Ok(SignedIn { until, roles: Vec::new() })
            }
            IdentityKind::IamUser | IdentityKind::WebIdentity(_) | IdentityKind::Process(_) => {
                Ok(SignedIn::default())
            }
        }
    }

    /// Forgets sign-ins, here and in the vault.
    pub(super) async fn forget(&self, forgotten: Forgotten) -> Result<(), Failure> {
        let (identities, listed) = match forgotten {
            Forgotten::These(identities) => (identities.into_iter().collect::<HashSet<_>>(), Ok(())),
            // Also of what is not configured any more: nothing else would ever remove it.
            Forgotten::All => {
                let mut all: HashSet<_> = locked(&self.identities).keys().cloned().collect();
                let stored = self.names().await;
                let listed = stored.as_ref().map(|_| ()).map_err(Clone::clone);
                all.extend(stored.unwrap_or_default());
                (all, listed)
            }
        };
        // Each may have to wait for its provider.
        let mut tasks = JoinSet::new();
        for identity in identities {
            let sign_ins = self.clone();
            tasks.spawn(async move { sign_ins.forget_one(&identity).await });
        }
        tasks.join_all().await.into_iter().fold(listed, Result::and)
    }

    /// The vault has nothing more of it at once, whatever the provider does. What a renewal that is under way brings
    /// back is removed when it has ended.
    async fn forget_one(&self, identity: &IdentityName) -> Result<(), Failure> {
        // Whether it worked is told by the second time.
        let _ = self.keep(identity, Secret::default()).await;
        let latest = self.latest(identity);
        let mut latest = latest.lock().await;
        latest.forget();
        locked(&self.portals).remove(identity);
        self.keep(identity, Secret::default()).await
    }

    /// Has nothing left in memory that a provider would take, but what the vault has not taken yet: with that the sign-in
    /// itself would be lost. What a renewal under way brings is dropped when it has ended.
    pub(super) fn lock(&self) {
        for latest in locked(&self.identities).values() {
            match latest.try_lock() {
                Ok(mut latest) => latest.put_away(),
                Err(_) => {
                    let latest = latest.clone();
                    tokio::spawn(async move { latest.lock().await.put_away() });
                }
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

    async fn gone(&mut self) {
        self.0.gone().await;
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
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
