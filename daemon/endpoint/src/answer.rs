//! The bodies of answers, in the form that SDKs read.

use crate::rules::{Refusal, header_of};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use keyfob_shared::wire::DOCUMENT_PREFIX;
use keyfob_shared::{Failure, FailureKind, Secret};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub(crate) type Answer = Response<Full<Bytes>>;

/// Longer than what is around the parts of an answer, so that it never moves and leaves a copy behind.
const AROUND: usize = 256;

/// The document of `credential_process`, and the answer of the endpoint: they differ in the name of the token.
#[derive(Serialize, Deserialize)]
#[serde(rename_all(serialize = "PascalCase", deserialize = "PascalCase"))]
struct Document {
    access_key_id: String,
    secret_access_key: Secret,
    #[serde(rename(serialize = "Token", deserialize = "SessionToken"))]
    session_token: Secret,
    expiration: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
}

/// Answers credentials from the reply to a `get`.
pub(crate) fn credentials(reply: &Secret) -> Option<Answer> {
    let document = reply.expose().strip_prefix(DOCUMENT_PREFIX)?.strip_suffix('}')?;
    // The cause would quote the document.
    let document: Document = serde_json::from_str(document).ok()?;
    let parts =
        [&document.access_key_id, document.secret_access_key.expose(), document.session_token.expose()];
    if parts.iter().any(|part| part.is_empty()) {
        return None;
    }
    let mut body = Zeroizing::new(Vec::with_capacity(reply.expose().len() + AROUND));
    serde_json::to_writer(&mut *body, &document).ok()?;
    Some(with_body(StatusCode::OK, Bytes::from_owner(body)))
}

/// Answers why there are no credentials. SDKs ask again after a 5xx, and give up after a 4xx.
pub(crate) fn failure(failure: &Failure) -> Answer {
    let (status, code) = match failure.kind {
        FailureKind::Upstream | FailureKind::Unreachable => (StatusCode::SERVICE_UNAVAILABLE, "Unavailable"),
        FailureKind::Person => (StatusCode::FORBIDDEN, "SignInNeeded"),
        FailureKind::Refused | FailureKind::Usage => (StatusCode::FORBIDDEN, "Refused"),
    };
    let hint = failure.hint.as_ref().map_or_else(String::new, |hint| format!("; run: {hint}"));
    told(status, code, &format!("keyfob: {failure}{hint}"))
}

/// Answers a request that is against the rules.
pub(crate) fn refused(refusal: Refusal) -> Answer {
    told(refusal.status, "Refused", &format!("keyfob: the request is refused: {}", refusal.why))
}

#[derive(Serialize)]
struct Told<'a> {
    code: &'a str,
    message: &'a str,
}

fn told(status: StatusCode, code: &str, message: &str) -> Answer {
    let body = serde_json::to_vec(&Told { code, message }).expect("texts always serialize");
    let mut answer = with_body(status, body.into());
    if let Some((name, value)) = header_of(status) {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

fn with_body(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn text(answer: Answer) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = runtime.block_on(answer.into_body().collect()).unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[test]
    fn the_document_is_told_as_sdks_read_it() {
        let document = r#"{"Version":1,"AccessKeyId":"ASIA1","SecretAccessKey":"s","SessionToken":"t","Expiration":"2026-01-02T03:04:05Z","AccountId":"111122223333"}"#;
        let answer = credentials(&Secret::new(format!("{DOCUMENT_PREFIX}{document}}}"))).unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let expected = r#"{"AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-02T03:04:05Z","AccountId":"111122223333"}"#;
        assert_eq!(text(answer), expected);
    }

    #[test]
    fn what_is_no_whole_document_is_never_answered() {
        for document in ["{}", r#"{"AccessKeyId":"ASIA1","SecretAccessKey":"s"}"#, ""] {
            assert!(
                credentials(&Secret::new(format!("{DOCUMENT_PREFIX}{document}}}"))).is_none(),
                "{document}"
            );
        }
    }

    #[test]
    fn a_failure_says_what_to_do() {
        let answer = failure(&Failure::new(FailureKind::Person, "a code is needed").hint("keyfob login a"));
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let expected = r#"{"code":"SignInNeeded","message":"keyfob: a code is needed; run: keyfob login a"}"#;
        assert_eq!(text(answer), expected);
    }
}
