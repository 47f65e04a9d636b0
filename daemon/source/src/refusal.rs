//! What STS refuses, in which words, and what can be done about it.
//!
//! The codes are those of the STS API reference, its common errors, and the SDKs' retry lists. Each failure has a
//! hint. No text of an answer is shown that did not come through [`quote`].

use crate::denied::{denied, key, signature};
use keyfob_aws::quote;
use keyfob_engine::mint::{MintErrorKind, MintRequest};
use keyfob_engine::plan::Step;
use keyfob_shared::{Failure, FailureKind};

/// Why there is no session.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) kind: MintErrorKind,
    pub(crate) failure: Failure,
    pub(crate) speaker: Speaker,
}

/// Who has answered. Only STS is believed about the time: a captive portal has a clock too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The answer is an error that STS is known to give.
    Sts,
    /// Nobody, or anybody.
    Unknown,
}

/// Names the call, for messages.
pub(crate) fn what(step: &Step) -> String {
    match step {
        Step::AssumeRole(role) | Step::Federated(_, role) => format!("assume role {}", role.role_arn),
        Step::SessionToken(_) => "get a session token".into(),
        Step::FederationToken(_) => "get a federation token".into(),
        Step::PortalRole(role) => format!("get credentials of {} in {}", role.role_name, role.account_id),
        Step::Process => "run the command of the identity".into(),
    }
}

/// There was no answer, or not the whole of it, for a reason that is known.
pub(crate) fn unreachable(step: &Step, why: &str) -> Refusal {
    let hint = if why.contains("certificate") {
        "check the clock, [endpoints] and the root certificates of this computer (SSL_CERT_FILE replaces them)"
    } else if why.contains("tunnel error") {
        "check HTTPS_PROXY and NO_PROXY where the daemon was started; keyfob daemon restart"
    } else {
        "check the network and [endpoints]; keyfob status shows the next attempt"
    };
    let failure = Failure::new(FailureKind::Upstream, format!("{}: {why}", what(step))).hint(hint);
    unknown(MintErrorKind::Transient, failure)
}

/// Something answered that is not STS, or not whole.
pub(crate) fn malformed(step: &Step) -> Refusal {
    let message = format!("{}: the answer is not one of STS", what(step));
    let hint = "check [endpoints], HTTPS_PROXY and whether the network asks to sign in; keyfob doctor";
    unknown(MintErrorKind::Transient, Failure::new(FailureKind::Upstream, message).hint(hint))
}

/// The call was never made.
pub(crate) fn not_made(step: &Step) -> Refusal {
    let message = format!("{}: the call can't be made with these parameters", what(step));
    unknown(MintErrorKind::Final, Failure::new(FailureKind::Usage, message).hint("keyfob profile check"))
}

fn unknown(kind: MintErrorKind, failure: Failure) -> Refusal {
    Refusal { kind, failure, speaker: Speaker::Unknown }
}

/// Sorts an error answer.
pub(crate) fn sort(request: &MintRequest, status: Option<u16>, code: Option<&str>, message: &str) -> Refusal {
    let step = &request.step;
    let secrets = request.from.secrets().into_iter().chain(request.mfa_code.as_ref());
    let said = quote::message(secrets, message);
    let is_failing = status.is_some_and(|status| status >= 500 || status == 408);
    let (kind, failure) = match code {
        Some(code) => {
            if let Some((kind, failure)) = known(request, code, message, &said) {
                return Refusal { kind, failure, speaker: Speaker::Sts };
            }
            let code = quote::code(code);
            match status {
                Some(429) => slow_down(step, &said),
                Some(_) | None if is_failing => server_error(step, &code),
                Some(_) | None => (
                    MintErrorKind::Final,
                    told(step, FailureKind::Upstream, &code, &said).hint("keyfob doctor"),
                ),
            }
        }
        None if status == Some(429) => slow_down(step, ""),
        None if is_failing => server_error(step, &format!("HTTP {}", status.unwrap_or_default())),
        None => return malformed(step),
    };
    unknown(kind, failure)
}

/// What is done about it, and what people are told.
pub(crate) type Sorted = (MintErrorKind, Failure);

