//! The token endpoint (RFC 6749, 3.2): one form in, tokens or one of a few errors out.

use super::provider::Provider;
use super::{Settings, login, misconfigured};
use crate::quote;
use crate::trouble::Trouble;
use crate::web::{Caller, Place};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use keyfob_shared::Secret;
use serde::Deserialize;
use std::time::Duration;

/// A refresh token is spent once it was sent: that answer is worth waiting for.
const LONGEST: Duration = Duration::from_secs(30);

/// What a provider gives out; access tokens are of no use here.
#[derive(Debug, Deserialize)]
pub(super) struct Tokens {
    pub(super) id_token: Option<Secret>,
    pub(super) refresh_token: Option<Secret>,
    // No standard has them; Keycloak writes the one, Entra and Google the other.
    refresh_expires_in: Option<i64>,
    refresh_token_expires_in: Option<i64>,
}

impl Tokens {
    /// Answers how long the refresh token lives, in seconds, where that is told.
    pub(super) fn refresh_lifetime(&self) -> Option<i64> {
        self.refresh_expires_in.or(self.refresh_token_expires_in).filter(|seconds| *seconds > 0)
    }
}

/// Why there are no tokens.
#[derive(Debug)]
pub(super) enum Denied {
    /// The person is not done yet.
    Pending,
    /// The person is not done yet, and was asked for too often.
    SlowDown,
    /// The code or the refresh token is worth nothing, now or any more.
    Grant(Trouble),
    /// Anything else.
    Other(Trouble),
}

impl Denied {
    pub(super) fn into_trouble(self) -> Trouble {
        match self {
            Self::Grant(trouble) | Self::Other(trouble) => trouble,
            Self::Pending => Trouble::useless("it says authorization_pending, where nothing is pending"),
            Self::SlowDown => Trouble::passing("it asks for fewer questions"),
        }
    }
}

#[derive(Default, Deserialize)]
struct Complaint {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Asks for tokens; secrets are not repeated when the provider is quoted.
pub(super) async fn request(
    settings: &Settings,
    provider: &Provider,
    fields: &[(&str, &str)],
    secrets: &[&Secret],
) -> Result<Tokens, Denied> {
    let answer = post(settings, provider, &provider.token, fields).await.map_err(Denied::Other)?;
    if answer.status() == StatusCode::OK {
        let tokens: Tokens = serde_json::from_slice(answer.body())
            .map_err(|_| Denied::Other(Trouble::passing("it answers something that is no tokens")))?;
        let filled = |token: Option<Secret>| token.filter(|token| !token.expose().is_empty());
        return Ok(Tokens {
            id_token: filled(tokens.id_token.clone()),
            refresh_token: filled(tokens.refresh_token.clone()),
            ..tokens
        });
    }
    Err(denied(settings, &answer, secrets))
}

/// Sends a form to one of the endpoints that want to know who asks.
pub(super) async fn post(
    settings: &Settings,
    provider: &Provider,
    place: &Place,
    fields: &[(&str, &str)],
) -> Result<Response<Bytes>, Trouble> {
    let mut fields = fields.to_vec();
    let mut header = None;
    match &settings.client_secret {
        Some(secret) if provider.by_header => header = Some(basic(&settings.client_id, secret)),
        Some(secret) => {
            fields.extend([("client_id", settings.client_id.as_str()), ("client_secret", secret.expose())]);
        }
        None => fields.push(("client_id", &settings.client_id)),
    }
    Caller::to(place, LONGEST).await?.post(place, &fields, header.as_ref()).await
}

/// RFC 6749, 2.3.1: both are encoded as in a form first.
fn basic(client_id: &str, secret: &Secret) -> Secret {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Secret::new(format!("{}:{}", encoded(client_id), encoded(secret.expose())));
    Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair.expose())))
}

