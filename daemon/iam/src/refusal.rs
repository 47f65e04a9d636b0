//! Why a call gave nothing, sorted by what can be done about it.

use crate::Access;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use keyfob_aws::{cause_of, quote};
use keyfob_shared::{Failure, FailureKind};

/// What can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// No answer, a server that fails, too many requests: the call may have been carried out all the same.
    Transient,
    /// The key is good, and may not do this.
    Denied,
    /// The key is not known to AWS, or inactive: also for a moment after it was made.
    KeyRefused,
    /// What the call is about does not exist.
    NotFound,
    /// Two access keys are there already.
    LimitExceeded,
    /// Asked for too early: the credential report is still being made.
    NotReady,
    /// Everything else.
    Other,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What can be done about it.
    pub kind: RefusalKind,
    /// For people.
    pub failure: Failure,
}

/// Who was called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Service {
    Iam,
    Sts,
    CloudTrail,
}

impl Service {
    const fn name(self) -> &'static str {
        match self {
            Self::Iam => "IAM",
            Self::Sts => "STS",
            Self::CloudTrail => "CloudTrail",
        }
    }
}

impl Refusal {
    pub(crate) fn unreachable(service: Service, what: &str, why: &str) -> Self {
        let failure = Failure::new(FailureKind::Upstream, format!("{what}: {}: {why}", service.name()))
            .hint("check the network and [endpoints]; keyfob doctor");
        Self { kind: RefusalKind::Transient, failure }
    }

    pub(crate) fn malformed(service: Service, what: &str) -> Self {
        let name = service.name();
        let failure = Failure::new(FailureKind::Upstream, format!("{what}: the answer is not one of {name}"))
            .hint("check [endpoints] and HTTPS_PROXY; keyfob doctor");
        Self { kind: RefusalKind::Transient, failure }
    }

    /// Sorts an error of the SDK; `action` is what a policy calls it: `iam:ListAccessKeys`.
    pub(crate) fn of<E: ProvideErrorMetadata>(
        service: Service,
        action: &str,
        access: &Access,
        error: &SdkError<E, HttpResponse>,
    ) -> Self {
        let status = error.raw_response().map_or(0, |response| response.status().as_u16());
        match error {
            SdkError::ServiceError(refused) => {
                let secrets = [Some(&access.key.secret_access_key), access.key.session_token.as_ref()];
                let said = refused.err().message().unwrap_or_default();
                let said = quote::message(secrets.into_iter().flatten(), said);
                sort(service, action, &access.key.access_key_id, status, refused.err().code(), &said)
            }
            SdkError::DispatchFailure(failure) => {
                let cause = failure.as_connector_error().map(|cause| cause_of(cause)).unwrap_or_default();
                Self::unreachable(service, action, &format!("can't be reached: {cause}"))
            }
            SdkError::TimeoutError(_) => Self::unreachable(service, action, "took too long"),
            // ResponseError, and what later versions of the SDK may add: an answer that is not understood.
            _ => Self::malformed(service, action),
        }
    }
}

fn sort(service: Service, action: &str, key: &str, status: u16, code: Option<&str>, said: &str) -> Refusal {
    use RefusalKind::{Denied, KeyRefused, LimitExceeded, NotFound, NotReady, Other, Transient};
    let told = |kind, why: &str, hint: &str| {
        let colon = if said.is_empty() { "" } else { ": " };
        let failure = Failure::new(FailureKind::Upstream, format!("{action} with {key}: {why}{colon}{said}"))
            .hint(hint);
        Refusal { kind, failure }
    };
    match code {
        Some("AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation") => {
            told(Denied, "access denied", &format!("allow {action} in a policy of this identity"))
        }
        // A key may be good and its use forbidden by a policy of the organisation or for want of MFA; that is "AccessDenied".
        Some(
            "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "InvalidAccessKeyId"
            | "AuthFailure"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException",
        ) => told(KeyRefused, "the key is not accepted", "keyfob key list"),
        Some("ExpiredToken" | "ExpiredTokenException") => {
            told(KeyRefused, "the session has ended", "keyfob login")
        }
        Some("NoSuchEntity" | "NoSuchEntityException") => {
            told(NotFound, "there is no such thing", "keyfob key list")
        }
        Some("LimitExceeded") => told(LimitExceeded, "there are two access keys already", "keyfob key list"),
        Some("ReportInProgress" | "ReportNotPresent" | "ReportExpired") => {
            told(NotReady, "the report is still being made", "keyfob report")
        }
        Some(
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "SlowDown"
            | "LimitExceededException"
            | "PriorRequestNotComplete"
            | "EntityTemporarilyUnmodifiable"
            | "ConcurrentModification"
            | "ServiceFailure"
            | "InternalFailure"
            | "InternalError"
            | "ServiceUnavailable"
            | "RequestTimeout",
        ) => told(Transient, &format!("{} asks to come back later", service.name()), "keyfob status"),
        _ if status >= 500 || status == 429 || status == 408 => {
            told(Transient, &format!("{} has failed (HTTP {status})", service.name()), "keyfob status")
        }
        Some(code) => told(Other, &quote::code(code), "keyfob doctor"),
        None => Refusal::malformed(service, action),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_is_sorted_by_what_can_be_done() {
        use RefusalKind::{Denied, KeyRefused, LimitExceeded, NotFound, NotReady, Other, Transient};
        let cases = [
            (403, Some("AccessDenied"), Denied),
            (403, Some("InvalidClientTokenId"), KeyRefused),
            (403, Some("SignatureDoesNotMatch"), KeyRefused),
            (404, Some("NoSuchEntity"), NotFound),
            // The limit of two keys is final; the throttle code has another name.
            (409, Some("LimitExceeded"), LimitExceeded),
            (400, Some("LimitExceededException"), Transient),
            (400, Some("Throttling"), Transient),
            (410, Some("ReportNotPresent"), NotReady),
            (500, Some("Whatever"), Transient),
            (503, None, Transient),
            (200, None, Transient),
            (400, Some("ValidationError"), Other),
        ];
        for (status, code, kind) in cases {
            let refusal = sort(Service::Iam, "iam:ListAccessKeys", "AKIA", status, code, "why");
            assert_eq!(refusal.kind, kind, "{status} {code:?}");
            assert!(refusal.failure.hint.is_some(), "{status} {code:?}");
        }
    }
}
