//! The provider's own description (OpenID Connect Discovery 1.0).

use super::{Settings, misconfigured};
use crate::pkce;
use crate::quote;
use crate::trouble::Trouble;
use crate::web::{Caller, Place};
use hyper::StatusCode;
use serde::Deserialize;
use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(10);
const DOCUMENT: &str = "/.well-known/openid-configuration";

/// What is known of a provider.
pub(super) struct Provider {
    pub(super) issuer: String,
    authorization: Option<Place>,
    pub(super) token: Place,
    device: Option<Place>,
    /// Whether a client proves itself by a header; else in the form.
    pub(super) by_header: bool,
    /// Whether it gives out refresh tokens for a scope.
    pub(super) has_offline_access: bool,
    /// Whether its answers say whose they are.
    pub(super) names_itself: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: String,
    device_authorization_endpoint: Option<String>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Asks the provider for its description.
pub(super) async fn discover(settings: &Settings) -> Result<Provider, Trouble> {
    let url = format!("{}{DOCUMENT}", settings.issuer.trim_end_matches('/'));
    let place = Place::parse(&url).map_err(misconfigured)?;
    let answer = Caller::to(&place, LONGEST).await?.get(&place).await?;
    let status = answer.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Trouble::passing(format!("it answers with status {}", status.as_u16())));
    }
    if status != StatusCode::OK {
        return Err(misconfigured(format!("it has no {DOCUMENT}: status {}", status.as_u16())));
    }
    let document: Document = serde_json::from_slice(answer.body())
        .map_err(|_| Trouble::useless(format!("its {DOCUMENT} is not one")))?;
    read(document, &settings.issuer, &place)
}

fn read(document: Document, issuer: &str, place: &Place) -> Result<Provider, Trouble> {
    // Security: to the letter (4.3), or one provider speaks for another.
    if document.issuer != issuer {
        let other = quote::text(&document.issuer, &[]);
        return Err(misconfigured(format!("its document is that of the issuer {other:?}")));
    }
    let endpoint = |url: &str, name: &str| match Place::parse(url) {
        // Security: a provider on the network has no say about programs on this computer.
        Ok(endpoint) if endpoint.is_https() || !place.is_https() => Ok(endpoint),
        Ok(_) => Err(Trouble::refused(format!("its {name} endpoint is not https"))),
        Err(wrong) => Err(Trouble::refused(format!("its {name} endpoint: {wrong}"))),
    };
    let optional = |url: Option<String>, name: &str| url.map(|url| endpoint(&url, name)).transpose();
    if document.code_challenge_methods_supported.is_some_and(|methods| !has(&methods, pkce::METHOD)) {
        return Err(Trouble::useless(format!("it does not speak PKCE with {}", pkce::METHOD)));
    }
    let methods = document.token_endpoint_auth_methods_supported;
    Ok(Provider {
        authorization: optional(document.authorization_endpoint, "authorization")?,
        token: endpoint(&document.token_endpoint, "token")?,
        device: optional(document.device_authorization_endpoint, "device authorization")?,
        by_header: methods.is_none_or(|methods| has(&methods, "client_secret_basic")),
        has_offline_access: has(&document.scopes_supported, "offline_access"),
        names_itself: document.authorization_response_iss_parameter_supported,
        issuer: document.issuer,
    })
}

impl Provider {
    pub(super) fn authorization(&self) -> Result<&Place, Trouble> {
        self.authorization.as_ref().ok_or_else(|| misconfigured("it has no sign-in by a browser here"))
    }

    pub(super) fn device(&self) -> Result<&Place, Trouble> {
        self.device.as_ref().ok_or_else(|| misconfigured("it has no sign-in by a device code"))
    }

    /// Answers the scopes to ask for.
    pub(super) fn scopes(&self, settings: &Settings) -> String {
        let mut scopes = vec!["openid"];
        if settings.scopes.is_empty() && self.has_offline_access {
            scopes.push("offline_access");
        }
        scopes.extend(settings.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid"));
        scopes.join(" ")
    }
}

fn has(list: &[String], word: &str) -> bool {
    list.iter().any(|entry| entry == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ISSUER: &str = "https://idp.example/realm";

    fn provider(more: Value) -> Result<Provider, String> {
        let mut document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://idp.example/auth",
            "token_endpoint": "https://tokens.idp.example/token",
        });
        for (key, value) in more.as_object().unwrap() {
            document[key] = value.clone();
        }
        let read = read(serde_json::from_value(document).unwrap(), ISSUER, &Place::parse(ISSUER).unwrap());
        read.map_err(|trouble| trouble.into_failure().message)
    }

    #[test]
    fn the_usual_is_assumed_where_nothing_is_said() {
        let provider = provider(json!({})).unwrap();
        assert!(provider.by_header && !provider.has_offline_access && !provider.names_itself);
        assert!(provider.authorization().is_ok());
        let none = provider.device().unwrap_err().into_failure();
        assert_eq!(none.message, "it has no sign-in by a device code");
    }

    #[test]
    fn one_provider_does_not_speak_for_another() {
        for issuer in ["https://idp.example/realm/", "https://IDP.example/realm", "https://evil.example", ""]
        {
            assert!(provider(json!({ "issuer": issuer })).is_err(), "{issuer}");
        }
    }

    #[test]
    fn endpoints_are_https() {
        for wrong in
            ["http://idp.example/", "http://127.0.0.1:80/", "file:///x", "/token", "https://a@b.example/"]
        {
            for name in ["authorization_endpoint", "token_endpoint", "device_authorization_endpoint"] {
                assert!(provider(json!({ name: wrong })).is_err(), "{name}: {wrong}");
            }
        }
    }

    #[test]
    fn without_a_proof_of_the_code_it_is_not_used() {
        assert!(provider(json!({ "code_challenge_methods_supported": ["plain"] })).is_err());
        assert!(provider(json!({ "code_challenge_methods_supported": ["plain", "S256"] })).is_ok());
    }
}
