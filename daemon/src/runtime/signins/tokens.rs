//! OIDC and IAM Identity Center: a token serves until it expires, and a refresh token gives the next one.
//!
//! Providers replace refresh tokens. So each renewal goes on to its end, whoever has asked for it gives up or not, and
//! nothing is used before the new one is in the vault.

use super::latest::{Held, Shown};
use super::portal::of_center;
use super::{Person, SignIns, not_signed_in};
use crate::clock;
use crate::runtime::call::Call;
use crate::runtime::mints::refused;
use keyfob_engine::config::{self, Endpoints, IdentityKind};
use keyfob_engine::mint::{MintError, MintErrorKind};
use keyfob_idp::{Refused, Unwritten, identity_center, oidc};
use keyfob_shared::{Failure, FailureKind, IdentityName, Secret, Timestamp};
use tokio::sync::OwnedMutexGuard;

/// A token that ends sooner is not sent any more, in milliseconds.
const LEAST_LEFT: i64 = 60_000;

/// A token, and what it was got for.
#[derive(Clone)]
pub(super) struct Token {
    kind: IdentityKind,
    secret: Secret,
    expires: Timestamp,
    until: Option<Timestamp>,
}

impl Token {
    /// Answers whether it can be sent; one that was refused can't, however fresh it seems.
    fn is_good(&self, kind: &IdentityKind, refused: Option<&Secret>) -> bool {
        let left = self.expires.millis() - clock::now().wall.millis();
        self.kind == *kind && left >= LEAST_LEFT && refused != Some(&self.secret)
    }
}

/// What came from a provider and waits to be written, and what it was got for.
pub(super) struct New {
    kind: IdentityKind,
    signed_in: SignedIn,
}

enum SignedIn {
    Oidc(Unwritten<oidc::SignedIn>),
    IdentityCenter(Unwritten<identity_center::SignedIn>),
}

impl SignIns {
    /// Answers a token of an identity, and until when its provider is known to need no person. `not_accepted`
    /// is one that was refused.
    pub(in crate::runtime) async fn token(
        &self,
        identity: &IdentityName,
        kind: &IdentityKind,
        endpoints: &Endpoints,
        not_accepted: Option<&Secret>,
    ) -> Result<(Secret, Option<Timestamp>), MintError> {
        let asked = clock::now().monotonic;
        let latest = self.latest(identity).lock_owned().await;
        if let Some(token) = latest.token.as_ref().filter(|token| token.is_good(kind, not_accepted)) {
            return Ok((token.secret.clone(), token.until));
        }
        if let Some(failure) = latest.failure_since(asked) {
            return Err(failure);
        }
        let renewal = Renewal {
            sign_ins: self.clone(),
            identity: identity.clone(),
            kind: kind.clone(),
            endpoints: endpoints.clone(),
            not_accepted: not_accepted.cloned(),
        };
        // Not dropped half way: the old refresh token may be worth nothing by then.
        let token = tokio::spawn(renewal.run(latest)).await.unwrap_or_else(|_| {
            let failure = Failure::new(FailureKind::Upstream, "the renewal broke off; the log has more");
            Err(refused(MintErrorKind::Transient, failure.hint("keyfob status")))
        })?;
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
        let signed_in = match kind {
            IdentityKind::Oidc(settings) => {
                SignedIn::Oidc(oidc::sign_in(&of_oidc(identity, settings), &mut person).await?)
            }
            IdentityKind::IdentityCenter(settings) => {
                let kept = self.kept(identity).await.map_err(|wrong| wrong.failure)?;
                let settings = of_center(identity, settings, endpoints);
                let signed_in = identity_center::sign_in(&settings, kept.as_ref(), &mut person).await?;
                SignedIn::IdentityCenter(signed_in)
            }
            _ => return Ok(None),
        };
        let latest = self.latest(identity);
        let mut latest = latest.lock().await;
        latest.forget();
        let token = self.write(identity, New { kind: kind.clone(), signed_in }, &mut latest).await?;
        let until = token.until;
        latest.token = Some(token);
        Ok(until)
    }

