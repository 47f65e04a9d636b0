//! `sso-oidc`: registrations, device codes, authorization codes and refresh tokens, and the pages that people see.

use super::super::answer::{Answer, text};
use super::server::{Asked, Refusal, refusal};
use super::{Authorization, Client, Decision, Device, State};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hyper::header::HeaderValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::time::{Instant, SystemTime};

const SCOPE: &str = "sso:account:access";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) fn register(state: &mut State, asked: &Asked) -> Result<Value, Refusal> {
    if asked.field("clientType") != "public" || asked.field("clientName").is_empty() {
        return Err(refusal(400, "InvalidClientMetadataException"));
    }
    if asked.list("scopes") != [SCOPE] {
        return Err(refusal(400, "InvalidScopeException"));
    }
    let (redirect_uris, grant_types) = (asked.list("redirectUris"), asked.list("grantTypes"));
    if grant_types.iter().any(|grant| grant == "authorization_code")
        && (redirect_uris.is_empty() || asked.field("issuerUrl").is_empty())
    {
        return Err(refusal(400, "InvalidRedirectUriException"));
    }
    let (id, secret) = (format!("client-{}", state.clients.len() + 1), state.new_secret());
    let ends = SystemTime::now() + state.registration_lifetime;
    let client = Client { secret: secret.clone(), ends, redirect_uris, grant_types };
    state.clients.insert(id.clone(), client);
    Ok(json!({
        "clientId": id,
        "clientSecret": secret,
        "clientIdIssuedAt": seconds(SystemTime::now()),
        "clientSecretExpiresAt": seconds(ends),
    }))
}

pub(super) fn start_device(state: &mut State, asked: &Asked, address: SocketAddr) -> Result<Value, Refusal> {
    let client = client(state, asked)?;
    if asked.field("startUrl") != format!("http://{address}/start") {
        return Err(refusal(400, "InvalidRequestException"));
    }
    let device_code = state.new_secret();
    let user_code = format!("KEYF-{:04}", state.devices.len() + 1);
    let ends = SystemTime::now() + state.device_lifetime;
    let device =
        Device { client, user_code: user_code.clone(), ends, decision: Decision::Open, last_asked: None };
    state.devices.insert(device_code.clone(), device);
    Ok(json!({
        "deviceCode": device_code,
        "userCode": user_code,
        "verificationUri": format!("http://{address}/device"),
        "verificationUriComplete": format!("http://{address}/device?user_code={user_code}"),
        "expiresIn": state.device_lifetime.as_secs(),
        "interval": state.interval.as_secs(),
    }))
}

/// The page of a device code: whoever opens it has decided.
pub(super) fn decide(state: &mut State, asked: &Asked) -> Answer {
    let decision = if state.denies { Decision::Denied } else { Decision::Approved };
    let device = state.devices.values_mut().find(|device| device.user_code == asked.parameter("user_code"));
    match device {
        Some(device) => {
            device.decision = decision;
            text(200, "text/html", "<p>You can close this page.")
        }
        None => text(404, "text/html", "<p>There is no such code."),
    }
}

