//! The calls of STS, with their parameters.

use crate::refusal;
use crate::sts::{Outcome, explain, take};
use aws_sdk_sts::Client;
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use keyfob_engine::mint::{MintRequest, Signer};
use keyfob_engine::plan::{AssumeRole, FederationToken, SessionToken, Step};
use std::collections::BTreeMap;

/// Makes the call of a step.
pub(crate) async fn call(client: &Client, request: &MintRequest) -> Outcome {
    match (&request.step, &request.from) {
        (Step::AssumeRole(role), _) => assume_role(client, role, request).await,
        (Step::SessionToken(token), _) => session_token(client, token, request).await,
        (Step::FederationToken(token), _) => federation_token(client, token, request).await,
        (Step::Federated(_, role), Signer::Token(token)) => {
            let answer = client
                .assume_role_with_web_identity()
                .role_arn(role.role_arn.as_str())
                .role_session_name(session_name(role))
                .web_identity_token(token.expose())
                .set_duration_seconds(seconds(request))
                .set_policy(role.policy.clone())
                .set_policy_arns(policies(&role.policy_arns))
                .send()
                .await
                .map_err(|error| explain(request, &error))?;
            take(request, answer.credentials(), Some(account(role)))
        }
        (Step::Federated(_, role), Signer::Assertion { encoded, provider_arn }) => {
            let answer = client
                .assume_role_with_saml()
                .role_arn(role.role_arn.as_str())
                .principal_arn(provider_arn)
                .saml_assertion(encoded.expose())
                .set_duration_seconds(seconds(request))
                .set_policy(role.policy.clone())
                .set_policy_arns(policies(&role.policy_arns))
                .send()
                .await
                .map_err(|error| explain(request, &error))?;
            take(request, answer.credentials(), Some(account(role)))
        }
        (Step::Federated(..), Signer::Key(_)) | (Step::PortalRole(_) | Step::Process, _) => {
            Err(refusal::not_made(&request.step))
        }
    }
}

async fn assume_role(client: &Client, role: &AssumeRole, request: &MintRequest) -> Outcome {
    let answer = client
        .assume_role()
        .role_arn(role.role_arn.as_str())
        .role_session_name(session_name(role))
        .set_duration_seconds(seconds(request))
        .set_external_id(role.external_id.clone())
        .set_tags(tags(&role.session_tags))
        .set_transitive_tag_keys((!role.transitive_tags.is_empty()).then(|| role.transitive_tags.clone()))
        .set_source_identity(role.source_identity.clone())
        .set_policy(role.policy.clone())
        .set_policy_arns(policies(&role.policy_arns))
        .send()
        .await
        .map_err(|error| explain(request, &error))?;
    take(request, answer.credentials(), Some(account(role)))
}

async fn session_token(client: &Client, token: &SessionToken, request: &MintRequest) -> Outcome {
    let answer = client
        .get_session_token()
        .set_duration_seconds(seconds(request))
        .set_serial_number(token.mfa_serial.clone())
        .set_token_code(request.mfa_code.as_ref().map(|code| code.expose().to_owned()))
        .send()
        .await
        .map_err(|error| explain(request, &error))?;
    take(request, answer.credentials(), None)
}

async fn federation_token(client: &Client, token: &FederationToken, request: &MintRequest) -> Outcome {
    let answer = client
        .get_federation_token()
        .name(&token.name)
        .set_duration_seconds(seconds(request))
        .set_policy(token.policy.clone())
        .set_policy_arns(policies(&token.policy_arns))
        .set_tags(tags(&token.session_tags))
        .send()
        .await
        .map_err(|error| explain(request, &error))?;
    take(request, answer.credentials(), None)
}

fn session_name(role: &AssumeRole) -> &str {
    role.session_name.as_deref().unwrap_or("keyfob")
}

fn account(role: &AssumeRole) -> String {
    role.role_arn.account_id().to_owned()
}

fn seconds(request: &MintRequest) -> Option<i32> {
    request.duration.or(request.step.duration()).and_then(|seconds| i32::try_from(seconds).ok())
}

fn tags(tags: &BTreeMap<String, String>) -> Option<Vec<Tag>> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build().ok();
    (!tags.is_empty()).then(|| tags.iter().filter_map(tag).collect())
}

fn policies(arns: &[String]) -> Option<Vec<PolicyDescriptorType>> {
    let policy = |arn: &String| PolicyDescriptorType::builder().arn(arn).build();
    (!arns.is_empty()).then(|| arns.iter().map(policy).collect())
}
