//! SAML: an assertion serves every profile that is due at one moment.

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
    /// Answers what a SAML identity has to show for a role, and until when the provider is known to need no person.
    pub(in crate::runtime) async fn assertion(
        &self,
        identity: &IdentityName,
        saml: &Saml,
        step: &Step,
    ) -> Result<(Signer, Option<Timestamp>), MintError> {
        let latest = self.latest(identity);
        let mut latest = latest.lock().await;
        let assertion = match latest.saml.as_ref().filter(|shown| shown.is_fresh(saml)) {
            Some(shown) => shown.assertion.clone(),
            None => {
                let assertion = self.renew(identity, saml).await?;
                latest.saml = Some(Shown::new(saml, &assertion));
                assertion
            }
        };
        let provider_arn = provider_of(&assertion, step, identity)?;
        let until = assertion.session_not_on_or_after;
        Ok((Signer::Assertion { encoded: assertion.encoded, provider_arn }, until))
    }

    async fn renew(&self, identity: &IdentityName, saml: &Saml) -> Result<Assertion, MintError> {
        let settings = settings(identity, saml);
        // A command needs nothing that was kept.
        let kept = match (self.kept(identity).await?, &saml.provider) {
            (Some(kept), _) => kept,
            (None, SamlProvider::Command(_)) => Secret::default(),
            (None, _) => return Err(not_signed_in(identity)),
        };
        match saml::renew(&settings, &kept).await {
            Ok(SignedIn { assertion, kept: newer }) => {
                if newer != kept {
                    let written = self.keep(identity, newer).await;
                    written.map_err(|failure| refused(MintErrorKind::Transient, failure))?;
                }
                Ok(assertion)
            }
            Err(wrong) => Err(self.denied(identity, wrong).await),
        }
    }

    /// Signs in with a person, and answers until when that is known to last.
    pub(super) async fn sign_in_saml(
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
        self.latest(identity).lock().await.saml = Some(Shown::new(saml, &assertion));
        Ok(until)
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
