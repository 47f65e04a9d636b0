//! Clients of the services, over shared connections.

use crate::refusal::{Refusal, RefusalKind, Service};
use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::config::timeout::TimeoutConfig;
use aws_sdk_iam::config::{BehaviorVersion, Credentials as Key, Region, StalledStreamProtectionConfig};
use keyfob_aws::{Connections, Corrected, Observed, ServerDate};
use keyfob_shared::{Credentials, Failure, FailureKind};
use std::time::Duration;

/// Connecting and answer together; IAM is one place in a partition, and may be far.
const LONGEST_CALL: Duration = Duration::from_secs(8);
/// The longest body of an answer, in bytes: the credential report of a hundred thousand users, in base64.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// Calls IAM, and what belongs to it; a handle that shares its connections.
#[derive(Clone, Debug)]
pub struct Iam {
    connections: Connections,
}

/// With what, and where, a call is made.
#[derive(Clone, Debug)]
pub struct Access {
    /// What signs.
    pub key: Credentials,
    /// The region of signatures and of the service's own address.
    pub region: String,
    /// How far the server's clock is ahead of ours, in milliseconds.
    pub skew: i64,
    /// Addresses to use instead of those of AWS: of IAM, STS and CloudTrail.
    pub iam: Option<String>,
    /// See `iam`.
    pub sts: Option<String>,
    /// See `iam`.
    pub cloudtrail: Option<String>,
    /// Takes note of the `Date` of the answer.
    pub date: ServerDate,
}

/// The parts of a configuration, which are of one type in all SDK crates.
pub(crate) struct Parts {
    pub(crate) http: Observed,
    pub(crate) key: Key,
    pub(crate) region: Region,
    pub(crate) time: Corrected,
}

impl Iam {
    /// Calls over these connections; nothing is connected yet.
    #[must_use]
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }

    pub(crate) async fn iam(&self, access: &Access) -> Result<aws_sdk_iam::Client, Refusal> {
        let parts = self.parts(access).await?;
        let mut config = aws_sdk_iam::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(parts.region)
            .http_client(parts.http)
            .time_source(parts.time)
            .credentials_provider(parts.key)
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = &access.iam {
            config = config.endpoint_url(endpoint);
        }
        Ok(aws_sdk_iam::Client::from_conf(config.build()))
    }

    pub(crate) async fn sts(&self, access: &Access) -> Result<aws_sdk_sts::Client, Refusal> {
        let parts = self.parts(access).await?;
        let mut config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(parts.region)
            .http_client(parts.http)
            .time_source(parts.time)
            .credentials_provider(parts.key)
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = &access.sts {
            config = config.endpoint_url(endpoint);
        }
        Ok(aws_sdk_sts::Client::from_conf(config.build()))
    }

    pub(crate) async fn cloudtrail(&self, access: &Access) -> Result<aws_sdk_cloudtrail::Client, Refusal> {
        let parts = self.parts(access).await?;
        let mut config = aws_sdk_cloudtrail::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(parts.region)
            .http_client(parts.http)
            .time_source(parts.time)
            .credentials_provider(parts.key)
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = &access.cloudtrail {
            config = config.endpoint_url(endpoint);
        }
        Ok(aws_sdk_cloudtrail::Client::from_conf(config.build()))
    }

    async fn parts(&self, access: &Access) -> Result<Parts, Refusal> {
        let Some(connector) = self.connections.connector().await else {
            let failure =
                Failure::new(FailureKind::Upstream, "the root certificates of this computer can't be read");
            return Err(Refusal { kind: RefusalKind::Transient, failure });
        };
        let Credentials { access_key_id, secret_access_key, session_token, .. } = &access.key;
        let token = session_token.as_ref().map(|token| token.expose().to_owned());
        Ok(Parts {
            http: Observed::new(connector, MAX_BODY).telling(access.date.clone()),
            key: Key::new(access_key_id, secret_access_key.expose(), token, None, "keyfob"),
            region: Region::new(access.region.clone()),
            time: Corrected::by(access.skew),
        })
    }
}

/// Bounds a call in time.
pub(crate) async fn within<T>(
    service: Service,
    what: &str,
    call: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    match tokio::time::timeout(LONGEST_CALL, call).await {
        Ok(result) => result,
        Err(_) => Err(Refusal::unreachable(
            service,
            what,
            &format!("no answer within {} s", LONGEST_CALL.as_secs()),
        )),
    }
}
