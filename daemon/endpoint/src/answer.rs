//! The bodies of answers, in the form that SDKs read.

use crate::rules::{Refusal, header_of};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use keyfob_shared::credentials::Document;
use keyfob_shared::{Failure, FailureKind, Secret};
use serde::Serialize;
use zeroize::Zeroizing;

pub(crate) type Answer = Response<Full<Bytes>>;

/// Longer than what is around the parts of an answer, so that it never moves and leaves a copy behind.
const AROUND: usize = 256;

/// What SDKs read from an endpoint.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Granted<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    token: &'a str,
    expiration: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
}

/// Answers credentials from the reply to a `get`.
pub(crate) fn credentials(reply: &Secret) -> Option<Answer> {
    let document = Document::of_reply(reply.expose())?;
    let granted = Granted {
        access_key_id: &document.access_key_id,
        secret_access_key: document.secret_access_key.expose(),
        token: document.session_token.as_ref()?.expose(),
        expiration: document.expiration.as_deref()?,
        account_id: document.account_id.as_deref(),
    };
    if [granted.access_key_id, granted.secret_access_key, granted.token].iter().any(|part| part.is_empty()) {
        return None;
    }
    let mut body = Zeroizing::new(Vec::with_capacity(reply.expose().len() + AROUND));
    serde_json::to_writer(&mut *body, &granted).ok()?;
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
    use keyfob_shared::wire::DOCUMENT_PREFIX;

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
