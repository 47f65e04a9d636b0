//! `sts:AssumeRole` and `sts:GetSessionToken`, one attempt each.

use crate::clock::Corrected;
use crate::http::{self, Observed};
use crate::refusal;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{
    BehaviorVersion, Credentials as Key, Region, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::types::{Credentials as Granted, PolicyDescriptorType, Tag};
use keyfob_engine::mint::{MintError, MintErrorKind, MintRequest, Minted};
use keyfob_engine::plan::{AssumeRole, SessionToken, Step};
use keyfob_shared::{Credentials, Failure, FailureKind, Secret, Timestamp};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The network part of a mint, connecting and answer together.
const LONGEST_CALL: Duration = Duration::from_secs(4);

/// Calls STS; a handle that shares its connections.
#[derive(Clone, Debug, Default)]
pub struct Sts {
    // Made at the first call: root certificates and TLS take memory that an idle daemon need not have.
    http: Arc<OnceLock<SharedHttpClient>>,
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
        let observed = Observed::new(self.http.get_or_init(http::client).clone());
        let client = client(request, endpoint, observed.clone());
        let call = async {
            match &request.step {
                Step::AssumeRole(role) => assume_role(&client, role, request).await,
                Step::SessionToken(token) => session_token(&client, token, request).await,
            }
        };
        let outcome = tokio::time::timeout(LONGEST_CALL, call).await.unwrap_or_else(|_| {
            let message =
                format!("{}: no answer within {} s", refusal::what(&request.step), LONGEST_CALL.as_secs());
            let failure = Failure::new(FailureKind::Upstream, message).hint("keyfob status");
            Err((MintErrorKind::Transient, failure))
        });
        let server_date = observed.date();
        match outcome {
            Ok((credentials, expires)) => Ok(Minted { credentials, expires, server_date }),
            Err((kind, failure)) => Err(MintError { kind, failure, server_date }),
        }
    }
}

type Outcome = Result<(Credentials, Timestamp), (MintErrorKind, Failure)>;

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
    let usable = granted.filter(|granted| {
        !granted.access_key_id().is_empty()
            && !granted.secret_access_key().is_empty()
            && !granted.session_token().is_empty()
    });
    let Some((granted, expires)) =
        usable.and_then(|granted| Some((granted, granted.expiration().to_millis().ok()?)))
    else {
        return Err(refusal::malformed(&request.step));
    };
    let credentials = Credentials {
        access_key_id: granted.access_key_id().to_owned(),
        secret_access_key: Secret::new(granted.secret_access_key()),
        session_token: Some(Secret::new(granted.session_token())),
        account_id,
    };
    Ok((credentials, Timestamp::from_millis(expires)))
}

/// Sorts an error of the SDK; its texts are quoted only where STS itself wrote them.
fn explain<E: ProvideErrorMetadata>(
    request: &MintRequest,
    error: &SdkError<E, aws_smithy_runtime_api::client::orchestrator::HttpResponse>,
) -> (MintErrorKind, Failure) {
    let status = error.raw_response().map(|response| response.status().as_u16());
    match error {
        SdkError::ServiceError(refused) => {
            refusal::sort(request, status, refused.err().code(), refused.err().message().unwrap_or_default())
        }
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error().map(|cause| innermost(cause)).unwrap_or_default();
            refusal::unreachable(&request.step, &cause)
        }
        SdkError::TimeoutError(_) => refusal::unreachable(&request.step, "it took too long"),
        SdkError::ConstructionFailure(_) => {
            let message =
                format!("{}: the call can't be made with these parameters", refusal::what(&request.step));
            (MintErrorKind::Final, Failure::new(FailureKind::Usage, message).hint("keyfob profile check"))
        }
        // ResponseError, and what later versions of the SDK may add: an answer that is not understood.
        _ => refusal::malformed(&request.step),
    }
}

/// Answers the last cause of a chain: "connection refused" instead of the library's way there.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
