//! Refusals of who calls: the key, the session, its signature, its rights, its MFA code.
//!
//! The same code means another thing for a long-term key than for a session, and for each call.

use crate::refusal::{Sorted, told};
use keyfob_engine::mint::{MintErrorKind, MintRequest};
use keyfob_engine::plan::Step;
use keyfob_shared::{Failure, FailureKind};

/// AWS does not know the access key, or not here.
///
/// Of a session it is no proof that it has ended: for that there is `ExpiredToken`. A region that the account has
/// not enabled, another partition and an endpoint of somebody else give the same answer.
pub(crate) fn key(request: &MintRequest, said: &str) -> Failure {
    let identity = &request.identity;
    if request.from.is_session() {
        let why = "AWS does not know the session here: the region is not enabled for its account, the endpoint is of another partition or not of AWS, or the session was revoked";
        return told(&request.step, FailureKind::Upstream, why, said).hint(format!(
            "enable the region in the account or set another one, and check [endpoints]; if it was revoked: keyfob logout {identity}"
        ));
    }
    let why = format!("identity {identity}: AWS does not know the access key here, or it is inactive");
    told(&request.step, FailureKind::Person, &why, said).hint(format!(
        "keyfob key add {identity}; for a key of another partition or a region that is not enabled, set region or [endpoints]"
    ))
}

/// The signature is not one of this key.
pub(crate) fn signature(request: &MintRequest, said: &str) -> Failure {
    let identity = &request.identity;
    if request.from.is_session() {
        let why =
            "the signature does not fit: the call was changed on its way, or the stored session is damaged";
        return told(&request.step, FailureKind::Upstream, why, said)
            .hint(format!("check [endpoints] and HTTPS_PROXY; then keyfob logout {identity}"));
    }
    let why = format!("identity {identity}: the secret access key does not belong to the access key id");
    told(&request.step, FailureKind::Person, &why, said).hint(format!("keyfob key add {identity}"))
}

/// The call is not allowed; with an MFA device, STS says the same of a wrong code.
pub(crate) fn denied(request: &MintRequest, said: &str) -> Sorted {
    let (step, identity) = (&request.step, &request.identity);
    let is_policy = said.contains("is not authorized to perform") || said.contains("explicit deny");
    match step {
        Step::AssumeRole(_) => {
            let failure = told(step, FailureKind::Upstream, "AWS does not allow it", said);
            (MintErrorKind::Final, failure.hint("check the role's trust policy, the external id, source identity or MFA it asks for, and the permission for sts:AssumeRole"))
        }
        Step::Federated(_, _) => {
            let failure = told(step, FailureKind::Upstream, "AWS does not allow it", said);
            (
                MintErrorKind::Final,
                failure.hint("check the role's trust policy: the provider, its audience and its conditions"),
            )
        }
        Step::FederationToken(_) => {
            let failure = told(step, FailureKind::Upstream, "AWS does not allow it", said);
            (
                MintErrorKind::Final,
                failure.hint(format!("allow sts:GetFederationToken to the user of identity {identity}")),
            )
        }
        Step::SessionToken(token) if token.mfa_serial.is_some() && !is_policy => {
            let why = "the MFA code is wrong or missing, or was used before, or mfa_serial is not a device of this user";
            let failure = told(step, FailureKind::Person, why, said);
            (MintErrorKind::MfaRefused, failure.hint(format!("keyfob login {identity}")))
        }
        Step::SessionToken(_) | Step::PortalRole(_) | Step::Process => {
            let failure = told(step, FailureKind::Upstream, "AWS does not allow it", said);
            (MintErrorKind::Final, failure.hint(format!(
                "check whether a policy denies sts:GetSessionToken to this user, or asks for MFA: then set mfa_serial of identity {identity}"
            )))
        }
    }
}
