//! The access portal, `sso`: what a person may use, and credentials for it.

mod list;

use super::http::Http;
use super::refusal::{self, Refusal};
use super::{Settings, check};
use crate::trouble::Trouble;
use aws_sdk_sso::Client;
use aws_sdk_sso::config::retry::RetryConfig;
use aws_sdk_sso::config::timeout::TimeoutConfig;
use aws_sdk_sso::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use aws_sdk_sso::types::RoleCredentials;
use keyfob_shared::frame::MAX_FRAME;
use keyfob_shared::{Credentials, Failure, Secret, Timestamp};
use std::time::Duration;
use tokio::sync::OnceCell;

const LONGEST: Duration = Duration::from_secs(10);
/// 9999-12-31T23:59:59Z in milliseconds, the last moment that RFC 3339 can write.
const LATEST: i64 = 253_402_300_799_000;

/// A role that a person may take on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRole {
    /// The 12 digits of the account.
    pub account_id: String,
    /// The account's name as an administrator chose it; one line, empty if it has none.
    pub account_name: String,
    /// The name of the role, as [`Portal::role_credentials`] takes it.
    pub role_name: String,
}

/// Why the portal gives out nothing.
#[derive(Clone, Debug)]
pub enum Denied {
    /// The access token is not accepted: renew it, then once more.
    Token(Failure),
    /// The network or AWS is down, or asks for fewer questions; later the same may work.
    Transient(Failure),
    /// Trying again changes nothing: the role is not assigned, or not there.
    Lasting(Failure),
}

/// The portal of one identity; it keeps the connections, so one is made and used for all profiles.
#[derive(Debug)]
pub struct Portal {
    settings: Settings,
    // Made at the first call: root certificates and TLS take memory that an idle daemon need not have.
    client: OnceCell<Client>,
}

impl Portal {
    /// Makes a handle; nothing is connected.
    pub fn new(settings: Settings) -> Self {
        Self { settings, client: OnceCell::new() }
    }

    /// Answers what it was made for.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Asks for credentials of a role, once. How long they live is set at AWS.
    ///
    /// # Errors
    /// Says whether the access token is at fault, and whether the same may work later.
    pub async fn role_credentials(
        &self,
        access_token: &Secret,
        account_id: &str,
        role_name: &str,
    ) -> Result<(Credentials, Timestamp), Denied> {
        let tried = format!("get credentials of {role_name} in {account_id}");
        let on = |refusal: Refusal| denied(refusal, &self.settings, &tried);
        let client = self.client().await.map_err(on)?;
        let request = client.get_role_credentials().access_token(access_token.expose());
        let answer = request.account_id(account_id).role_name(role_name).send().await;
        let answer = answer.map_err(|error| on(refusal::read(&error, &self.settings, &[access_token])))?;
        let taken = answer.role_credentials().and_then(|granted| take(granted, account_id));
        taken.ok_or_else(|| on(unreadable("it answers something that is no credentials")))
    }

    /// Lists what the person may use, sorted by account and role.
    ///
    /// # Errors
    /// As [`Portal::role_credentials`]; also if there is more than can be looked through.
    pub async fn accounts_and_roles(&self, access_token: &Secret) -> Result<Vec<AccountRole>, Denied> {
        let on = |refusal: Refusal| denied(refusal, &self.settings, "list accounts and roles");
        let client = self.client().await.map_err(on)?;
        list::everything(client, &self.settings, access_token).await.map_err(on)
    }

    async fn client(&self) -> Result<&Client, Refusal> {
        let made = async || {
            check(&self.settings).map_err(|trouble| Refusal { code: String::new(), trouble })?;
            let mut config = aws_sdk_sso::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(self.settings.region.clone()))
                .http_client(Http::new(LONGEST))
                .retry_config(RetryConfig::disabled())
                .timeout_config(TimeoutConfig::disabled())
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
            if let Some(endpoint) = &self.settings.sso_endpoint {
                config = config.endpoint_url(endpoint);
            }
            Ok(Client::from_conf(config.build()))
        };
        self.client.get_or_try_init(made).await
    }
}

fn denied(refusal: Refusal, settings: &Settings, tried: &str) -> Denied {
    let is_token = refusal.code == "UnauthorizedException";
    let is_role = ["ForbiddenException", "ResourceNotFoundException"].contains(&refusal.code.as_str());
    let discover = format!("keyfob profile discover {}", settings.identity);
    let trouble = if is_role { refusal.trouble.hint(discover) } else { refusal.trouble };
    match trouble.on(tried) {
        Trouble::Passing(failure) => Denied::Transient(failure),
        Trouble::Lasting(failure) if is_token => Denied::Token(failure),
        Trouble::Lasting(failure) => Denied::Lasting(failure),
    }
}

fn unreadable(what: &str) -> Refusal {
    Refusal { code: String::new(), trouble: Trouble::passing(what) }
}

/// Takes keys that AWS gave out; `None` if they can't be what it gives.
fn take(granted: &RoleCredentials, account_id: &str) -> Option<(Credentials, Timestamp)> {
    // Security: they become HTTP headers and lines of shell exports.
    let visible = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let id = granted.access_key_id()?;
    // AccessKeyId of the STS API reference.
    if !(16..=128).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let credentials = Credentials {
        access_key_id: id.to_owned(),
        secret_access_key: Secret::new(granted.secret_access_key().filter(visible)?),
        session_token: Some(Secret::new(granted.session_token().filter(visible)?)),
        account_id: Some(account_id.to_owned()),
    };
    let expires = Some(granted.expiration()).filter(|millis| (1..=LATEST).contains(millis))?;
    let expires = Timestamp::from_millis(expires);
    // The reply to a client has to carry it.
    (credentials.reply(expires).expose().len() <= MAX_FRAME).then_some((credentials, expires))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken(id: &str, secret: &str, token: &str, expiration: i64) -> bool {
        let granted = RoleCredentials::builder().access_key_id(id).secret_access_key(secret);
        take(&granted.session_token(token).expiration(expiration).build(), "111122223333").is_some()
    }

    #[test]
    fn keys_as_aws_gives_them_are_taken() {
        let id = "ASIAIOSFODNN7EXAMPLE";
        assert!(is_taken(id, "s", "t", 1_767_225_601_000));
        for (id, secret, token, expiration) in [
            ("ASIA", "s", "t", 1),
            ("ASIAIOSFODNN7 EXAMPLE", "s", "t", 1),
            (id, "", "t", 1),
            (id, "a b", "t", 1),
            (id, "s", "a\nb", 1),
            (id, "s", "t", 0),
            (id, "s", "t", i64::MAX),
            (id, "s", &"t".repeat(MAX_FRAME), 1),
        ] {
            assert!(!is_taken(id, secret, token, expiration), "{id} {expiration}");
        }
        assert!(take(&RoleCredentials::builder().access_key_id(id).build(), "1").is_none());
    }
}
