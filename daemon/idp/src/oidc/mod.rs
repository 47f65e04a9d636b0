//! OpenID Connect: from a person or a refresh token to an id token for `AssumeRoleWithWebIdentity`.
//!
//! The signature of an id token is not verified here: it comes straight from the token endpoint over TLS (OpenID Connect
//! Core, 3.1.3.7, number 6), and STS verifies it. That is why no crate does this: of `openidconnect` 4, which brings 114
//! packages, the one part that is hard to write would not be used, and `oauth2` 5 brings 46 for what are two forms.

mod code;
mod device;
mod id_token;
mod kept;
mod provider;
mod token;

pub use crate::refused::Refused;

use crate::trouble::Trouble;
use crate::{Ask, Unwritten};
use id_token::Claims;
use kept::Kept;
use keyfob_shared::{Failure, FailureKind, IdentityName, Secret, Timestamp};
use provider::Provider;
use token::{Denied, Tokens};

/// How a person signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// In a browser on this computer: authorization code with PKCE, answered to 127.0.0.1.
    Browser,
    /// In a browser anywhere, where a code is typed in or compared.
    Device,
}

/// How an identity signs in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose sign-in it is; named in hints.
    pub identity: IdentityName,
    /// The provider, exactly as its own document names it: https, or http to this computer.
    pub issuer: String,
    /// The name under which the provider knows keyfob.
    pub client_id: String,
    /// Where the provider asks even programs on a desktop for one.
    pub client_secret: Option<Secret>,
    /// What is asked for; `openid` always is. If empty, also a refresh token where the provider's document has
    /// `offline_access`.
    pub scopes: Vec<String>,
    /// The way.
    pub flow: Flow,
    /// [`Flow::Browser`]: the port on 127.0.0.1 that is registered at the provider, with the path `/oauth/callback`; any
    /// port without one.
    pub port: Option<u16>,
    /// More parameters for the authorization request, such as `prompt=consent` or `access_type=offline`, without which
    /// some providers give out no refresh token. Those that the flow itself sets can't be set here.
    pub parameters: Vec<(String, String)>,
}

/// What comes out of a sign-in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// For STS; it may be used until it expires.
    pub id_token: Secret,
    /// When it expires.
    pub expires: Timestamp,
    /// When a person is needed again, where the provider tells; without a refresh token, when the id token expires.
    pub until: Option<Timestamp>,
}

/// Signs in with a person.
///
/// # Errors
/// If the person gives up or takes longer than five minutes, the provider refuses or can't be reached, or what it
/// answers can't be used.
pub async fn sign_in(settings: &Settings, ask: &mut impl Ask) -> Result<Unwritten<SignedIn>, Failure> {
    let signed_in = async {
        let provider = provider::discover(settings).await?;
        let (tokens, nonce) = match settings.flow {
            Flow::Browser => code::sign_in(settings, &provider, ask).await?,
            Flow::Device => (device::sign_in(settings, &provider, ask).await?, None),
        };
        let kept = Kept::new(settings, &tokens);
        take(settings, &provider, tokens, kept, nonce.as_ref(), None).map_err(|(trouble, _)| trouble)
    };
    signed_in.await.map_err(|trouble| trouble.on(&tried(settings)).into_failure())
}

/// Renews without a person, by the refresh token that was kept. Many providers replace it at once, so:
///
/// * One at a time for an identity, and not dropped half way: a request that was sent can't be taken back. It ends by
///   itself, within 10 s for the provider's document and 30 s for the tokens.
/// * What came out is written before anything else, which [`Unwritten`] sees to; also what comes in
///   [`Refused::Lasting`]. An answer that is lost between the provider and here may have cost the sign-in; the next
///   renewal will tell.
///
/// # Errors
/// Says whether a person is needed.
pub async fn renew(settings: &Settings, kept: &Secret) -> Result<Unwritten<SignedIn>, Refused> {
    let tried = tried(settings);
    let none = || Trouble::person("no refresh token is kept").hint(login(settings)).on(&tried);
    let kept = Kept::read(kept, settings).ok_or_else(none)?;
    let provider = provider::discover(settings).await.map_err(|trouble| trouble.on(&tried))?;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", kept.refresh_token.expose())];
    let tokens = match token::request(settings, &provider, &fields, &[&kept.refresh_token]).await {
        Ok(tokens) => tokens,
        Err(Denied::Grant(trouble)) => {
            let failure = trouble.on(&tried).into_failure();
            return Err(Refused::Lasting { failure, kept: Some(Secret::default()) });
        }
        Err(denied) => return Err(denied.into_trouble().on(&tried).into()),
    };
    let subject = kept.subject.clone();
    let next = kept.renewed(&tokens);
    take(settings, &provider, tokens, Some(next), None, subject.as_deref()).map_err(|(trouble, kept)| {
        // The refresh token in it is the only one that is worth something now.
        Refused::Lasting { failure: trouble.on(&tried).into_failure(), kept: Some(kept) }
    })
}

/// Takes the id token, and what is to be kept, which is there even if the id token is of no use.
fn take(
    settings: &Settings,
    provider: &Provider,
    tokens: Tokens,
    kept: Option<Kept>,
    nonce: Option<&Secret>,
    subject: Option<&str>,
) -> Result<Unwritten<SignedIn>, (Trouble, Secret)> {
    let claims = match &tokens.id_token {
        Some(id_token) => id_token::read(id_token, &provider.issuer, &settings.client_id, nonce, subject),
        None => Err("it gave out no id token".to_owned()),
    };
    let Claims { subject, expires } = match claims {
        Ok(claims) => claims,
        Err(wrong) => {
            let kept = kept.map(|kept| kept.secret()).unwrap_or_default();
            return Err((Trouble::useless(wrong).hint(login(settings)), kept));
        }
    };
    let until = match &kept {
        Some(kept) => kept.until,
        None => Some(expires),
    };
    let kept = kept.map(|kept| kept.of(subject).secret()).unwrap_or_default();
    let id_token = tokens.id_token.unwrap_or_default();
    Ok(Unwritten::new(kept, SignedIn { id_token, expires, until }))
}

fn tried(settings: &Settings) -> String {
    format!("sign in at {}", settings.issuer)
}

fn login(settings: &Settings) -> String {
    format!("keyfob login {}", settings.identity)
}

fn misconfigured(message: impl AsRef<str>) -> Trouble {
    Trouble::Lasting(Failure::new(FailureKind::Usage, message).hint("keyfob profile check"))
}
