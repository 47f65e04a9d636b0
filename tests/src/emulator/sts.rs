//! The query protocol of STS: AssumeRole, GetSessionToken, GetCallerIdentity; and of IAM, whose calls come here too.

use super::answer::{Answer, Refusal, cut, endless, refusal, sts_error, text};
use super::iam::{self, Trouble};
use super::{Call, Fault, Known, State, account, assertions, lock};
use hyper::HeaderMap;
use keyfob_shared::Timestamp;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

const SIGNATURE_WINDOW: i64 = 5 * 60 * 1_000;
/// How long after its signature a request may come.
const LATE: i64 = 10 * 1_000;

/// Answers a request, after the time that it takes.
pub(super) async fn serve(state: &Mutex<State>, headers: &HeaderMap, body: &[u8]) -> Answer {
    if headers.get("x-amz-target").is_some_and(|target| target.as_bytes().ends_with(b".LookupEvents")) {
        return account::look_up(state, body);
    }
    let parameters: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
    let action = parameters.get("Action").cloned().unwrap_or_default();
    let (delay, fault) = {
        let mut state = lock(state);
        let access_key_id = signer(headers).unwrap_or_default();
        let call = Call { action: action.clone(), parameters, access_key_id, at: SystemTime::now() };
        let slow = state.slow_role.clone().filter(|(role, _)| call.parameters.get("RoleArn") == Some(role));
        state.calls.push(call);
        match action.as_str() {
            // A caller's own call: only mints are slow or spoilt.
            "GetCallerIdentity" => (Duration::ZERO, Fault::None),
            _ => (state.delay + slow.map_or(Duration::ZERO, |(_, delay)| delay), state.fault.clone()),
        }
    };
    tokio::time::sleep(delay).await;
    match fault {
        Fault::None | Fault::Refuse => {}
        Fault::Hang => std::future::pending::<()>().await,
        Fault::ServerError => return text(500, "text/html", "<h1>it broke</h1>"),
        Fault::Throttle => return sts_error(&refusal(400, "Throttling", "Rate exceeded")),
        Fault::Malformed => return text(200, "text/html", "welcome to the hotel network"),
        Fault::Torn => return text(200, "text/xml", "<AssumeRoleResponse><AssumeRoleResult><Cred"),
        Fault::Oversized => return endless(),
        Fault::Error(code, message) => {
            let status = if code.starts_with("AccessDenied") { 403 } else { 400 };
            return sts_error(&refusal(status, code, message));
        }
    }
    let parameters: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
    let mut state = lock(state);
    let trouble = state.take_trouble(&action);
    match trouble {
        Some(Trouble::CutBefore) => return cut(),
        Some(Trouble::Throttled) => return sts_error(&refusal(400, "Throttling", "Rate exceeded")),
        Some(Trouble::ServerError) => return text(500, "text/html", "<h1>it broke</h1>"),
        Some(Trouble::Denied) => {
            return sts_error(&refusal(403, "AccessDenied", format!("not authorized to perform: {action}")));
        }
        Some(Trouble::CutAfter) | None => {}
    }
    if let Some(result) = account::call(&mut state, &action, &parameters) {
        let whole = |body| {
            format!(
                "<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">{body}</{action}Response>"
            )
        };
        return result.map_or_else(|wrong| sts_error(&wrong), |body| text(200, "text/xml", whole(body)));
    }
    if let Some(result) = iam::call(&mut state, &action, headers, &parameters) {
        return match (result, trouble) {
            (_, Some(_)) => cut(),
            (result, None) => {
                result.map_or_else(|wrong| sts_error(&wrong), |body| text(200, "text/xml", body))
            }
        };
    }
    let result = match action.as_str() {
        "AssumeRole" => assume_role(&mut state, headers, &parameters),
        "GetSessionToken" => session_token(&mut state, headers, &parameters),
        "AssumeRoleWithWebIdentity" => with_web_identity(&mut state, &parameters),
        "AssumeRoleWithSAML" => with_saml(&mut state, &parameters),
        "GetFederationToken" => federation_token(&mut state, headers, &parameters),
        "GetCallerIdentity" => caller_identity(&mut state, headers),
        _ => Err(refusal(400, "InvalidAction", "Could not find operation")),
    };
    result.map_or_else(|wrong| sts_error(&wrong), |body| text(200, "text/xml", body))
}

