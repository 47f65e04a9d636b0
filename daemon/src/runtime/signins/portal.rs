//! Credentials of IAM Identity Center, which come from its portal and not from STS.

use super::{SignIns, locked};
use crate::runtime::mints::refused;
use crate::runtime::turns::Turns;
use keyfob_engine::config::{self, Endpoints, IdentityKind};
use keyfob_engine::mint::{MintError, MintErrorKind, Minted};
use keyfob_engine::plan::PortalRole;
use keyfob_idp::identity_center::{self, Denied, Portal};
use keyfob_shared::{Failure, FailureKind, IdentityName};
use std::sync::Arc;

impl SignIns {
    /// Mints a session of a role of IAM Identity Center.
    pub(in crate::runtime) async fn portal_role(
        &self,
        identity: &IdentityName,
        kind: &IdentityKind,
        endpoints: &Endpoints,
        role: &PortalRole,
        turns: &Turns,
    ) -> Result<Minted, MintError> {
        let IdentityKind::IdentityCenter(settings) = kind else {
            let failure = Failure::new(
                FailureKind::Usage,
                format!("identity {identity} is not of IAM Identity Center"),
            );
            return Err(refused(MintErrorKind::Final, failure.hint("keyfob profile check")));
        };
        let portal = self.portal(identity, settings, endpoints);
        let mut not_accepted = None;
        loop {
            let (token, until) = self.token(identity, kind, endpoints, not_accepted.as_ref()).await?;
            let _turn = turns.take().await?;
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
    /// Answers the portal of an identity, which keeps its connections.
    pub(super) fn portal(
        &self,
        identity: &IdentityName,
        settings: &config::IdentityCenter,
        endpoints: &Endpoints,
    ) -> Arc<Portal> {
        let settings = of_center(identity, settings, endpoints);
        let mut portals = locked(&self.portals);
        if let Some(portal) = portals.get(identity).filter(|portal| *portal.settings() == settings) {
            return portal.clone();
        }
        let portal = Arc::new(Portal::new(settings));
        portals.insert(identity.clone(), portal.clone());
        portal
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
