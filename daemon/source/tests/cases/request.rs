//! `request.json`: the call, its parameters and what signs it.

use keyfob_engine::mint::{self, MintRequest};
use keyfob_engine::plan::{AssumeRole, SessionToken, Step};
use keyfob_shared::{Credentials, Secret};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    step: Call,
    #[serde(default)]
    from: Signer,
    /// Instead of the step's own, after a refusal.
    asked_duration: Option<u32>,
    #[serde(default)]
    skew: i64,
    mfa_code: Option<String>,
    mfa_serial: Option<String>,
    duration: Option<u32>,
    external_id: Option<String>,
    #[serde(default)]
    session_tags: BTreeMap<String, String>,
    #[serde(default)]
    transitive_tags: Vec<String>,
    source_identity: Option<String>,
    session_name: Option<String>,
    policy: Option<String>,
    #[serde(default)]
    policy_arns: Vec<String>,
}

#[derive(Deserialize)]
enum Call {
    AssumeRole,
    GetSessionToken,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Signer {
    #[default]
    LongTermKey,
    Session,
}

pub(crate) fn read(json: &[u8]) -> Result<MintRequest, String> {
    let written: Written = serde_json::from_slice(json).map_err(|error| format!("request.json: {error}"))?;
    let region = Some("eu-west-1".to_owned());
    let step = match written.step {
        Call::AssumeRole => Step::AssumeRole(Box::new(AssumeRole {
            role_arn: "arn:aws:iam::111122223333:role/Reader".parse().expect("an ARN"),
            duration: written.duration,
            external_id: written.external_id,
            session_tags: written.session_tags,
            transitive_tags: written.transitive_tags,
            source_identity: written.source_identity,
            session_name: written.session_name,
            policy: written.policy,
            policy_arns: written.policy_arns,
            region,
        })),
        Call::GetSessionToken => Step::SessionToken(SessionToken {
            duration: written.duration,
            mfa_serial: written.mfa_serial,
            region,
        }),
    };
    let from = match written.from {
        Signer::LongTermKey => ("AKIAIOSFODNN7EXAMPLE", None),
        Signer::Session => ("ASIAIOSFODNN7EXAMPLE", Some(Secret::new("signing+t0ken/0000"))),
    };
    Ok(MintRequest {
        identity: "alice".parse().expect("a name"),
        step,
        duration: written.asked_duration,
        from: mint::Signer::Key(Credentials {
            access_key_id: from.0.into(),
            secret_access_key: Secret::new("signing+s3cret/0000"),
            session_token: from.1,
            account_id: None,
        }),
        mfa_code: written.mfa_code.map(Secret::new),
        skew: written.skew,
    })
}

/// Answers what must not be told to anybody.
pub(crate) fn secrets(request: &MintRequest) -> Vec<String> {
    let secrets = request.from.secrets().into_iter().chain(request.mfa_code.as_ref());
    secrets.map(|secret| secret.expose().to_owned()).collect()
}