/// Answers the access key that a request is signed with.
pub(super) fn signer(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("authorization")?.to_str().ok()?;
    text.split("Credential=").nth(1)?.split('/').next().map(str::to_owned)
}

/// By what moment a request is judged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Judge {
    Arrival,
    /// That of the signature, by the clock of the client, if it is not long ago.
    Signature,
}

/// Answers the key that signed, if it is good now.
pub(super) fn check(state: &State, headers: &HeaderMap, judge: Judge) -> Result<Known, Refusal> {
    let id =
        signer(headers).ok_or_else(|| refusal(403, "MissingAuthenticationToken", "there is no signature"))?;
    let known = state.keys.get(&id).cloned().ok_or_else(|| {
        refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    })?;
    let token = headers.get("x-amz-security-token").and_then(|value| value.to_str().ok());
    if token != known.token.as_deref() {
        return Err(refusal(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ));
    }
    if !state.may_use(&id) {
        return Err(refusal(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ));
    }
    let signed = headers.get("x-amz-date").and_then(|value| read_date(value.to_str().ok()?));
    let now = match judge {
        Judge::Arrival => state.now(),
        Judge::Signature => {
            let signed = signed.map(|signed| signed - state.clients_ahead + state.ahead);
            signed.unwrap_or_default().clamp(state.now() - LATE, state.now())
        }
    };
    if known.ends_at.is_some_and(|end| end <= now) {
        return Err(refusal(403, "ExpiredToken", "The security token included in the request is expired"));
    }
    let is_near = |signed: i64| (signed - state.now()).abs() <= SIGNATURE_WINDOW;
    if judge == Judge::Arrival && !signed.is_none_or(is_near) {
        let message = "Signature expired: 20260101T000000Z is now earlier than 20260101T001500Z (20260101T002000Z - 5 min.)";
        return Err(refusal(403, "SignatureDoesNotMatch", message));
    }
    Ok(known)
}

fn read_date(text: &str) -> Option<i64> {
    let part = |range: std::ops::Range<usize>| text.get(range);
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0..4)?,
        part(4..6)?,
        part(6..8)?,
        part(9..11)?,
        part(11..13)?,
        part(13..15)?
    );
    Timestamp::parse(&text).map(Timestamp::millis)
}

fn assume_role(
    state: &mut State,
    headers: &HeaderMap,
    parameters: &HashMap<String, String>,
) -> Result<String, Refusal> {
    let caller = check(state, headers, Judge::Arrival)?;
    if duration(parameters, 3_600) > 3_600 && caller.arn.contains(":assumed-role/") {
        let message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
        return Err(refusal(400, "ValidationError", message));
    }
    let (arn, credentials) = role(state, parameters)?;
    let name = arn.rsplit('/').next().unwrap_or_default();
    Ok(format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>{credentials}<AssumedRoleUser><Arn>{arn}</Arn><AssumedRoleId>AROA:{name}</AssumedRoleId></AssumedRoleUser></AssumeRoleResult><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></AssumeRoleResponse>"
    ))
}

/// Makes a session of the role that is asked for, and answers its ARN and its element.
fn role(state: &mut State, parameters: &HashMap<String, String>) -> Result<(String, String), Refusal> {
    let role = parameters.get("RoleArn").cloned().unwrap_or_default();
    let seconds = duration(parameters, 3_600);
    if seconds > state.role_maximum {
        let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        return Err(refusal(400, "ValidationError", message));
    }
    let name = parameters.get("RoleSessionName").map_or("assertion", String::as_str);
    let path = role.rsplit('/').next().unwrap_or_default();
    let account = role.split(':').nth(4).unwrap_or_default();
    let arn = format!("arn:aws:sts::{account}:assumed-role/{path}/{name}");
    let credentials = grant(state, arn.clone(), seconds);
    Ok((arn, credentials))
}