    /// Writes what is to be kept, and then gives out the token. What the vault does not take is held: what it has is worth
    /// nothing any more.
    async fn write(
        &self,
        identity: &IdentityName,
        New { kind, signed_in }: New,
        latest: &mut Shown,
    ) -> Result<Token, Failure> {
        let keep = |kept| self.keep(identity, kept);
        let written = match signed_in {
            SignedIn::Oidc(unwritten) => match unwritten.write(keep).await {
                Ok(oidc::SignedIn { id_token, expires, until }) => Ok((id_token, expires, until)),
                Err((unwritten, failure)) => Err((SignedIn::Oidc(unwritten), failure)),
            },
            SignedIn::IdentityCenter(unwritten) => match unwritten.write(keep).await {
                Ok(identity_center::SignedIn { access_token, expires, until }) => {
                    Ok((access_token, expires, until))
                }
                Err((unwritten, failure)) => Err((SignedIn::IdentityCenter(unwritten), failure)),
            },
        };
        match written {
            Ok((secret, expires, until)) => Ok(Token { kind, secret, expires, until }),
            Err((signed_in, failure)) => {
                tracing::warn!(error = %failure, "write a sign-in to the vault; it is tried again before its use");
                latest.unwritten = Some(Held::Token(Box::new(New { kind, signed_in })));
                Err(failure)
            }
        }
    }

    /// Writes what the vault did not take the last time; answers the token that came with it.
    async fn write_held(
        &self,
        identity: &IdentityName,
        latest: &mut Shown,
    ) -> Result<Option<Token>, Failure> {
        match latest.unwritten.take() {
            None => Ok(None),
            Some(Held::Token(new)) => self.write(identity, *new, latest).await.map(Some),
            Some(Held::Kept(kept)) => match self.keep(identity, kept.clone()).await {
                Ok(()) => Ok(None),
                Err(failure) => {
                    latest.unwritten = Some(Held::Kept(kept));
                    Err(failure)
                }
            },
        }
    }
}

/// A renewal without a person, which goes on to its end.
struct Renewal {
    sign_ins: SignIns,
    identity: IdentityName,
    kind: IdentityKind,
    endpoints: Endpoints,
    not_accepted: Option<Secret>,
}

impl Renewal {
    async fn run(self, mut latest: OwnedMutexGuard<Shown>) -> Result<Token, MintError> {
        let next = self.next(&mut latest).await;
        latest.note(&next);
        let token = next?;
        latest.token = Some(token.clone());
        Ok(token)
    }

    async fn next(&self, latest: &mut Shown) -> Result<Token, MintError> {
        let (sign_ins, identity) = (&self.sign_ins, &self.identity);
        let unwritten = |failure| refused(MintErrorKind::Transient, failure);
        let held = sign_ins.write_held(identity, latest).await.map_err(unwritten)?;
        if let Some(token) = held.filter(|token| token.is_good(&self.kind, self.not_accepted.as_ref())) {
            return Ok(token);
        }
        let kept = sign_ins.kept(identity).await?.ok_or_else(|| not_signed_in(identity))?;
        let signed_in = match renew(identity, &self.kind, &self.endpoints, &kept).await {
            Ok(signed_in) => signed_in,
            Err(wrong) => return Err(sign_ins.denied(identity, wrong, latest).await),
        };
        let new = New { kind: self.kind.clone(), signed_in };
        sign_ins.write(identity, new, latest).await.map_err(unwritten)
    }
}

async fn renew(
    identity: &IdentityName,
    kind: &IdentityKind,
    endpoints: &Endpoints,
    kept: &Secret,
) -> Result<SignedIn, Refused> {
    match kind {
        IdentityKind::Oidc(settings) => {
            oidc::renew(&of_oidc(identity, settings), kept).await.map(SignedIn::Oidc)
        }
        IdentityKind::IdentityCenter(settings) => {
            identity_center::renew(&of_center(identity, settings, endpoints), kept)
                .await
                .map(SignedIn::IdentityCenter)
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
