//! OIDC and IAM Identity Center: a token serves until it expires, and a refresh token gives the next one.
//!
//! Providers replace refresh tokens. So each renewal goes on to its end, whoever has asked for it gives up or not, and
//! nothing is used before the new one is in the vault.

use super::{Person, Shown, SignIns, not_signed_in};
use crate::clock;
use crate::runtime::call::Call;
use crate::runtime::mints::refused;
use keyfob_engine::config::{self, Endpoints, IdentityKind};
use keyfob_engine::mint::{MintError, MintErrorKind, Minted};
use keyfob_engine::plan::PortalRole;
use keyfob_idp::identity_center::{self, Denied, Portal};
use keyfob_idp::{Refused, Unwritten, oidc};
use keyfob_shared::{Failure, FailureKind, IdentityName, Secret, Timestamp};

/// A token that ends sooner is not sent any more, in milliseconds.
const LEAST_LEFT: i64 = 60_000;

/// A token, and what it was got for.
#[derive(Clone)]
pub(super) struct Token {
    kind: IdentityKind,
    pub(super) secret: Secret,
    expires: Timestamp,
    pub(super) until: Option<Timestamp>,
}

impl Token {
    fn is_fresh(&self, kind: &IdentityKind) -> bool {
        self.kind == *kind && self.expires.millis() - clock::now().wall.millis() >= LEAST_LEFT
    }
}

/// What came from a provider and waits to be written.
enum New {
    Oidc(Unwritten<oidc::SignedIn>),
    IdentityCenter(Unwritten<identity_center::SignedIn>),
}

impl SignIns {
    /// Answers a token of an identity, and until when its provider is known to need no person. `not_accepted`
    /// is one that was refused, however fresh it seems.
    pub(in crate::runtime) async fn token(
        &self,
        identity: &IdentityName,
        kind: &IdentityKind,
        endpoints: &Endpoints,
        not_accepted: Option<&Secret>,
    ) -> Result<(Secret, Option<Timestamp>), MintError> {
        let latest = self.latest(identity).lock_owned().await;
        let good =
            latest.token.as_ref().filter(|token| token.is_fresh(kind) && not_accepted != Some(&token.secret));
        if let Some(token) = good {
            return Ok((token.secret.clone(), token.until));
        }
        let (sign_ins, identity, kind, endpoints) =
            (self.clone(), identity.clone(), kind.clone(), endpoints.clone());
        // Not dropped half way: the old refresh token may be worth nothing by then.
        let renewal =
            tokio::spawn(async move { sign_ins.renew_token(latest, identity, kind, endpoints).await });
        renewal.await.unwrap_or_else(|_| {
            let failure = Failure::new(FailureKind::Upstream, "the renewal broke off; the log has more");
            Err(refused(MintErrorKind::Transient, failure.hint("keyfob status")))
        })
    }

    async fn renew_token(
        &self,
        mut latest: tokio::sync::OwnedMutexGuard<Shown>,
        identity: IdentityName,
        kind: IdentityKind,
        endpoints: Endpoints,
    ) -> Result<(Secret, Option<Timestamp>), MintError> {
        let kept = self.kept(&identity).await?.ok_or_else(|| not_signed_in(&identity))?;
        let renewed = match renew(&identity, &kind, &endpoints, &kept).await {
            Ok(renewed) => renewed,
            Err(wrong) => return Err(self.denied(&identity, wrong).await),
        };
        let token = self.write(&identity, kind, renewed).await;
        let token = token.map_err(|failure| refused(MintErrorKind::Transient, failure))?;
        latest.token = Some(token.clone());
        Ok((token.secret, token.until))
    }

    /// Signs in with a person.
    pub(super) async fn sign_in_token(
        &self,
        identity: &IdentityName,
        kind: &IdentityKind,
        endpoints: &Endpoints,
        call: &mut Call,
    ) -> Result<Option<Timestamp>, Failure> {
        let mut person = Person(call);
        let new = match kind {
            IdentityKind::Oidc(settings) => {
                New::Oidc(oidc::sign_in(&of_oidc(identity, settings), &mut person).await?)
            }
            IdentityKind::IdentityCenter(settings) => {
                let kept = self.kept(identity).await.map_err(|wrong| wrong.failure)?;
                let settings = of_center(identity, settings, endpoints);
                New::IdentityCenter(identity_center::sign_in(&settings, kept.as_ref(), &mut person).await?)
            }
            _ => return Ok(None),
        };
        let latest = self.latest(identity);
        let mut latest = latest.lock().await;
        let token = self.write(identity, kind.clone(), new).await?;
        let until = token.until;
        latest.token = Some(token);
        Ok(until)
    }

