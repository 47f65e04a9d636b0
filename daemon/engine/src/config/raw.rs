//! The file as it is written: names and types are checked here, meaning is not.

use super::{Lines, Renew, error};
use keyfob_shared::wire::Finding;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    #[serde(default)]
    pub(super) daemon: RawDaemon,
    #[serde(default)]
    pub(super) endpoints: RawEndpoints,
    #[serde(default)]
    pub(super) identity: BTreeMap<String, Spanned<RawIdentity>>,
    #[serde(default)]
    pub(super) profile: BTreeMap<String, Spanned<RawProfile>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDaemon {
    pub(super) vault: Option<Spanned<String>>,
    pub(super) vault_key_file: Option<Spanned<String>>,
    pub(super) passphrase_command: Option<Spanned<Vec<String>>>,
    pub(super) renew: Option<Renew>,
    pub(super) keep_warm: Option<Spanned<String>>,
    pub(super) allow_root: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEndpoints {
    pub(super) sts: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIdentity {
    #[serde(rename = "type")]
    pub(super) kind: Spanned<String>,
    pub(super) mfa_serial: Option<Spanned<String>>,
    pub(super) mfa_command: Option<Spanned<Vec<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProfile {
    pub(super) identity: Option<Spanned<String>>,
    pub(super) source: Option<Spanned<String>>,
    pub(super) role_arn: Option<Spanned<String>>,
    pub(super) duration: Option<Spanned<String>>,
    pub(super) region: Option<Spanned<String>>,
    pub(super) external_id: Option<Spanned<String>>,
    pub(super) session_name: Option<Spanned<String>>,
    pub(super) source_identity: Option<Spanned<String>>,
    pub(super) session_tags: Option<Spanned<BTreeMap<String, String>>>,
    pub(super) transitive_tags: Option<Spanned<Vec<String>>>,
    pub(super) policy: Option<Spanned<String>>,
    pub(super) policy_arns: Option<Spanned<Vec<String>>>,
    pub(super) mfa: Option<bool>,
}

pub(super) fn parse(text: &str) -> Result<Raw, Vec<Finding>> {
    toml::from_str(text).map_err(|wrong| {
        let offset = wrong.span().map_or(0, |span| span.start);
        vec![error(Lines::new(text).place(offset), explain(wrong.message()), None)]
    })
}

/// Adds the nearest known key to serde's message about an unknown one.
fn explain(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field `") else { return message.to_owned() };
    let mut quoted = rest.split('`').step_by(2);
    let unknown = quoted.next().unwrap_or_default();
    let nearest = quoted
        .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
        .filter(|(distance, known)| *distance <= known.len().max(3) / 2)
        .min();
    match nearest {
        Some((_, known)) => format!("unknown key `{unknown}`: did you mean `{known}`?"),
        None => format!("unknown key `{unknown}`"),
    }
}
