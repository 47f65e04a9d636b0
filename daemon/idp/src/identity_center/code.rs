//! A sign-in in a browser on this computer: authorization code with PKCE, answered to 127.0.0.1.

use super::authorize::{Authorizer, SCOPE};
use super::kept::Registration;
use super::token::{self, Tokens};
use super::{Ended, login};
use crate::Ask;
use crate::ask::while_there;
use crate::loopback::Loopback;
use crate::pkce::{self, Pkce};
use crate::trouble::Trouble;
use keyfob_shared::wire::Prompt;

pub(super) async fn sign_in(
    authorizer: &Authorizer<'_>,
    registration: &Registration,
    ask: &mut impl Ask,
) -> Result<Tokens, Ended> {
    let place = authorizer.place().await.map_err(Ended::Other)?;
    let (state, pkce) = pkce::random().and_then(|state| Ok((state, Pkce::new()?))).map_err(Ended::Other)?;
    let loopback = Loopback::bind(None).await.map_err(Ended::Other)?;
    let redirect_uri = loopback.redirect_uri();
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("response_type", "code"),
            ("client_id", &registration.client_id),
            ("redirect_uri", &redirect_uri),
            ("state", state.expose()),
            ("code_challenge_method", pkce::METHOD),
            ("code_challenge", &pkce.challenge),
            // As AWS has it, not the standard.
            ("scopes", SCOPE),
        ])
        .finish();
    let url = format!("{}/authorize?{query}", place.uri().to_string().trim_end_matches('/'));
    let shown = ask.show(Prompt::OpenUrl { url, code: None }).await;
    shown.map_err(|failure| Ended::Other(Trouble::Lasting(failure)))?;
    let code = while_there(ask, loopback.code(state, None)).await.map_err(Ended::Other)?;
    let code = code.map_err(|trouble| Ended::Other(trouble.hint(login(authorizer.settings))))?;
    let by = |request: aws_sdk_ssooidc::operation::create_token::builders::CreateTokenFluentBuilder| {
        request
            .grant_type("authorization_code")
            .code(code.expose())
            .redirect_uri(&redirect_uri)
            .code_verifier(pkce.verifier.expose())
    };
    let tokens = token::create(authorizer, registration, by, &[&code, &pkce.verifier]).await;
    tokens.map_err(|refusal| Ended::Other(refusal.trouble))
}
