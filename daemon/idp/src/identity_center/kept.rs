//! What is kept between sign-ins: the registration of keyfob, and the refresh token, for one portal only.

use super::{Flow, Settings};
use crate::clock;
use keyfob_shared::{Secret, Timestamp};
use serde::{Deserialize, Serialize};

/// A registration that ends sooner is not used for a sign-in, which would end with it: a week, in milliseconds.
const SHORTEST: i64 = 7 * 24 * 60 * 60 * 1_000;

/// The name under which AWS knows this keyfob.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Registration {
    pub(super) client_id: String,
    pub(super) client_secret: Secret,
    pub(super) ends: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    start_url: String,
    region: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    /// What it is registered for.
    flow: Flow,
    pub(super) registration: Registration,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<Secret>,
}

impl Kept {
    pub(super) fn new(
        settings: &Settings,
        registration: Registration,
        refresh_token: Option<Secret>,
    ) -> Self {
        Self {
            start_url: settings.start_url.clone(),
            region: settings.region.clone(),
            endpoint: settings.sso_oidc_endpoint.clone(),
            flow: settings.flow,
            registration,
            refresh_token,
        }
    }

    /// Reads what the vault has; `None` if it is of no use here.
    pub(super) fn read(secret: &Secret, settings: &Settings) -> Option<Self> {
        let kept: Self = serde_json::from_str(secret.expose()).ok()?;
        let is_same = kept.start_url == settings.start_url
            && kept.region == settings.region
            && kept.endpoint == settings.sso_oidc_endpoint
            && kept.flow == settings.flow;
        is_same.then_some(kept)
    }

    /// Writes it for the vault.
    pub(super) fn secret(&self) -> Secret {
        Secret::new(serde_json::to_string(self).unwrap_or_default())
    }

    /// Answers the registration, if it lasts for a sign-in.
    pub(super) fn registration(self) -> Option<Registration> {
        let last = self.registration.ends.millis().saturating_sub(SHORTEST);
        (last > clock::now().millis()).then_some(self.registration)
    }

    /// Answers what is kept after a renewal; without a new refresh token the old one goes on.
    pub(super) fn renewed(self, refresh_token: Option<Secret>) -> Self {
        let refresh_token = refresh_token.or(self.refresh_token);
        Self { refresh_token, ..self }
    }

    /// Leaves the refresh token out, which is worth nothing any more.
    pub(super) fn signed_out(self) -> Self {
        Self { refresh_token: None, ..self }
    }
}
