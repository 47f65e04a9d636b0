//! `sts:AssumeRole` and `sts:GetSessionToken`, one attempt each.

use crate::clock::Corrected;
use crate::granted;
use crate::http::{self, Observed};
use crate::proxy;
use crate::refusal::{self, Refusal, Speaker};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{BehaviorVersion, Credentials as Key, Region, StalledStreamProtectionConfig};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::types::{Credentials as Granted, PolicyDescriptorType, Tag};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use keyfob_engine::mint::{MintError, MintRequest, Minted};
use keyfob_engine::plan::{AssumeRole, SessionToken, Step};
use keyfob_shared::{Credentials, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// The network part of a mint, connecting and answer together.
const LONGEST_CALL: Duration = Duration::from_secs(4);

/// Calls STS; a handle that shares its connections.
#[derive(Clone, Debug, Default)]
pub struct Sts {
    // Made at the first call: root certificates and TLS take memory that an idle daemon need not have.
    connector: Arc<OnceCell<SharedHttpConnector>>,
}

impl Sts {
    /// Makes a handle; nothing is connected.
    pub fn new() -> Self {
        Self::default()
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
        let outcome = match self.connector().await {
            Some(connector) => {
                let observed = Observed::new(connector);
                let client = client(request, endpoint, observed.clone());
                let outcome = match &request.step {
                    Step::AssumeRole(role) => assume_role(&client, role, request).await,
                    Step::SessionToken(token) => session_token(&client, token, request).await,
                };
                (outcome, observed.date())
            }
            None => {
                let why = "the root certificates of this computer can't be read";
                (Err(refusal::unreachable(&request.step, why)), None)
            }
        };
        match outcome {
            (Ok((credentials, expires)), server_date) => Ok(Minted { credentials, expires, server_date }),
            (Err(Refusal { kind, failure, speaker }), date) => {
                let server_date = match speaker {
                    Speaker::Sts => date,
                    Speaker::Unknown => None,
                };
                Err(MintError { kind, failure, server_date })
            }
        }
    }

    // The daemon's one loop must not wait for the disk.
    async fn connector(&self) -> Option<SharedHttpConnector> {
        let made = || tokio::task::spawn_blocking(|| http::connector(proxy::from_environment()));
        self.connector.get_or_try_init(made).await.ok().cloned()
    }
}

type Outcome = Result<(Credentials, Timestamp), Refusal>;

fn client(request: &MintRequest, endpoint: Option<&str>, http: Observed) -> Client {
    let (region, from) = match &request.step {
        Step::AssumeRole(role) => (&role.region, &request.from),
        Step::SessionToken(token) => (&token.region, &request.from),
    };
    let token = from.session_token.as_ref().map(|token| token.expose().to_owned());
    let key = Key::new(&from.access_key_id, from.secret_access_key.expose(), token, None, "keyfob");
    let mut config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region.clone().map(Region::new))
        .credentials_provider(key)
        .http_client(http)
        .time_source(Corrected::by(request.skew))
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint);
    }
    Client::from_conf(config.build())
}

async fn assume_role(client: &Client, role: &AssumeRole, request: &MintRequest) -> Outcome {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build().ok();
    let tags: Vec<Tag> = role.session_tags.iter().filter_map(tag).collect();
    let policies: Vec<_> =
        role.policy_arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build()).collect();
    let seconds = request.duration.or(role.duration).and_then(|seconds| i32::try_from(seconds).ok());
    let answer = client
        .assume_role()
        .role_arn(role.role_arn.as_str())
        .role_session_name(role.session_name.as_deref().unwrap_or("keyfob"))
        .set_duration_seconds(seconds)
        .set_external_id(role.external_id.clone())
        .set_tags((!tags.is_empty()).then_some(tags))
        .set_transitive_tag_keys((!role.transitive_tags.is_empty()).then(|| role.transitive_tags.clone()))
        .set_source_identity(role.source_identity.clone())
        .set_policy(role.policy.clone())
        .set_policy_arns((!policies.is_empty()).then_some(policies))
        .send()
        .await
        .map_err(|error| explain(request, &error))?;
    let account = role.role_arn.account_id().to_owned();
    take(request, answer.credentials(), Some(account))
}

async fn session_token(client: &Client, token: &SessionToken, request: &MintRequest) -> Outcome {
    let seconds = request.duration.or(token.duration).and_then(|seconds| i32::try_from(seconds).ok());
    let answer = client
        .get_session_token()
        .set_duration_seconds(seconds)
        .set_serial_number(token.mfa_serial.clone())
        .set_token_code(request.mfa_code.as_ref().map(|code| code.expose().to_owned()))
        .send()
        .await
        .map_err(|error| explain(request, &error))?;
    take(request, answer.credentials(), None)
}

/// Takes the keys out of an answer; one without usable keys is no success.
fn take(request: &MintRequest, granted: Option<&Granted>, account_id: Option<String>) -> Outcome {
    let taken = granted.and_then(|granted| granted::take(granted, account_id));
    taken.ok_or_else(|| refusal::malformed(&request.step))
}

/// Sorts an error of the SDK; its texts are quoted only where STS itself wrote them.
fn explain<E: ProvideErrorMetadata>(request: &MintRequest, error: &SdkError<E, HttpResponse>) -> Refusal {
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

/// Answers the last cause of a chain: "connection refused" instead of the library's way there, and whether it was
/// on the way to a proxy.
fn cause_of(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let told: Vec<String> = chain.map(ToString::to_string).collect();
    let last = told.last().cloned().unwrap_or_default();
    match told.iter().find(|text| text.starts_with("tunnel error") && **text != last) {
        Some(tunnel) => format!("{tunnel}: {last}"),
        None => last,
    }
}
