//! SAML: an assertion serves every profile that is due at one moment.

use super::latest::{self, Held, Proof};
use super::{Person, SignIns, not_signed_in};
use crate::clock;
use crate::runtime::call::Call;
use crate::runtime::mints::refused;
use keyfob_engine::clock::Monotonic;
use keyfob_engine::config::{Saml, SamlProvider};
use keyfob_engine::mint::{MintError, MintErrorKind, Signer};
use keyfob_engine::plan::Step;
use keyfob_idp::saml::{self, Assertion, FieldNames, Provider, Settings, SignedIn};
use keyfob_shared::{Failure, FailureKind, IdentityName, Secret, Timestamp};

/// An assertion that ends sooner is not sent any more: the way to STS takes time, and clocks differ. In milliseconds.
const LEAST_LEFT: i64 = 30_000;
/// An assertion is used for what is due at one moment, this long in milliseconds; then the provider is asked again, so
/// that it is known in time when it wants to see a person. What needs a person each time is used to its end.
const MOMENT: i64 = 60_000;

/// An assertion, how it was got, and when.
pub(super) struct Shown {
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
    /// Answers what a SAML identity has to show for a role.
    pub(in crate::runtime) async fn assertion(
        &self,
        identity: &IdentityName,
        saml: &Saml,
        step: &Step,
    ) -> Result<Proof, MintError> {
        let assertion = self.current(identity, saml).await?;
        let provider_arn = provider_of(&assertion, step, identity)?;
        let (until, duration) = (until(saml, &assertion), assertion.session_duration);
        Ok(Proof { signer: Signer::Assertion { encoded: assertion.encoded, provider_arn }, until, duration })
    }

    /// Answers an assertion that is good, a new one where it has to be.
    pub(super) async fn current(&self, identity: &IdentityName, saml: &Saml) -> Result<Assertion, MintError> {
        let asked = clock::now().monotonic;
        let latest = self.latest(identity);
        let mut latest = latest.lock().await;
        if let Some(shown) = latest.saml.as_ref().filter(|shown| shown.is_fresh(saml)) {
            return Ok(shown.assertion.clone());
        }
        if let Some(failure) = latest.failure_since(asked) {
            return Err(failure);
        }
        let renewed = self.renew(identity, saml, &mut latest).await;
        latest.note(&renewed);
        let assertion = renewed?;
        latest.saml = Some(Shown::new(saml, &assertion));
        Ok(assertion)
    }

    async fn renew(
        &self,
        identity: &IdentityName,
        saml: &Saml,
        latest: &mut latest::Shown,
    ) -> Result<Assertion, MintError> {
        let settings = settings(identity, saml);
        let kept = match &saml.provider {
            // They need nothing that was kept.
            SamlProvider::Browser | SamlProvider::Command(_) => Secret::default(),
            SamlProvider::Adfs | SamlProvider::Form => {
                self.newest(identity, latest).await?.ok_or_else(|| not_signed_in(identity))?
            }
        };
        match saml::renew(&settings, &kept).await {
            Ok(SignedIn { assertion, kept: newer }) => {
                if newer != kept {
                    self.keep_or_hold(identity, newer, latest).await;
                }
                Ok(assertion)
            }
            Err(wrong) => Err(self.denied(identity, wrong, latest).await),
        }
    }

    /// Answers what was kept last, whether the vault has it or not: older cookies may be worth nothing, and a password
    /// that was wrong is not to be sent again.
    async fn newest(
        &self,
        identity: &IdentityName,
        latest: &mut latest::Shown,
    ) -> Result<Option<Secret>, MintError> {
        match latest.unwritten.take() {
            Some(Held::Kept(kept)) => {
                self.keep_or_hold(identity, kept.clone(), latest).await;
                Ok(Some(kept).filter(|kept| !kept.expose().is_empty()))
            }
            // The identity was another one before.
            Some(Held::Token(_)) | None => self.kept(identity).await,
        }
    }

    /// Signs in with a person.
    pub(super) async fn sign_in_saml(
        &self,
        identity: &IdentityName,
        saml: &Saml,
        call: &mut Call,
    ) -> Result<super::SignedIn, Failure> {
        let settings = settings(identity, saml);
        // A person who signs in wants a new session at the provider, not what is left of the old one.
        let SignedIn { assertion, kept } = saml::sign_in(&settings, None, &mut Person(call)).await?;
        let latest = self.latest(identity);
        // A renewal that is under way ends first, or it would write what is older over this.
        let mut latest = latest.lock().await;
        latest.forget();
        self.keep(identity, kept).await?;
        latest.saml = Some(Shown::new(saml, &assertion));
        let until = until(saml, &assertion);
        Ok(super::SignedIn { until, roles: assertion.roles.into_iter().map(|role| role.role_arn).collect() })
    }
}

/// Answers when a person is needed again, where that is known.
fn until(saml: &Saml, assertion: &Assertion) -> Option<Timestamp> {
    match &saml.provider {
        SamlProvider::Browser => Some(assertion.not_on_or_after),
        SamlProvider::Command(_) => None,
        SamlProvider::Adfs | SamlProvider::Form if saml.remember_password => None,
        SamlProvider::Adfs | SamlProvider::Form => assertion.session_not_on_or_after,
    }
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