fn known(request: &MintRequest, code: &str, message: &str, said: &str) -> Option<Sorted> {
    use FailureKind::{Upstream, Usage};
    use MintErrorKind::{ClockSkew, DurationTooLong, Final, SourceExpired};
    let step = &request.step;
    let identity = &request.identity;
    Some(match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "ProvisionedThroughputExceededException"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "BandwidthLimitExceeded"
        | "LimitExceededException"
        | "EC2ThrottledException"
        | "TransactionInProgressException" => slow_down(step, said),
        "InternalFailure"
        | "InternalError"
        | "InternalServerError"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "RequestAbortedException" => server_error(step, code),
        "IDPCommunicationError" | "IDPCommunicationErrorException" => {
            server_error(step, "it can't reach the identity provider")
        }
        "ExpiredToken" | "ExpiredTokenException" => {
            let why = "the credentials that sign the call have ended";
            (SourceExpired, told(step, Upstream, why, said).hint(format!("keyfob login {identity}")))
        }
        "InvalidIdentityToken" | "InvalidIdentityTokenException" => {
            let why = "the identity provider's token is not accepted";
            (SourceExpired, told(step, Upstream, why, said).hint(format!("keyfob login {identity}")))
        }
        "IDPRejectedClaim" | "IDPRejectedClaimException" => {
            let why = "the identity provider has rejected the sign-in";
            (Final, told(step, FailureKind::Person, why, said).hint(format!("keyfob login {identity}")))
        }
        "RequestExpired" | "RequestTimeTooSkewed" => (ClockSkew, clock(step, said)),
        "SignatureDoesNotMatch" | "InvalidSignatureException" if is_time(message) => {
            (ClockSkew, clock(step, said))
        }
        "SignatureDoesNotMatch" | "InvalidSignatureException" => (Final, signature(request, said)),
        "InvalidClientTokenId" | "UnrecognizedClientException" | "InvalidAccessKeyId" | "AuthFailure" => {
            (Final, key(request, said))
        }
        "AccessDenied" | "AccessDeniedException" | "NotAuthorized" | "UnauthorizedOperation" => {
            denied(request, said)
        }
        "ValidationError" if is_duration(message) => {
            (DurationTooLong, told(step, Usage, code, said).hint("set a shorter duration in the profile"))
        }
        "ValidationError"
        | "ValidationException"
        | "InvalidParameter"
        | "InvalidParameterValue"
        | "InvalidParameterCombination"
        | "MissingParameter" => (Final, told(step, Usage, code, said).hint("keyfob profile check")),
        "MalformedPolicyDocument" | "MalformedPolicyDocumentException" => {
            (Final, told(step, Usage, code, said).hint("correct policy in the profile; keyfob profile check"))
        }
        "PackedPolicyTooLarge" | "PackedPolicyTooLargeException" => {
            let hint = "shorten the policy, or pass fewer session tags and policy_arns";
            (Final, told(step, Usage, code, said).hint(hint))
        }
        "RegionDisabledException" => {
            let hint =
                "set another region in the profile, or activate the region in the account settings of IAM";
            (Final, told(step, Upstream, "STS is not activated in this region", said).hint(hint))
        }
        "OptInRequired" | "PendingVerification" | "Blocked" => {
            let hint = "open the AWS console as an administrator of the account and finish its registration, or set another region";
            (Final, told(step, Upstream, "the account may not use STS here", said).hint(hint))
        }
        "IncompleteSignature"
        | "InvalidAction"
        | "InvalidQueryParameter"
        | "MalformedQueryString"
        | "MalformedHttpRequestException"
        | "MissingAction"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "RequestEntityTooLargeException"
        | "UnknownOperationException"
        | "UnknownParameter"
        | "UnsupportedProtocol" => {
            let why = format!("{code}: the call was changed on its way, or the endpoint is not one of STS");
            (Final, told(step, Upstream, &why, said).hint("check [endpoints] and HTTPS_PROXY; keyfob doctor"))
        }
        _ => return None,
    })
}

pub(crate) fn told(step: &Step, kind: FailureKind, why: &str, said: &str) -> Failure {
    let colon = if said.is_empty() { "" } else { ": " };
    Failure::new(kind, format!("{}: {why}{colon}{said}", what(step)))
}

fn slow_down(step: &Step, said: &str) -> Sorted {
    let failure = told(step, FailureKind::Upstream, "STS asks to slow down", said);
    (MintErrorKind::Transient, failure.hint("keyfob status shows the next attempt"))
}

fn server_error(step: &Step, why: &str) -> Sorted {
    let failure = told(step, FailureKind::Upstream, "STS has failed", why);
    (MintErrorKind::Transient, failure.hint("keyfob status shows the next attempt"))
}

fn clock(step: &Step, said: &str) -> Failure {
    told(step, FailureKind::Upstream, "the clock of this computer is wrong", said)
        .hint("set the clock, for example with timedatectl set-ntp true")
}

fn is_time(message: &str) -> bool {
    message.contains("Signature expired") || message.contains("not yet current")
}

fn is_duration(message: &str) -> bool {
    message.contains("MaxSessionDuration") || message.contains("1 hour session limit")
}
