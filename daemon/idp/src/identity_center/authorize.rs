//! The service that registers clients and gives out tokens, `sso-oidc`.

use super::http::Http;
use super::kept::Registration;
use super::refusal::{self, Refusal};
use super::{Flow, Settings, check};
use crate::loopback;
use crate::trouble::Trouble;
use crate::web::Place;
use aws_sdk_ssooidc::Client;
use aws_sdk_ssooidc::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_ssooidc::config::retry::RetryConfig;
use aws_sdk_ssooidc::config::timeout::TimeoutConfig;
use aws_sdk_ssooidc::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use keyfob_shared::{Secret, Timestamp};
use std::time::Duration;

/// A refresh token is spent once it was sent: that answer is worth waiting for.
const LONGEST: Duration = Duration::from_secs(30);
/// Without it there is no refresh token, and no access to accounts.
pub(super) const SCOPE: &str = "sso:account:access";

/// One sign-in or renewal.
pub(super) struct Authorizer<'a> {
    pub(super) settings: &'a Settings,
    pub(super) client: Client,
}

impl<'a> Authorizer<'a> {
    pub(super) fn new(settings: &'a Settings) -> Result<Self, Trouble> {
        check(settings)?;
        let mut config = aws_sdk_ssooidc::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            .http_client(Http::new(LONGEST))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = &settings.sso_oidc_endpoint {
            config = config.endpoint_url(endpoint);
        }
        Ok(Self { settings, client: Client::from_conf(config.build()) })
    }

    /// Makes keyfob known to AWS.
    pub(super) async fn register(&self) -> Result<Registration, Trouble> {
        let mut request =
            self.client.register_client().client_name("keyfob").client_type("public").scopes(SCOPE);
        if self.settings.flow == Flow::Browser {
            // AWS takes any port for 127.0.0.1 (RFC 8252, 7.3).
            request = request
                .grant_types("authorization_code")
                .grant_types("refresh_token")
                .redirect_uris(format!("http://127.0.0.1{}", loopback::PATH))
                .issuer_url(&self.settings.start_url);
        }
        let answer = request.send().await.map_err(|error| self.refusal(&error, &[]).trouble)?;
        let (Some(client_id), Some(client_secret)) = (answer.client_id(), answer.client_secret()) else {
            return Err(Trouble::passing("it answers something that is no registration"));
        };
        Ok(Registration {
            client_id: client_id.to_owned(),
            client_secret: Secret::new(client_secret),
            ends: Timestamp::from_millis(answer.client_secret_expires_at().saturating_mul(1_000)),
        })
    }

    /// Answers the address of the service, where the browser begins.
    pub(super) async fn place(&self) -> Result<Place, Trouble> {
        let unknown = || Trouble::useless(format!("no endpoint is known in region {}", self.settings.region));
        let url = match &self.settings.sso_oidc_endpoint {
            Some(endpoint) => endpoint.clone(),
            None => {
                let parameters = Params::builder().region(&self.settings.region).build();
                let parameters = parameters.map_err(|_| unknown())?;
                let endpoint = DefaultResolver::new().resolve_endpoint(&parameters).await;
                endpoint.map_err(|_| unknown())?.url().to_owned()
            }
        };
        Place::parse(&url).map_err(|_| unknown())
    }

    pub(super) fn refusal<E>(&self, error: &refusal::Error<E>, secrets: &[&Secret]) -> Refusal
    where
        E: aws_sdk_ssooidc::error::ProvideErrorMetadata,
    {
        refusal::read(error, self.settings, secrets)
    }
}

#[cfg(test)]
mod tests {
    use super::super::refusal::tests::settings;
    use super::*;

    #[tokio::test]
    async fn the_browser_begins_at_the_endpoint_of_the_region() {
        for (region, host) in [
            ("eu-west-1", "oidc.eu-west-1.amazonaws.com"),
            ("cn-north-1", "oidc.cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "oidc.us-gov-west-1.amazonaws.com"),
        ] {
            let settings = Settings { region: region.into(), ..settings() };
            let place = Authorizer::new(&settings).unwrap().place().await.unwrap();
            assert_eq!((place.host(), place.is_https()), (host, true));
        }
    }
}
