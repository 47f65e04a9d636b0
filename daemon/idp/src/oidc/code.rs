//! A sign-in in a browser on this computer: authorization code with PKCE, answered to 127.0.0.1.

use super::provider::Provider;
use super::token::{self, Denied, Tokens};
use super::{Settings, login, misconfigured};
use crate::Ask;
use crate::ask::while_there;
use crate::loopback::Loopback;
use crate::pkce::{self, Pkce};
use crate::trouble::Trouble;
use keyfob_shared::Secret;
use keyfob_shared::wire::Prompt;

/// What the flow itself says.
const OWN: &[&str] = &[
    "response_type",
    "response_mode",
    "client_id",
    "client_secret",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
];

/// Answers the tokens, and the nonce that the id token must bear.
pub(super) async fn sign_in(
    settings: &Settings,
    provider: &Provider,
    ask: &mut impl Ask,
) -> Result<(Tokens, Option<Secret>), Trouble> {
    if let Some((name, _)) = settings.parameters.iter().find(|(name, _)| OWN.contains(&name.as_str())) {
        return Err(misconfigured(format!("the parameter {name} can't be set")));
    }
    let authorization = provider.authorization()?;
    let (state, nonce, pkce) = (pkce::random()?, pkce::random()?, Pkce::new()?);
    let loopback = Loopback::bind(settings.port).await?;
    let redirect_uri = loopback.redirect_uri();
    let scope = provider.scopes(settings);
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("response_type", "code"),
            ("client_id", &settings.client_id),
            ("redirect_uri", &redirect_uri),
            ("scope", &scope),
            ("state", state.expose()),
            ("nonce", nonce.expose()),
            ("code_challenge", &pkce.challenge),
            ("code_challenge_method", pkce::METHOD),
        ])
        .extend_pairs(&settings.parameters)
        .finish();
    let joint = if authorization.uri().query().is_some() { '&' } else { '?' };
    let url = format!("{}{joint}{query}", authorization.uri());
    ask.show(Prompt::OpenUrl { url, code: None }).await.map_err(Trouble::Lasting)?;
    let issuer = Some((provider.issuer.clone(), provider.names_itself));
    let code = while_there(ask, loopback.code(state, issuer)).await?;
    let code = code.map_err(|trouble| trouble.hint(login(settings)))?;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", pkce.verifier.expose()),
    ];
    let tokens = token::request(settings, provider, &fields, &[&code, &pkce.verifier]).await;
    Ok((tokens.map_err(Denied::into_trouble)?, Some(nonce)))
}
