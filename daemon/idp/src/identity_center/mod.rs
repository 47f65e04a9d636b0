//! IAM Identity Center: from a person or a refresh token to an access token, and from that to credentials of roles.
//!
//! The SDK's own providers, which write tokens in clear to the disk, are not used; its two clients are, through the web
//! client of this room.

mod authorize;
mod code;
mod device;
mod http;
mod kept;
mod portal;
mod refusal;
mod token;

pub use crate::refused::Refused;
pub use portal::{AccountRole, Denied, Portal};

use crate::trouble::Trouble;
use crate::web::Place;
use crate::{Ask, Unwritten, clock};
use authorize::Authorizer;
use kept::{Kept, Registration};
use keyfob_shared::{Failure, FailureKind, IdentityName, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use token::Tokens;

/// How a person signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// In a browser on this computer: authorization code with PKCE, answered to 127.0.0.1.
    Browser,
    /// In a browser anywhere, where a code is compared.
    Device,
}

/// How an identity signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whose sign-in it is; named in hints.
    pub identity: IdentityName,
    /// The address of the access portal, `https://d-….awsapps.com/start`.
    pub start_url: String,
    /// The region of Identity Center, which is not that of the roles.
    pub region: String,
    /// The way.
    pub flow: Flow,
    /// Replaces the regional endpoint of the portal.
    pub sso_endpoint: Option<String>,
    /// Replaces the regional endpoint that gives out tokens.
    pub sso_oidc_endpoint: Option<String>,
}

/// What comes out of a sign-in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// For [`Portal`].
    pub access_token: Secret,
    /// When the access token expires.
    pub expires: Timestamp,
    /// When a person is needed again at the latest: when the registration of keyfob ends, or, without a refresh token,
    /// when the access token does. An administrator may have set less, which AWS does not tell.
    pub until: Option<Timestamp>,
}

/// Signs in with a person. Of what was kept, the registration of keyfob is used while it lasts; a person signs in anew in
/// any case, so that the session is as long as can be.
///
/// # Errors
/// If the person gives up or takes too long, AWS refuses or can't be reached, or what it answers can't be used.
pub async fn sign_in(
    settings: &Settings,
    kept: Option<&Secret>,
    ask: &mut impl Ask,
) -> Result<Unwritten<SignedIn>, Failure> {
    let signed_in = async {
        let authorizer = Authorizer::new(settings)?;
        let registration = kept.and_then(|kept| Kept::read(kept, settings)).and_then(Kept::registration);
        let is_known = registration.is_some();
        let registration = match registration {
            Some(registration) => registration,
            None => authorizer.register().await?,
        };
        match once(&authorizer, registration, ask).await {
            // AWS may have forgotten it before its time; nobody was asked yet.
            Err(Ended::Registration(_)) if is_known => {
                let registration = authorizer.register().await?;
                once(&authorizer, registration, ask).await.map_err(Ended::into_trouble)
            }
            ended => ended.map_err(Ended::into_trouble),
        }
    };
    signed_in.await.map_err(|trouble| trouble.on(&tried(settings)).into_failure())
}

/// Why a sign-in ended.
enum Ended {
    /// The registration is not known.
    Registration(Trouble),
    Other(Trouble),
}

impl Ended {
    fn into_trouble(self) -> Trouble {
        match self {
            Self::Registration(trouble) | Self::Other(trouble) => trouble,
        }
    }
}

async fn once(
    authorizer: &Authorizer<'_>,
    registration: Registration,
    ask: &mut impl Ask,
) -> Result<Unwritten<SignedIn>, Ended> {
    let tokens = match authorizer.settings.flow {
        Flow::Browser => code::sign_in(authorizer, &registration, ask).await?,
        Flow::Device => device::sign_in(authorizer, &registration, ask).await?,
    };
    let kept = Kept::new(authorizer.settings, registration, None);
    Ok(take(kept, tokens))
}

/// Renews without a person, by the refresh token that was kept. AWS replaces it, so:
///
/// * One at a time for an identity, and not dropped half way: a request that was sent can't be taken back. It ends by
///   itself, within 30 s.
/// * What came out is written before anything else, which [`Unwritten`] sees to. An answer that is lost between AWS and
///   here may have cost the sign-in; the next renewal will tell.
///
/// # Errors
/// Says whether a person is needed; what is to be kept then still has the registration, for the next sign-in.
pub async fn renew(settings: &Settings, kept: &Secret) -> Result<Unwritten<SignedIn>, Refused> {
    let on = |trouble: Trouble| trouble.on(&tried(settings));
    let person = |what: &str| Refused::from(on(Trouble::person(what).hint(login(settings))));
    let kept = Kept::read(kept, settings).ok_or_else(|| person("no refresh token is kept"))?;
    let Some(refresh_token) = &kept.refresh_token else { return Err(person("no refresh token is kept")) };
    if kept.registration.ends <= clock::now() {
        return Err(person("the registration of keyfob has ended"));
    }
    let authorizer = Authorizer::new(settings).map_err(on)?;
    match token::refresh(&authorizer, &kept.registration, refresh_token).await {
        Ok(tokens) => Ok(take(kept, tokens)),
        Err(refusal) if refusal.is_about_grant() => {
            let kept = Some(kept.signed_out().secret());
            Err(Refused::Lasting { failure: on(refusal.trouble).into_failure(), kept })
        }
        // Nothing that belongs to a registration that is not known is worth keeping.
        Err(refusal) if refusal.is_about_client() => {
            let kept = Some(Secret::default());
            Err(Refused::Lasting { failure: on(refusal.trouble).into_failure(), kept })
        }
        Err(refusal) => Err(on(refusal.trouble).into()),
    }
}

/// Holds the access token back until the new refresh token is written.
fn take(kept: Kept, tokens: Tokens) -> Unwritten<SignedIn> {
    let kept = kept.renewed(tokens.refresh_token);
    let until = if kept.refresh_token.is_some() { kept.registration.ends } else { tokens.expires };
    let Tokens { access_token, expires, .. } = tokens;
    Unwritten::new(kept.secret(), SignedIn { access_token, expires, until: Some(until) })
}

fn tried(settings: &Settings) -> String {
    format!("sign in at {}", settings.start_url)
}

fn login(settings: &Settings) -> String {
    format!("keyfob login {}", settings.identity)
}

/// Checks what becomes a part of addresses.
fn check(settings: &Settings) -> Result<(), Trouble> {
    let wrong =
        |what: String| Trouble::Lasting(Failure::new(FailureKind::Usage, what).hint("keyfob profile check"));
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=32).contains(&settings.region.len()) || !settings.region.bytes().all(letters) {
        return Err(wrong(format!("{:?} is no region", settings.region)));
    }
    Place::parse(&settings.start_url).map_err(|what| wrong(format!("the start URL: {what}")))?;
    for endpoint in settings.sso_endpoint.iter().chain(&settings.sso_oidc_endpoint) {
        Place::parse(endpoint).map_err(|what| wrong(format!("the endpoint {endpoint:?}: {what}")))?;
    }
    Ok(())
}