/// The page of an authorization: whoever opens it is sent back at once.
pub(super) fn authorize(state: &mut State, asked: &Asked) -> Answer {
    let wrong = |what: &'static str| text(400, "text/html", what);
    let Some(client) = state.clients.get(asked.parameter("client_id")) else { return wrong("client_id") };
    let redirect_uri = asked.parameter("redirect_uri");
    if !client.redirect_uris.iter().any(|uri| *uri == without_port(redirect_uri)) {
        return wrong("redirect_uri");
    }
    if asked.parameter("response_type") != "code"
        || asked.parameter("code_challenge_method") != "S256"
        || asked.parameter("code_challenge").is_empty()
        || asked.parameter("scopes") != SCOPE
        || asked.parameter("state").is_empty()
    {
        return wrong("a parameter");
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("state", asked.parameter("state"));
    if state.denies {
        query.append_pair("error", "access_denied");
    } else {
        let code = state.new_secret();
        query.append_pair("code", &code);
        let authorization = Authorization {
            client: asked.parameter("client_id").into(),
            redirect_uri: redirect_uri.into(),
            challenge: asked.parameter("code_challenge").into(),
        };
        state.authorizations.insert(code, authorization);
    }
    let mut answer = text(302, "text/html", "");
    if let Ok(location) = HeaderValue::from_str(&format!("{redirect_uri}?{}", query.finish())) {
        answer.headers_mut().insert("location", location);
    }
    answer
}

pub(super) fn create(state: &mut State, asked: &Asked) -> Result<Value, Refusal> {
    let client = client(state, asked)?;
    let grant = asked.field("grantType");
    let registered = &state.clients[&client].grant_types;
    if !registered.is_empty() && !registered.iter().any(|one| one == grant) {
        return Err(refusal(400, "UnauthorizedClientException"));
    }
    match grant {
        DEVICE => poll(state, asked.field("deviceCode"), &client)?,
        "authorization_code" => {
            let authorization = state.authorizations.remove(asked.field("code"));
            let proof = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(asked.field("codeVerifier")));
            let is_good = |found: &Authorization| {
                found.client == client
                    && found.challenge == proof
                    && found.redirect_uri == asked.field("redirectUri")
            };
            if !authorization.as_ref().is_some_and(is_good) {
                return Err(refusal(400, "InvalidGrantException"));
            }
        }
        "refresh_token" => {
            if state.refresh.remove(asked.field("refreshToken")) != Some(client.clone()) {
                return Err(refusal(400, "InvalidGrantException"));
            }
        }
        _ => return Err(refusal(400, "UnsupportedGrantTypeException")),
    }
    let (access, refresh) = (state.new_secret(), state.new_secret());
    state.access.insert(access.clone(), SystemTime::now() + state.token_lifetime);
    state.refresh.insert(refresh.clone(), client);
    Ok(json!({
        "accessToken": access,
        "tokenType": "Bearer",
        "expiresIn": state.token_lifetime.as_secs(),
        "refreshToken": refresh,
    }))
}

/// Takes a device code that was approved.
fn poll(state: &mut State, code: &str, client: &str) -> Result<(), Refusal> {
    let (interval, forced) = (state.interval, state.slow_downs > 0);
    let Some(device) = state.devices.get_mut(code).filter(|device| device.client == client) else {
        return Err(refusal(400, "InvalidGrantException"));
    };
    if device.ends <= SystemTime::now() {
        return Err(refusal(400, "ExpiredTokenException"));
    }
    let last = device.last_asked.replace(Instant::now());
    if forced || last.is_some_and(|last| last.elapsed() < interval) {
        state.slow_downs = state.slow_downs.saturating_sub(1);
        return Err(refusal(400, "SlowDownException"));
    }
    match device.decision {
        Decision::Open => Err(refusal(400, "AuthorizationPendingException")),
        Decision::Denied => Err(refusal(400, "AccessDeniedException")),
        Decision::Approved => {
            state.devices.remove(code);
            Ok(())
        }
    }
}

fn client(state: &State, asked: &Asked) -> Result<String, Refusal> {
    let id = asked.field("clientId");
    let known = state.clients.get(id).filter(|known| known.secret == asked.field("clientSecret"));
    match known {
        Some(known) if known.ends > SystemTime::now() => Ok(id.to_owned()),
        Some(_) | None => Err(refusal(401, "InvalidClientException")),
    }
}

/// RFC 8252, 7.3: the port of a loopback address is not compared.
fn without_port(uri: &str) -> String {
    match uri.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.split_once('/')) {
        Some((_, path)) => format!("http://127.0.0.1/{path}"),
        None => uri.to_owned(),
    }
}

fn seconds(moment: SystemTime) -> u64 {
    moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
