//! Sign-in to the AWS console: a session for a token, which is good for 15 minutes.

use crate::sts::{MAX_BODY, Sts};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use keyfob_aws::Observed;
use keyfob_shared::{Credentials, Failure, FailureKind, Secret};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use zeroize::Zeroizing;

/// The network part, connecting and answer together.
const LONGEST_CALL: Duration = Duration::from_secs(8);

/// What is asked of the console.
#[derive(Clone, Debug)]
pub struct Console {
    /// The address of the sign-in service, without a path.
    pub signin: String,
    /// Seconds, 900 to 43,200; not for sessions of role chaining, nor for those of `GetFederationToken`.
    pub duration: Option<u32>,
    /// Where the person is taken: an address of the console.
    pub destination: String,
    /// Whether another sign-in of the browser is ended first.
    pub logout_first: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Session<'a> {
    session_id: &'a str,
    session_key: &'a str,
    session_token: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "SigninToken")]
    token: Secret,
}

impl Sts {
    /// Answers the address that signs a browser in; it is a secret for 15 minutes.
    ///
    /// # Errors
    /// If the credentials are no session, or the service refuses or can't be reached within 8 s.
    pub async fn console_url(&self, console: &Console, credentials: &Credentials) -> Result<Secret, Failure> {
        let wrong = |kind, why: &str| Failure::new(kind, format!("sign in to the console: {why}"));
        let Some(token) = &credentials.session_token else {
            return Err(
                wrong(FailureKind::Usage, "a long-term key is no session").hint("use a profile with a role")
            );
        };
        let session = Session {
            session_id: &credentials.access_key_id,
            session_key: credentials.secret_access_key.expose(),
            session_token: token.expose(),
        };
        let session = Zeroizing::new(serde_json::to_string(&session).expect("texts always serialize"));
        let duration = console.duration.map(|seconds| seconds.to_string());
        let mut query = vec![("Action", "getSigninToken"), ("Session", session.as_str())];
        query.extend(duration.as_deref().map(|seconds| ("SessionDuration", seconds)));
        let url = address(&console.signin, "/federation", &query);
        let unreachable = |why: &str| {
            wrong(FailureKind::Upstream, why).hint("check the network and [endpoints]; keyfob doctor")
        };
        let connector = self
            .connections
            .connector()
            .await
            .ok_or_else(|| unreachable("the root certificates can't be read"))?;
        let answer = tokio::time::timeout(LONGEST_CALL, ask(connector, &url)).await;
        let (status, body) = answer
            .map_err(|_| unreachable(&format!("no answer within {} s", LONGEST_CALL.as_secs())))?
            .map_err(|why| unreachable(&why))?;
        if status != 200 {
            let why = format!(
                "it is refused (HTTP {status}): the session may have ended, or is not for the console"
            );
            return Err(wrong(FailureKind::Upstream, &why)
                .hint("use a profile with a role, and no --duration behind role chaining"));
        }
        // The cause would quote the token.
        let Ok(Answer { token }) = serde_json::from_slice(&body) else {
            return Err(unreachable("the answer is not one of the sign-in service"));
        };
        let query = [
            ("Action", "login"),
            ("Issuer", "keyfob"),
            ("Destination", &console.destination),
            ("SigninToken", token.expose()),
        ];
        let login = address(&console.signin, "/federation", &query);
        if !console.logout_first {
            return Ok(login);
        }
        let query = [("Action", "logout"), ("redirect_uri", login.expose())];
        Ok(address(&console.signin, "/oauth", &query))
    }
}

fn address(service: &str, path: &str, query: &[(&str, &str)]) -> Secret {
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(query);
    Secret::new(format!("{service}{path}?{}", text.finish()))
}

async fn ask(connector: SharedHttpConnector, url: &Secret) -> Result<(u16, Zeroizing<Vec<u8>>), String> {
    let request =
        HttpRequest::get(url.expose()).map_err(|_| "the address of the service is none".to_owned())?;
    // A cause may quote the address, which holds the session.
    let answer = Observed::new(connector, MAX_BODY)
        .call(request)
        .await
        .map_err(|_| "the service can't be reached".to_owned())?;
    let status = answer.status().as_u16();
    let body = http_body_util::BodyExt::collect(answer.into_body()).await;
    let body = body.map_err(|_| "the answer broke off, or is too long".to_owned())?;
    Ok((status, Zeroizing::new(body.to_bytes().to_vec())))
}
