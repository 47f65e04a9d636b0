//! A sign-in in a browser anywhere (RFC 8628).

use super::provider::Provider;
use super::token::{self, Denied, Tokens};
use super::{Settings, login};
use crate::Ask;
use crate::ask::while_there;
use crate::pace::Pace;
use crate::quote;
use crate::trouble::Trouble;
use crate::web::is_shown;
use hyper::StatusCode;
use keyfob_shared::Secret;
use keyfob_shared::wire::Prompt;
use serde::Deserialize;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

#[derive(Deserialize)]
struct Started {
    device_code: Secret,
    user_code: String,
    // Google's name for it is older than the standard.
    #[serde(alias = "verification_url")]
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

pub(super) async fn sign_in(
    settings: &Settings,
    provider: &Provider,
    ask: &mut impl Ask,
) -> Result<Tokens, Trouble> {
    let scope = provider.scopes(settings);
    let answer = token::post(settings, provider, provider.device()?, &[("scope", &scope)]).await?;
    if answer.status() != StatusCode::OK {
        return Err(token::denied(settings, &answer, &[]).into_trouble());
    }
    let started: Started = serde_json::from_slice(answer.body())
        .map_err(|_| Trouble::passing("it answers something that is no device code"))?;
    let url = started.verification_uri_complete.unwrap_or(started.verification_uri);
    if !is_shown(&url) {
        return Err(Trouble::refused("the address that it wants opened is not https"));
    }
    let code = Some(quote::text(&started.user_code, &[]));
    ask.show(Prompt::OpenUrl { url, code }).await.map_err(Trouble::Lasting)?;
    let fields = [("grant_type", GRANT), ("device_code", started.device_code.expose())];
    let mut pace = Pace::new(started.interval, started.expires_in);
    while while_there(ask, pace.wait()).await? {
        match token::request(settings, provider, &fields, &[&started.device_code]).await {
            Ok(tokens) => return Ok(tokens),
            Err(Denied::Pending) => {}
            // RFC 8628, 3.5: also where the network is slow.
            Err(Denied::SlowDown | Denied::Other(Trouble::Passing(_))) => pace.slow_down(),
            Err(denied @ (Denied::Grant(_) | Denied::Other(Trouble::Lasting(_)))) => {
                return Err(denied.into_trouble());
            }
        }
    }
    Err(Trouble::person("nobody signed in while the code was good").hint(login(settings)))
}
