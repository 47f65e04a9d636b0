//! Sign-ins at identity providers: what they gave is kept in the vault, and used for every profile that is due.

use super::call::Call;
use super::mints::{refused, vault_failure};
use crate::clock;
use keyfob_engine::clock::Monotonic;
use keyfob_engine::config::{Saml, SamlProvider};
use keyfob_engine::mint::{MintError, MintErrorKind, Signer};
use keyfob_engine::plan::Step;
use keyfob_idp::Ask;
use keyfob_idp::saml::{self, Assertion, FieldNames, Provider, Refused, Settings, SignedIn};
use keyfob_shared::wire::Prompt;
use keyfob_shared::{Failure, FailureKind, IdentityName, Secret, Timestamp};
use keyfob_vault::{Item, ItemKind, ItemName, Keeper};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// An assertion that ends sooner is not sent any more: the way to STS takes time, and clocks differ. In milliseconds.
const LEAST_LEFT: i64 = 30_000;
/// An assertion is used for what is due at one moment, this long in milliseconds; then the provider is asked again, so
/// that it is known in time when it wants to see a person. What needs a person each time is used to its end.
const MOMENT: i64 = 60_000;

/// The sign-ins of all identities.
#[derive(Clone)]
pub(super) struct SignIns {
    vault: Keeper,
    identities: Arc<Mutex<HashMap<IdentityName, Latest>>>,
}

/// The latest assertion of an identity; whoever holds the lock asks the provider, and the others wait for what comes.
type Latest = Arc<tokio::sync::Mutex<Option<Shown>>>;

/// An assertion, how it was got, and when.
struct Shown {
    saml: Saml,
    assertion: Assertion,
    since: Monotonic,
}

impl Shown {
    fn new(saml: &Saml, assertion: &Assertion) -> Self {
        Self { saml: saml.clone(), assertion: assertion.clone(), since: clock::now().monotonic }
    }

    fn is_fresh(&self, saml: &Saml) -> bool {
        let now = clock::now();
        let is_new = saml.provider == SamlProvider::Browser || now.monotonic < self.since.plus(MOMENT);
        let left = self.assertion.not_on_or_after.millis() - now.wall.millis();
        self.saml == *saml && is_new && left >= LEAST_LEFT
    }
}

impl SignIns {
    pub(super) fn new(vault: Keeper) -> Self {
        Self { vault, identities: Arc::default() }
    }

    fn latest(&self, identity: &IdentityName) -> Latest {
        let mut identities = self.identities.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        identities.entry(identity.clone()).or_default().clone()
    }

    /// Answers what a SAML identity has to show for a role, and until when the provider is known to need no person.
    pub(super) async fn assertion(
        &self,
        identity: &IdentityName,
        saml: &Saml,
        step: &Step,
    ) -> Result<(Signer, Option<Timestamp>), MintError> {
        let latest = self.latest(identity);
        let mut latest = latest.lock().await;
        let assertion = match latest.as_ref().filter(|shown| shown.is_fresh(saml)) {
            Some(shown) => shown.assertion.clone(),
            None => {
                let assertion = self.renew(identity, saml).await?;
                *latest = Some(Shown::new(saml, &assertion));
                assertion
            }
        };
        let provider_arn = provider_of(&assertion, step, identity)?;
        let until = assertion.session_not_on_or_after;
        Ok((Signer::Assertion { encoded: assertion.encoded, provider_arn }, until))
    }

