//! What is kept between renewals, and for whom: a refresh token is never sent to another provider.

use super::Settings;
use super::token::Tokens;
use crate::clock;
use keyfob_shared::{Secret, Timestamp};
use serde::{Deserialize, Serialize};

/// A refresh token, whose it is, and how long it lives.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    issuer: String,
    client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    pub(super) refresh_token: Secret,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<Timestamp>,
}

impl Kept {
    /// Keeps what there is to keep.
    pub(super) fn new(settings: &Settings, tokens: &Tokens) -> Option<Self> {
        Some(Self {
            issuer: settings.issuer.clone(),
            client_id: settings.client_id.clone(),
            subject: None,
            refresh_token: tokens.refresh_token.clone()?,
            until: until(tokens),
        })
    }

    /// Reads what the vault has; `None` if it is of no use here.
    pub(super) fn read(secret: &Secret, settings: &Settings) -> Option<Self> {
        let kept: Self = serde_json::from_str(secret.expose()).ok()?;
        (kept.issuer == settings.issuer && kept.client_id == settings.client_id).then_some(kept)
    }

    /// Writes it for the vault.
    pub(super) fn secret(&self) -> Secret {
        Secret::new(serde_json::to_string(self).unwrap_or_default())
    }

    /// Answers what is kept after a renewal; a provider that sends no new refresh token goes on with the old one.
    pub(super) fn renewed(self, tokens: &Tokens) -> Self {
        let until = until(tokens).or(self.until);
        let refresh_token = tokens.refresh_token.clone().unwrap_or_else(|| self.refresh_token.clone());
        Self { refresh_token, until, ..self }
    }

    /// Says who it is that signed in.
    pub(super) fn of(self, subject: String) -> Self {
        Self { subject: Some(subject), ..self }
    }
}

fn until(tokens: &Tokens) -> Option<Timestamp> {
    let millis = tokens.refresh_lifetime()?.saturating_mul(1_000);
    Some(Timestamp::from_millis(clock::now().millis().saturating_add(millis)))
}