fn session_token(
    state: &mut State,
    headers: &HeaderMap,
    parameters: &HashMap<String, String>,
) -> Result<String, Refusal> {
    let caller = check(state, headers, Judge::Arrival)?;
    if caller.token.is_some() {
        return Err(refusal(403, "AccessDenied", "Cannot call GetSessionToken with session credentials"));
    }
    if let Some(serial) = parameters.get("SerialNumber") {
        let code = parameters.get("TokenCode").cloned().unwrap_or_default();
        let wrong = code.len() != 6 || code == "000000";
        if wrong || !state.used_codes.insert((serial.clone(), code)) {
            let message = "MultiFactorAuthentication failed with invalid MFA one time pass code.";
            return Err(refusal(403, "AccessDenied", message));
        }
    }
    let credentials = grant(state, caller.arn, duration(parameters, 43_200));
    Ok(format!(
        "<GetSessionTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetSessionTokenResult>{credentials}</GetSessionTokenResult><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></GetSessionTokenResponse>"
    ))
}

/// Tokens are good that were registered, until they end.
fn with_web_identity(state: &mut State, parameters: &HashMap<String, String>) -> Result<String, Refusal> {
    let token = parameters.get("WebIdentityToken").cloned().unwrap_or_default();
    match state.web_tokens.get(&token) {
        None if state.accepts_web_tokens && token.starts_with("eyJ") => {}
        None => return Err(refusal(400, "InvalidIdentityToken", "Incorrect token audience")),
        Some(end) if *end <= state.now() => {
            return Err(refusal(
                400,
                "ExpiredTokenException",
                "Token expired: current date/time must be before the expiration date/time",
            ));
        }
        Some(_) => {}
    }
    let (arn, credentials) = role(state, parameters)?;
    Ok(format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult>{credentials}<AssumedRoleUser><Arn>{arn}</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser></AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>"
    ))
}

fn with_saml(state: &mut State, parameters: &HashMap<String, String>) -> Result<String, Refusal> {
    assertions::check(parameters, state.now())?;
    let (arn, credentials) = role(state, parameters)?;
    Ok(format!(
        "<AssumeRoleWithSAMLResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithSAMLResult>{credentials}<AssumedRoleUser><Arn>{arn}</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser></AssumeRoleWithSAMLResult><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></AssumeRoleWithSAMLResponse>"
    ))
}

fn federation_token(
    state: &mut State,
    headers: &HeaderMap,
    parameters: &HashMap<String, String>,
) -> Result<String, Refusal> {
    let caller = check(state, headers, Judge::Arrival)?;
    if caller.token.is_some() {
        return Err(refusal(403, "AccessDenied", "Cannot call GetFederationToken with session credentials"));
    }
    let name = parameters.get("Name").cloned().unwrap_or_default();
    let account = caller.arn.split(':').nth(4).unwrap_or_default();
    let arn = format!("arn:aws:sts::{account}:federated-user/{name}");
    let credentials = grant(state, arn.clone(), duration(parameters, 43_200));
    Ok(format!(
        "<GetFederationTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetFederationTokenResult>{credentials}<FederatedUser><Arn>{arn}</Arn><FederatedUserId>{account}:{name}</FederatedUserId></FederatedUser></GetFederationTokenResult><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></GetFederationTokenResponse>"
    ))
}

fn caller_identity(state: &mut State, headers: &HeaderMap) -> Result<String, Refusal> {
    let caller = check(state, headers, Judge::Arrival);
    state.note(headers, caller.as_ref().err(), "GetCallerIdentity");
    let caller = caller?;
    let account = caller.arn.split(':').nth(4).unwrap_or_default();
    Ok(format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>{}</Arn><UserId>AIDA</UserId><Account>{account}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></GetCallerIdentityResponse>",
        caller.arn
    ))
}

fn duration(parameters: &HashMap<String, String>, default: u32) -> u32 {
    parameters.get("DurationSeconds").and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Makes a session and answers its element; it ends at the whole second that is told.
fn grant(state: &mut State, arn: String, seconds: u32) -> String {
    let (id, secret) = state.new_key("ASIA");
    let token = state.new_secret(400);
    let lifetime = Duration::from_secs(seconds.into()).min(state.lifetime);
    let ends_at = (state.now() + i64::try_from(lifetime.as_millis()).unwrap_or(0)) / 1_000 * 1_000;
    state.keys.insert(id.clone(), Known { token: Some(token.clone()), ends_at: Some(ends_at), arn });
    format!(
        "<Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken><Expiration>{}</Expiration></Credentials>",
        Timestamp::from_millis(ends_at)
    )
}
