//! `CreateToken`, by a refresh token, a device code or an authorization code.

use super::authorize::Authorizer;
use super::kept::Registration;
use super::refusal::Refusal;
use crate::clock;
use crate::trouble::Trouble;
use aws_sdk_ssooidc::operation::create_token::builders::CreateTokenFluentBuilder;
use keyfob_shared::{Secret, Timestamp};

/// The longest life of an access token that is believed, in seconds: a day; AWS gives an hour.
const LONGEST_LIFE: i32 = 86_400;

/// What AWS gives out.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) access_token: Secret,
    pub(super) expires: Timestamp,
    pub(super) refresh_token: Option<Secret>,
}

pub(super) async fn refresh(
    authorizer: &Authorizer<'_>,
    registration: &Registration,
    refresh_token: &Secret,
) -> Result<Tokens, Refusal> {
    let by = |request: CreateTokenFluentBuilder| {
        request.grant_type("refresh_token").refresh_token(refresh_token.expose())
    };
    create(authorizer, registration, by, &[refresh_token]).await
}

/// Asks for tokens; secrets are not repeated where AWS is quoted.
pub(super) async fn create(
    authorizer: &Authorizer<'_>,
    registration: &Registration,
    by: impl FnOnce(CreateTokenFluentBuilder) -> CreateTokenFluentBuilder,
    secrets: &[&Secret],
) -> Result<Tokens, Refusal> {
    let request = authorizer.client.create_token().client_id(&registration.client_id);
    let request = by(request.client_secret(registration.client_secret.expose()));
    let secrets: Vec<&Secret> = secrets.iter().copied().chain([&registration.client_secret]).collect();
    // Before the question, so that the end is rather too early.
    let asked = clock::now();
    let answer = request.send().await.map_err(|error| authorizer.refusal(&error, &secrets))?;
    let filled = |token: Option<&str>| token.filter(|token| !token.is_empty()).map(Secret::new);
    let Some(access_token) = filled(answer.access_token()) else {
        let trouble = Trouble::passing("it answers something that is no tokens");
        return Err(Refusal { code: String::new(), trouble });
    };
    let life = i64::from(answer.expires_in().clamp(0, LONGEST_LIFE)) * 1_000;
    Ok(Tokens {
        access_token,
        expires: Timestamp::from_millis(asked.millis().saturating_add(life)),
        refresh_token: filled(answer.refresh_token()),
    })
}
