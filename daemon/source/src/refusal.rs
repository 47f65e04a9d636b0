//! What STS refuses, in which words, and what can be done about it.
//!
//! The codes are those of the STS API reference, its common errors, and the SDKs' retry lists.

use keyfob_engine::mint::{MintErrorKind, MintRequest};
use keyfob_engine::plan::Step;
use keyfob_shared::{Failure, FailureKind};

/// The part of a message of STS that is shown.
const MAX_QUOTE: usize = 300;

type Refusal = (MintErrorKind, Failure);

/// Names the call, for messages.
pub(crate) fn what(step: &Step) -> String {
    match step {
        Step::AssumeRole(role) => format!("assume role {}", role.role_arn),
        Step::SessionToken(_) => "get a session token".into(),
    }
}

/// STS could not be reached.
pub(crate) fn unreachable(step: &Step, cause: &str) -> Refusal {
    let message = format!("{}: STS can't be reached: {cause}", what(step));
    (MintErrorKind::Transient, Failure::new(FailureKind::Upstream, message).hint("keyfob status"))
}

/// Something answered that is not STS, or not whole.
pub(crate) fn malformed(step: &Step) -> Refusal {
    let message = format!("{}: the answer is not one of STS", what(step));
    let hint = "check [endpoints] and the proxy; keyfob doctor";
    (MintErrorKind::Transient, Failure::new(FailureKind::Upstream, message).hint(hint))
}

/// Sorts an error that STS has answered.
pub(crate) fn sort(request: &MintRequest, status: Option<u16>, code: Option<&str>, message: &str) -> Refusal {
    let step = &request.step;
    let Some(code) = code else {
        return match status {
            Some(500..) | Some(429) => server_error(step, status, "no error code"),
            Some(_) | None => malformed(step),
        };
    };
    let temporary = request.from.session_token.is_some();
    let quoted = quote(message);
    match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "BandwidthLimitExceeded"
        | "LimitExceededException"
        | "EC2ThrottledException"
        | "TransactionInProgressException" => {
            let message = format!("{}: STS asks to slow down: {quoted}", what(step));
            (MintErrorKind::Transient, Failure::new(FailureKind::Upstream, message).hint("keyfob status"))
        }
        "InternalFailure"
        | "InternalError"
        | "ServiceUnavailable"
        | "IDPCommunicationError"
        | "RequestTimeout"
        | "RequestTimeoutException" => server_error(step, status, code),
        "ExpiredToken" | "ExpiredTokenException" | "InvalidIdentityToken" => (
            MintErrorKind::SourceExpired,
            upstream(step, "the credentials that sign the call have ended", &quoted),
        ),
        "InvalidClientTokenId" | "UnrecognizedClientException" if temporary => (
            MintErrorKind::SourceExpired,
            upstream(step, "AWS does not know the session that signs the call", &quoted),
        ),
        "RequestExpired" | "RequestTimeTooSkewed" => (MintErrorKind::ClockSkew, clock(step, &quoted)),
        "SignatureDoesNotMatch"
            if message.contains("Signature expired") || message.contains("not yet current") =>
        {
            (MintErrorKind::ClockSkew, clock(step, &quoted))
        }
        "ValidationError" if is_duration(message) => {
            (MintErrorKind::DurationTooLong, usage(step, &quoted, "set a shorter duration in the profile"))
        }
        "AccessDenied" | "AccessDeniedException" if step.mfa_serial().is_some() => {
            let message =
                format!("{}: the MFA code is wrong or missing, or was used before: {quoted}", what(step));
            (MintErrorKind::MfaRefused, Failure::new(FailureKind::Person, message))
        }
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidAccessKeyId"
        | "AuthFailure" => (MintErrorKind::Final, key(request, code, &quoted)),
        _ => final_refusal(step, status, code, &quoted),
    }
}

fn final_refusal(step: &Step, status: Option<u16>, code: &str, quoted: &str) -> Refusal {
    let failure = match code {
        "AccessDenied" | "AccessDeniedException" => upstream(step, "AWS does not allow it", quoted)
            .hint("check the role's trust policy, the external id and source identity it asks for, and the permission for sts:AssumeRole"),
        "ValidationError" | "InvalidParameterValue" | "MissingParameter" | "MalformedPolicyDocument" => {
            usage(step, &format!("{code}: {quoted}"), "keyfob profile check")
        }
        "PackedPolicyTooLarge" => usage(step, quoted, "shorten the policy, or pass fewer session tags and policy_arns"),
        "RegionDisabledException" => upstream(step, "STS is not activated in this region", quoted)
            .hint("set another region in the profile, or activate the region in the account settings of IAM"),
        _ if status.is_some_and(|status| status >= 500 || status == 429) => return server_error(step, status, code),
        _ => upstream(step, code, quoted).hint("keyfob doctor"),
    };
    (MintErrorKind::Final, failure)
}

fn server_error(step: &Step, status: Option<u16>, code: &str) -> Refusal {
    let status = status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
    let failure =
        Failure::new(FailureKind::Upstream, format!("{}: STS has failed: {code}{status}", what(step)));
    (MintErrorKind::Transient, failure.hint("keyfob status"))
}

fn upstream(step: &Step, why: &str, quoted: &str) -> Failure {
    Failure::new(FailureKind::Upstream, format!("{}: {why}: {quoted}", what(step)))
}

fn usage(step: &Step, quoted: &str, hint: &str) -> Failure {
    Failure::new(FailureKind::Usage, format!("{}: {quoted}", what(step))).hint(hint)
}

fn clock(step: &Step, quoted: &str) -> Failure {
    upstream(step, "the clock of this computer is wrong", quoted)
        .hint("set the clock, for example with timedatectl set-ntp true")
}

fn key(request: &MintRequest, code: &str, quoted: &str) -> Failure {
    let identity = &request.identity;
    let why = match code {
        "SignatureDoesNotMatch" => "the secret access key does not belong to the access key id",
        _ => "AWS does not know the access key, or it is inactive",
    };
    let message = format!("{}: identity {identity}: {why}: {quoted}", what(&request.step));
    Failure::new(FailureKind::Person, message).hint(format!("keyfob key add {identity}"))
}

fn is_duration(message: &str) -> bool {
    message.contains("MaxSessionDuration") || message.contains("1 hour session limit")
}

/// Cuts what STS says to its first line; after it, STS quotes the signed request.
fn quote(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().take(MAX_QUOTE).collect()
}