    async fn renew(&self, identity: &IdentityName, saml: &Saml) -> Result<Assertion, MintError> {
        let settings = settings(identity, saml);
        let item = self.vault.read(name(identity)).await;
        let item = item.map_err(|wrong| refused(MintErrorKind::Transient, vault_failure(&wrong)))?;
        // A command needs nothing that was kept.
        let kept = match (item, &saml.provider) {
            (Some(item), _) => item.value,
            (None, SamlProvider::Command(_)) => Secret::default(),
            (None, _) => {
                let failure =
                    Failure::new(FailureKind::Person, format!("identity {identity} is not signed in"));
                return Err(sign_in_needed(failure, identity));
            }
        };
        match saml::renew(&settings, &kept).await {
            Ok(SignedIn { assertion, kept: newer }) => {
                if newer != kept {
                    self.keep(identity, newer)
                        .await
                        .map_err(|failure| refused(MintErrorKind::Transient, failure))?;
                }
                Ok(assertion)
            }
            Err(Refused::Transient(failure)) => Err(refused(MintErrorKind::Transient, failure)),
            Err(Refused::Person { failure, kept }) => {
                if let Some(kept) = kept
                    && let Err(wrong) = self.keep(identity, kept).await
                {
                    tracing::warn!(error = %wrong, "keep what must not be tried again");
                }
                Err(sign_in_needed(failure, identity))
            }
        }
    }

    /// Signs in with a person, and answers until when that is known to last.
    pub(super) async fn sign_in(
        &self,
        identity: &IdentityName,
        saml: &Saml,
        call: &mut Call,
    ) -> Result<Option<Timestamp>, Failure> {
        let settings = settings(identity, saml);
        // A person who signs in wants a new session at the provider, not what is left of the old one.
        let SignedIn { assertion, kept } = saml::sign_in(&settings, None, &mut Person(call)).await?;
        self.keep(identity, kept).await?;
        let until = assertion.session_not_on_or_after;
        *self.latest(identity).lock().await = Some(Shown::new(saml, &assertion));
        Ok(until)
    }

    /// Forgets a sign-in, here and in the vault.
    pub(super) async fn forget(&self, identity: &IdentityName) -> Result<(), Failure> {
        *self.latest(identity).lock().await = None;
        self.vault.remove(name(identity)).await.map_err(|wrong| vault_failure(&wrong))
    }

    async fn keep(&self, identity: &IdentityName, value: Secret) -> Result<(), Failure> {
        let generation = clock::now().wall.millis().unsigned_abs();
        let put = self.vault.put(Item { name: name(identity), generation, value }).await;
        put.map_err(|wrong| vault_failure(&wrong))
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

/// Finds the provider that vouches for a role.
fn provider_of(assertion: &Assertion, step: &Step, identity: &IdentityName) -> Result<String, MintError> {
    let wanted = step.role_arn().map(keyfob_shared::RoleArn::as_str).unwrap_or_default();
    let found = assertion.roles.iter().find(|role| role.role_arn.as_str() == wanted);
    found.map(|role| role.provider_arn.clone()).ok_or_else(|| {
        let roles: Vec<&str> = assertion.roles.iter().map(|role| role.role_arn.as_str()).take(10).collect();
        let message =
            format!("the sign-in of identity {identity} does not grant {wanted}, but {}", roles.join(", "));
        let hint = "set one of these as role_arn, or ask whoever administers the identity provider";
        refused(MintErrorKind::Final, Failure::new(FailureKind::Usage, message).hint(hint))
    })
}

fn sign_in_needed(failure: Failure, identity: &IdentityName) -> MintError {
    let failure =
        if failure.hint.is_some() { failure } else { failure.hint(format!("keyfob login {identity}")) };
    refused(MintErrorKind::SignInNeeded, failure)
}

fn settings(identity: &IdentityName, saml: &Saml) -> Settings {
    let [username, password, code] = saml.fields.clone();
    Settings {
        identity: identity.clone(),
        provider: match &saml.provider {
            SamlProvider::Adfs => Provider::Adfs,
            SamlProvider::Form => Provider::Form,
            SamlProvider::Browser => Provider::Browser,
            SamlProvider::Command(command) => Provider::Command(command.clone()),
        },
        url: saml.url.clone(),
        username: saml.username.clone(),
        fields: FieldNames { username, password, code },
        remember_password: saml.remember_password,
        port: saml.port,
    }
}
