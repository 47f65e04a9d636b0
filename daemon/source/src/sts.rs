//! STS: one attempt of one call, over one set of connections.

use crate::refusal::{self, Refusal, Speaker};
use crate::{calls, granted};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{BehaviorVersion, Credentials as Key, Region, StalledStreamProtectionConfig};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::types::Credentials as Granted;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use keyfob_aws::{Connections, Corrected, Observed, cause_of};
use keyfob_engine::mint::{MintError, MintRequest, Minted, Signer};
use keyfob_engine::plan::Step;
use keyfob_shared::{Credentials, Timestamp};
use std::time::Duration;

/// The network part of a mint, connecting and answer together.
const LONGEST_CALL: Duration = Duration::from_secs(4);
/// The longest body of an answer, in bytes: a session token may have 64 KiB, everything else is small.
pub(crate) const MAX_BODY: usize = 256 * 1024;

/// Calls STS; a handle that shares its connections.
#[derive(Clone, Debug, Default)]
pub struct Sts {
    pub(crate) connections: Connections,
}

impl Sts {
    /// Calls over these connections; nothing is connected yet.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }

    /// Mints one session with one call; `endpoint` replaces the regional one.
    ///
    /// # Errors
    /// What STS or the network said, and what can be done about it.
    pub async fn mint(&self, request: &MintRequest, endpoint: Option<&str>) -> Result<Minted, MintError> {
        let late = || {
            let why = format!("no answer within {} s", LONGEST_CALL.as_secs());
            let refusal = refusal::unreachable(&request.step, &why);
            MintError { kind: refusal.kind, failure: refusal.failure, server_date: None }
        };
        let call = self.call(request, endpoint);
        tokio::time::timeout(LONGEST_CALL, call).await.unwrap_or_else(|_| Err(late()))
    }

    async fn call(&self, request: &MintRequest, endpoint: Option<&str>) -> Result<Minted, MintError> {
        let outcome = match self.connections.connector().await {
            Some(connector) => {
                let observed = Observed::new(connector, MAX_BODY);
                let client = client(request, endpoint, observed.clone());
                let outcome = calls::call(&client, request).await;
                (outcome, observed.date())
            }
            None => {
                let why = "the root certificates of this computer can't be read";
                (Err(refusal::unreachable(&request.step, why)), None)
            }
        };
        match outcome {
            (Ok((credentials, expires)), server_date) => {
                Ok(Minted { credentials, expires, server_date, signed_in_until: None })
            }
            (Err(Refusal { kind, failure, speaker }), date) => {
                let server_date = match speaker {
                    Speaker::Sts => date,
                    Speaker::Unknown => None,
                };
                Err(MintError { kind, failure, server_date })
            }
        }
    }
}

pub(crate) type Outcome = Result<(Credentials, Timestamp), Refusal>;

fn client(request: &MintRequest, endpoint: Option<&str>, http: Observed) -> Client {
    let region = match &request.step {
        Step::AssumeRole(role) | Step::Federated(_, role) => role.region.clone(),
        Step::SessionToken(token) => token.region.clone(),
        Step::FederationToken(token) => token.region.clone(),
        Step::PortalRole(_) | Step::Process => None,
    };
    let mut config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region.map(Region::new))
        .http_client(http)
        .time_source(Corrected::by(request.skew))
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint);
    }
    config = match &request.from {
        Signer::Key(key) => {
            let token = key.session_token.as_ref().map(|token| token.expose().to_owned());
            let secret = key.secret_access_key.expose();
            config.credentials_provider(Key::new(&key.access_key_id, secret, token, None, "keyfob"))
        }
        Signer::Token(_) | Signer::Assertion { .. } => config.allow_no_auth(),
    };
    Client::from_conf(config.build())
}

/// Takes the keys out of an answer; one without usable keys is no success.
pub(crate) fn take(request: &MintRequest, granted: Option<&Granted>, account_id: Option<String>) -> Outcome {
    let taken = granted.and_then(|granted| granted::take(granted, account_id));
    taken.ok_or_else(|| refusal::malformed(&request.step))
}

/// Sorts an error of the SDK; its texts are quoted only where STS itself wrote them.
pub(crate) fn explain<E: ProvideErrorMetadata>(
    request: &MintRequest,
    error: &SdkError<E, HttpResponse>,
) -> Refusal {
    let status = error.raw_response().map(|response| response.status().as_u16());
    match error {
        SdkError::ServiceError(refused) => {
            let code = refused.err().code().filter(|_| is_whole(refused.raw()));
            refusal::sort(request, status, code, refused.err().message().unwrap_or_default())
        }
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error().map(|cause| cause_of(cause)).unwrap_or_default();
            refusal::unreachable(&request.step, &format!("STS can't be reached: {cause}"))
        }
        SdkError::TimeoutError(_) => refusal::unreachable(&request.step, "STS took too long"),
        SdkError::ConstructionFailure(_) => refusal::not_made(&request.step),
        // ResponseError, and what later versions of the SDK may add: an answer that is not understood.
        _ => refusal::malformed(&request.step),
    }
}

// The SDK takes a code out of any document, torn or of another service.
fn is_whole(answer: &HttpResponse) -> bool {
    answer.body().bytes().is_some_and(|body| body.trim_ascii_end().ends_with(b"</ErrorResponse>"))
}
