//! Sign-ins: a person gives a code, or goes to an identity provider.

use super::call::Call;
use super::signins::SignedIn;
use super::{Event, Shared, keys};
use keyfob_engine::config::{Config, IdentityKind};
use keyfob_engine::engine::{self, Answer};
use keyfob_shared::wire::Prompt;
use keyfob_shared::{Failure, FailureKind, IdentityName, RoleArn, Secret};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Roles that are named at the end of a sign-in; `keyfob profile discover` has them all.
const MOST_OFFERED: usize = 5;

/// What is known about an identity before the person is asked.
pub(super) struct Talk {
    pub(super) identity: IdentityName,
    pub(super) kind: IdentityKind,
    pub(super) config: Arc<Config>,
    pub(super) mfa_serial: Option<String>,
    pub(super) by_command: bool,
}

pub(super) async fn login(shared: Shared, talk: Talk, mut call: Call) {
    let result = sign_in(&shared, &talk, &mut call).await;
    call.conclude(result).await;
}

async fn sign_in(shared: &Shared, talk: &Talk, call: &mut Call) -> Result<String, Failure> {
    let identity = &talk.identity;
    match &talk.kind {
        IdentityKind::IamUser => {}
        IdentityKind::Saml(_) | IdentityKind::Oidc(_) | IdentityKind::IdentityCenter(_) => {
            return at_provider(shared, talk, call).await;
        }
        IdentityKind::WebIdentity(_) => {
            return Ok(format!(
                "identity {identity} has a token that something else keeps fresh, and needs no sign-in"
            ));
        }
        IdentityKind::Process(_) => {
            return Ok(format!("identity {identity} has a command, and needs no sign-in here"));
        }
    }
    let Some(serial) = &talk.mfa_serial else {
        return Ok(format!("identity {identity} signs with its access key and needs no sign-in"));
    };
    // Before the person is asked: a code can't be used twice, and without the key it is of no use.
    keys::to_sign(&shared.vault, identity).await.map_err(|wrong| wrong.failure)?;
    let code = match talk.by_command {
        true => None,
        false => Some(ask_code(serial, identity, call).await?),
    };
    let (answer, answered) = oneshot::channel();
    let _ = shared.events.send(Event::SignIn { identity: identity.clone(), code, answer });
    match answered.await {
        Ok(Answer::SignedIn { until }) => Ok(format!("identity {identity} is signed in until {until}")),
        Ok(Answer::Failed(failure)) => Err(failure),
        Ok(Answer::Served { .. }) | Err(_) => {
            Err(Failure::new(FailureKind::Unreachable, "the daemon is ending").hint("keyfob daemon start"))
        }
    }
}

async fn at_provider(shared: &Shared, talk: &Talk, call: &mut Call) -> Result<String, Failure> {
    let identity = &talk.identity;
    let endpoints = &talk.config.endpoints;
    let SignedIn { until, roles } =
        shared.minter.sign_ins.sign_in(identity, &talk.kind, endpoints, call).await?;
    let signed_in = engine::Event::SignedIn { identity: identity.clone(), until };
    let _ = shared.events.send(Event::Engine(signed_in));
    let until = until.map_or_else(String::new, |until| format!(" until {until}"));
    let offered = offered(&roles, identity, &talk.config);
    Ok(format!("identity {identity} is signed in{until}{offered}"))
}

/// Names the roles that were granted and have no profile.
fn offered(roles: &[RoleArn], identity: &IdentityName, config: &Config) -> String {
    let mine = config.profiles.values().filter(|plan| plan.identity == *identity);
    let taken: BTreeSet<&str> =
        mine.filter_map(|plan| plan.steps.first()?.role_arn()).map(RoleArn::as_str).collect();
    let free: Vec<&str> = roles.iter().map(RoleArn::as_str).filter(|role| !taken.contains(role)).collect();
    if free.is_empty() {
        return String::new();
    }
    let more = match free.len().saturating_sub(MOST_OFFERED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = free[..free.len().min(MOST_OFFERED)].join(", ");
    format!("\nroles without a profile: {named}{more}: keyfob profile discover {identity}")
}

/// Proposes profiles for everything that an identity may be.
pub(super) async fn discover(shared: Shared, talk: Talk, call: Call) {
    let endpoints = &talk.config.endpoints;
    let result = shared.minter.sign_ins.discover(&talk.identity, &talk.kind, endpoints).await;
    call.conclude(result.map_err(|wrong| wrong.failure)).await;
}

async fn ask_code(serial: &str, identity: &IdentityName, call: &mut Call) -> Result<Secret, Failure> {
    let code = call.ask(Prompt::Text { label: format!("MFA code of {serial}") }).await?;
    let code = Secret::new(code.expose().trim());
    // TokenCode of the STS API.
    if code.expose().len() == 6 && code.expose().bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(code);
    }
    Err(Failure::new(FailureKind::Person, "an MFA code has six digits")
        .hint(format!("keyfob login {identity}")))
}