/// Reads an answer that is no success.
pub(super) fn denied(settings: &Settings, answer: &Response<Bytes>, secrets: &[&Secret]) -> Denied {
    let status = answer.status();
    let complaint: Complaint = serde_json::from_slice(answer.body()).unwrap_or_default();
    let secrets: Vec<&Secret> = secrets.iter().copied().chain(&settings.client_secret).collect();
    let mut said = quote::text(&complaint.error, &secrets);
    if !complaint.error_description.is_empty() {
        said = format!("{said}: {}", quote::text(&complaint.error_description, &secrets));
    }
    match complaint.error.as_str() {
        "authorization_pending" => Denied::Pending,
        "slow_down" => Denied::SlowDown,
        "invalid_grant" | "expired_token" | "access_denied" | "interaction_required" | "login_required" => {
            Denied::Grant(Trouble::person(format!("it says {said}")).hint(login(settings)))
        }
        "temporarily_unavailable" | "server_error" => {
            Denied::Other(Trouble::passing(format!("it says {said}")))
        }
        _ if status.is_server_error()
            || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status) =>
        {
            Denied::Other(Trouble::passing(format!("it answers with status {}", status.as_u16())))
        }
        "" => {
            let status = status.as_u16();
            Denied::Other(Trouble::useless(format!("it answers with status {status}, and no reason")))
        }
        // `invalid_client`, `invalid_scope`, … are about what was configured.
        _ => Denied::Other(misconfigured(format!("it says {said}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::Flow;
    use keyfob_shared::FailureKind;

    fn said(status: u16, body: &'static str) -> Denied {
        let settings = Settings {
            identity: "sso".parse().unwrap(),
            issuer: "https://idp.example".into(),
            client_id: "keyfob".into(),
            client_secret: Some(Secret::new("hunter2")),
            scopes: Vec::new(),
            flow: Flow::Browser,
            port: None,
            parameters: Vec::new(),
        };
        let answer = Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap();
        denied(&settings, &answer, &[&Secret::new("r3fresh")])
    }

    #[test]
    fn what_passes_is_told_from_what_needs_a_person() {
        for (status, body) in [
            (500, ""),
            (503, "<h1>down</h1>"),
            (429, "{}"),
            (408, ""),
            (502, r#"{"error":"bad_gateway"}"#),
            (400, r#"{"error":"temporarily_unavailable"}"#),
            (400, r#"{"error":"slow_down"}"#),
        ] {
            assert!(matches!(said(status, body).into_trouble(), Trouble::Passing(_)), "{status} {body}");
        }
        for error in ["invalid_grant", "expired_token", "access_denied"] {
            let body: &'static str = format!(r#"{{"error":"{error}"}}"#).leak();
            let Denied::Grant(trouble) = said(400, body) else { panic!("{error}") };
            let failure = trouble.into_failure();
            assert_eq!(
                (failure.kind, failure.hint.as_deref()),
                (FailureKind::Person, Some("keyfob login sso"))
            );
        }
        for (status, body) in [(401, r#"{"error":"invalid_client"}"#), (400, r#"{"error":"invalid_scope"}"#)]
        {
            let failure = said(status, body).into_trouble().into_failure();
            assert_eq!(failure.kind, FailureKind::Usage, "{body}");
        }
        assert!(matches!(said(404, "gone").into_trouble(), Trouble::Lasting(_)));
    }

    #[test]
    fn secrets_that_the_provider_repeats_are_not_quoted() {
        let body = r#"{"error":"invalid_grant","error_description":"r3fresh of hunter2\u001b[2J is spent"}"#;
        let failure = said(400, body).into_trouble().into_failure();
        assert_eq!(failure.message, "it says invalid_grant: [secret] of [secret]\u{fffd}[2J is spent");
    }

    #[test]
    fn names_and_secrets_are_encoded_before_they_become_a_header() {
        assert_eq!(
            basic("a:b", &Secret::new("c d%")).expose(),
            format!("Basic {}", BASE64_STANDARD.encode("a%3Ab:c+d%25"))
        );
    }
}
