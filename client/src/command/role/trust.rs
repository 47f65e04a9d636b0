//! Whom the role of a template trusts: what the command line says, or whoever a profile comes from.

use super::super::{listing, name, unexpected};
use crate::line::RoleTemplate;
use keyfob_governance::role::{Marks, MaxSession, OidcProvider, Trust, Trusted};
use keyfob_shared::wire::{AssumedBy, RoleView};
use keyfob_shared::{Failure, FailureKind, ProfileName};

/// What is known of a role before anything else is said.
pub(super) struct Found {
    pub(super) trust: Trust,
    pub(super) partition: Option<String>,
    pub(super) max_session: Option<MaxSession>,
}

/// Answers whom the role is to trust.
///
/// # Errors
/// If the profile does not tell it, or the daemon has to be asked and can't be.
pub(super) fn of(arguments: &RoleTemplate) -> Result<Found, Failure> {
    let mut marks =
        Marks { session_tags: arguments.session_tags, source_identity: arguments.source_identity };
    let Some(trusted) = said(arguments) else {
        let profile: ProfileName = name(arguments.profile.as_deref().ok_or_else(unexpected)?)?;
        let role = role(&profile)?;
        marks.session_tags |= role.session_tags;
        marks.source_identity |= role.source_identity;
        return Ok(Found {
            trust: Trust { trusted: derived(&profile, &role)?, marks },
            partition: Some(role.arn.partition().to_owned()),
            // A shorter one is no reason to let the role grant less than AWS lets all.
            max_session: role.duration.and_then(|seconds| MaxSession::from_seconds(seconds.into()).ok()),
        });
    };
    Ok(Found { trust: Trust { trusted, marks }, partition: None, max_session: None })
}

/// Answers whom the command line names.
fn said(arguments: &RoleTemplate) -> Option<Trusted> {
    let audience = arguments.audience.clone();
    if let Some(provider) = arguments.trust_saml.clone() {
        return Some(Trusted::Saml { provider, audience });
    }
    if let Some(provider) = arguments.trust_oidc.clone() {
        return Some(Trusted::Oidc { provider, audience: audience?, subject: arguments.subject.clone() });
    }
    let principal = arguments.trust_account.clone()?;
    Some(Trusted::Aws { principal, external_id: arguments.external_id.clone(), mfa: arguments.mfa })
}

/// Asks the daemon, which has read the configuration.
fn role(profile: &ProfileName) -> Result<RoleView, Failure> {
    let view = listing::views(Some(profile))?.into_iter().next().ok_or_else(unexpected)?;
    view.role.ok_or_else(|| {
        let message =
            format!("profile {profile} hands out no role of which its configuration tells who assumes it");
        Failure::new(FailureKind::Usage, message)
            .hint("use --trust-account, --trust-saml or --trust-oidc instead of --profile")
    })
}

/// Answers whoever the profile comes from.
fn derived(profile: &ProfileName, role: &RoleView) -> Result<Trusted, Failure> {
    let wrong = |cause: &dyn std::fmt::Display| {
        Failure::new(FailureKind::Usage, format!("profile {profile}: {cause}"))
            .hint("keyfob role template --help")
    };
    let external_id = role.external_id.as_ref().map(|text| text.parse()).transpose();
    let external_id = external_id.map_err(|error| wrong(&error))?;
    match &role.assumed_by {
        AssumedBy::Account { account_id, mfa } => {
            let principal = account_id.parse().map_err(|error| wrong(&error))?;
            Ok(Trusted::Aws { principal, external_id, mfa: *mfa })
        }
        AssumedBy::Role { arn } => {
            let principal = arn.as_str().parse().map_err(|error| wrong(&error))?;
            Ok(Trusted::Aws { principal, external_id, mfa: false })
        }
        AssumedBy::Oidc { issuer, client_id } => {
            let provider = OidcProvider::of_issuer(role.arn.partition(), role.arn.account_id(), issuer);
            let provider = provider.map_err(|error| wrong(&error))?;
            let audience = client_id.parse().map_err(|error| wrong(&error))?;
            Ok(Trusted::Oidc { provider, audience, subject: None })
        }
        AssumedBy::Other { identity_type } => Err(unknown(profile, role, identity_type)),
    }
}

/// Names the flag that says what the configuration does not.
fn unknown(profile: &ProfileName, role: &RoleView, identity_type: &str) -> Failure {
    let account = format!("arn:{}:iam::{}", role.arn.partition(), role.arn.account_id());
    let (what, flag) = match identity_type {
        "saml" => ("the ARN of its provider", format!("--trust-saml {account}:saml-provider/NAME")),
        "web-identity" => {
            ("its provider", format!("--trust-oidc {account}:oidc-provider/HOST --audience AUDIENCE"))
        }
        _ => ("whose credentials it has", "--trust-account ID_OR_ARN".to_owned()),
    };
    let message = format!(
        "profile {profile} comes from an identity of type {identity_type}: its configuration does not tell {what}"
    );
    Failure::new(FailureKind::Usage, message).hint(format!("instead of --profile {profile} say {flag}"))
}
