//! A sign-in in a browser anywhere.

use super::authorize::Authorizer;
use super::kept::Registration;
use super::token::{self, Tokens};
use super::{Ended, login};
use crate::Ask;
use crate::ask::while_there;
use crate::pace::Pace;
use crate::quote;
use crate::trouble::Trouble;
use crate::web::is_shown;
use keyfob_shared::Secret;
use keyfob_shared::wire::Prompt;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) async fn sign_in(
    authorizer: &Authorizer<'_>,
    registration: &Registration,
    ask: &mut impl Ask,
) -> Result<Tokens, Ended> {
    let settings = authorizer.settings;
    let request = authorizer.client.start_device_authorization().client_id(&registration.client_id);
    let request = request.client_secret(registration.client_secret.expose());
    let answer = request.start_url(&settings.start_url).send().await.map_err(|error| {
        let refusal = authorizer.refusal(&error, &[&registration.client_secret]);
        if refusal.is_about_client() {
            Ended::Registration(refusal.trouble)
        } else {
            Ended::Other(refusal.trouble)
        }
    })?;
    let url = answer.verification_uri_complete().or(answer.verification_uri());
    let (Some(url), Some(user_code), Some(device_code)) = (url, answer.user_code(), answer.device_code())
    else {
        return Err(Ended::Other(Trouble::passing("it answers something that is no device code")));
    };
    if !is_shown(url) {
        return Err(Ended::Other(Trouble::refused("the address that it wants opened is not https")));
    }
    let device_code = Secret::new(device_code);
    let prompt = Prompt::OpenUrl { url: url.to_owned(), code: Some(quote::text(user_code, &[])) };
    ask.show(prompt).await.map_err(|failure| Ended::Other(Trouble::Lasting(failure)))?;
    let seconds = |seconds: i32| u64::try_from(seconds).unwrap_or_default();
    // The SDK writes 0 where AWS says nothing, which it does for the interval.
    let interval = Some(seconds(answer.interval())).filter(|interval| *interval > 0);
    let mut pace = Pace::new(interval, seconds(answer.expires_in()));
    while while_there(ask, pace.wait()).await.map_err(Ended::Other)? {
        let by = |request: aws_sdk_ssooidc::operation::create_token::builders::CreateTokenFluentBuilder| {
            request.grant_type(GRANT).device_code(device_code.expose())
        };
        match token::create(authorizer, registration, by, &[&device_code]).await {
            Ok(tokens) => return Ok(tokens),
            Err(refusal) if refusal.code == "AuthorizationPendingException" => {}
            Err(refusal) if refusal.is_final() => return Err(Ended::Other(refusal.trouble)),
            // Also where the network is slow.
            Err(_) => pace.slow_down(),
        }
    }
    let late = Trouble::person("nobody signed in while the code was good");
    Err(Ended::Other(late.hint(login(settings))))
}