    /// Writes what is to be kept, and then gives out the token. A vault that fails is tried once more: what it has is
    /// worth nothing any more.
    async fn write(&self, identity: &IdentityName, kind: IdentityKind, new: New) -> Result<Token, Failure> {
        Ok(match new {
            New::Oidc(unwritten) => {
                let oidc::SignedIn { id_token, expires, until } = self.written(identity, unwritten).await?;
                Token { kind, secret: id_token, expires, until }
            }
            New::IdentityCenter(unwritten) => {
                let signed_in = self.written(identity, unwritten).await?;
                let identity_center::SignedIn { access_token, expires, until } = signed_in;
                Token { kind, secret: access_token, expires, until }
            }
        })
    }

    async fn written<T>(&self, identity: &IdentityName, unwritten: Unwritten<T>) -> Result<T, Failure> {
        let (unwritten, error) = match unwritten.write(|kept| self.keep(identity, kept)).await {
            Ok(value) => return Ok(value),
            Err(failed) => failed,
        };
        tracing::warn!(%error, "write a sign-in to the vault; once more");
        unwritten.write(|kept| self.keep(identity, kept)).await.map_err(|(_, failure)| failure)
    }

    /// Mints a session of a role of IAM Identity Center.
    pub(in crate::runtime) async fn portal_role(
        &self,
        identity: &IdentityName,
        kind: &IdentityKind,
        endpoints: &Endpoints,
        role: &PortalRole,
    ) -> Result<Minted, MintError> {
        let IdentityKind::IdentityCenter(settings) = kind else {
            let failure = Failure::new(
                FailureKind::Usage,
                format!("identity {identity} is not of IAM Identity Center"),
            );
            return Err(refused(MintErrorKind::Final, failure.hint("keyfob profile check")));
        };
        let portal = Portal::new(of_center(identity, settings, endpoints));
        let mut not_accepted = None;
        loop {
            let (token, until) = self.token(identity, kind, endpoints, not_accepted.as_ref()).await?;
            match portal.role_credentials(&token, &role.account_id, &role.role_name).await {
                Ok((credentials, expires)) => {
                    return Ok(Minted { credentials, expires, server_date: None, signed_in_until: until });
                }
                Err(Denied::Token(_)) if not_accepted.is_none() => not_accepted = Some(token),
                Err(Denied::Token(failure)) => return Err(super::sign_in_needed(failure, identity)),
                Err(Denied::Transient(failure)) => return Err(refused(MintErrorKind::Transient, failure)),
                Err(Denied::Lasting(failure)) => return Err(refused(MintErrorKind::Final, failure)),
            }
        }
    }
}

async fn renew(
    identity: &IdentityName,
    kind: &IdentityKind,
    endpoints: &Endpoints,
    kept: &Secret,
) -> Result<New, Refused> {
    match kind {
        IdentityKind::Oidc(settings) => oidc::renew(&of_oidc(identity, settings), kept).await.map(New::Oidc),
        IdentityKind::IdentityCenter(settings) => {
            identity_center::renew(&of_center(identity, settings, endpoints), kept)
                .await
                .map(New::IdentityCenter)
        }
        _ => Err(Refused::Transient(Failure::new(FailureKind::Usage, "this identity has no tokens"))),
    }
}

fn of_oidc(identity: &IdentityName, settings: &config::Oidc) -> oidc::Settings {
    oidc::Settings {
        identity: identity.clone(),
        issuer: settings.issuer.clone(),
        client_id: settings.client_id.clone(),
        client_secret: None,
        scopes: settings.scopes.clone(),
        flow: match settings.flow {
            config::Flow::Browser => oidc::Flow::Browser,
            config::Flow::Device => oidc::Flow::Device,
        },
        port: settings.port,
        parameters: settings.parameters.clone().into_iter().collect(),
    }
}

pub(super) fn of_center(
    identity: &IdentityName,
    settings: &config::IdentityCenter,
    endpoints: &Endpoints,
) -> identity_center::Settings {
    identity_center::Settings {
        identity: identity.clone(),
        start_url: settings.start_url.clone(),
        region: settings.region.clone(),
        flow: match settings.flow {
            config::Flow::Browser => identity_center::Flow::Browser,
            config::Flow::Device => identity_center::Flow::Device,
        },
        sso_endpoint: endpoints.sso.clone(),
        sso_oidc_endpoint: endpoints.sso_oidc.clone(),
    }
}
