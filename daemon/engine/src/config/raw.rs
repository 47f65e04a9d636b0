//! The file as it is written: names and types are checked here, meaning is not.

use super::identity::{TYPES, unknown_type};
use super::{Lines, error};
use keyfob_shared::wire::Finding;
use serde::Deserialize;
use serde::de::IgnoredAny;
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
    #[serde(default)]
    pub(super) socket: BTreeMap<String, Spanned<RawSocket>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDaemon {
    pub(super) vault: Option<Spanned<String>>,
    pub(super) vault_key_file: Option<Spanned<String>>,
    pub(super) passphrase_command: Option<Spanned<Vec<String>>>,
    pub(super) renew: Option<Spanned<String>>,
    pub(super) keep_warm: Option<Spanned<String>>,
    pub(super) audit_keep: Option<Spanned<String>>,
    pub(super) audit_size: Option<Spanned<String>>,
    pub(super) allow_root: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEndpoints {
    pub(super) sts: Option<Spanned<String>>,
    pub(super) iam: Option<Spanned<String>>,
    pub(super) sso: Option<Spanned<String>>,
    pub(super) sso_oidc: Option<Spanned<String>>,
    pub(super) signin: Option<Spanned<String>>,
    pub(super) cloudtrail: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIdentity {
    #[serde(rename = "type")]
    pub(super) kind: Spanned<String>,
    pub(super) mfa_serial: Option<Spanned<String>>,
    pub(super) mfa_command: Option<Spanned<Vec<String>>>,
    pub(super) rotate_every: Option<Spanned<String>>,
    pub(super) rotate_watch: Option<Spanned<String>>,
    pub(super) rotate_wait: Option<Spanned<String>>,
    pub(super) rotate_settle: Option<Spanned<String>>,
    pub(super) provider: Option<Spanned<String>>,
    pub(super) url: Option<Spanned<String>>,
    pub(super) username: Option<Spanned<String>>,
    pub(super) username_field: Option<Spanned<String>>,
    pub(super) password_field: Option<Spanned<String>>,
    pub(super) code_field: Option<Spanned<String>>,
    pub(super) remember_password: Option<Spanned<bool>>,
    pub(super) port: Option<Spanned<u16>>,
    pub(super) issuer: Option<Spanned<String>>,
    pub(super) client_id: Option<Spanned<String>>,
    pub(super) scopes: Option<Spanned<Vec<String>>>,
    pub(super) flow: Option<Spanned<String>>,
    pub(super) parameters: Option<Spanned<BTreeMap<String, String>>>,
    pub(super) token_file: Option<Spanned<String>>,
    pub(super) start_url: Option<Spanned<String>>,
    pub(super) region: Option<Spanned<String>>,
    pub(super) command: Option<Spanned<Vec<String>>>,
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
    pub(super) mfa: Option<Spanned<bool>>,
    pub(super) lease: Option<Spanned<String>>,
    confirm: Later,
    pub(super) job_function: Option<Spanned<String>>,
    pub(super) federation_token: Option<Spanned<bool>>,
    pub(super) account_id: Option<Spanned<String>>,
    pub(super) role_name: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSocket {
    pub(super) path: Option<Spanned<String>>,
    pub(super) profiles: Option<Spanned<Vec<String>>>,
    pub(super) policy: Option<Spanned<String>>,
    pub(super) policy_arns: Option<Spanned<Vec<String>>>,
    pub(super) allow_uids: Option<Spanned<Vec<u32>>>,
    pub(super) job_function: Option<Spanned<String>>,
}

/// A key that later versions bring.
type Later = Option<Spanned<IgnoredAny>>;

fn present<const N: usize>(keys: [(&'static str, &Later); N]) -> Vec<(&'static str, usize)> {
    keys.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?.span().start))).collect()
}

impl RawIdentity {
    /// Answers the keys that are there and belong to some type, and where their values are.
    pub(super) fn keys(&self) -> Vec<(&'static str, usize)> {
        let place = |value: Option<std::ops::Range<usize>>| value.map(|span| span.start);
        let keys = [
            ("mfa_serial", place(self.mfa_serial.as_ref().map(Spanned::span))),
            ("mfa_command", place(self.mfa_command.as_ref().map(Spanned::span))),
            ("rotate_every", place(self.rotate_every.as_ref().map(Spanned::span))),
            ("rotate_watch", place(self.rotate_watch.as_ref().map(Spanned::span))),
            ("rotate_settle", place(self.rotate_settle.as_ref().map(Spanned::span))),
            ("rotate_wait", place(self.rotate_wait.as_ref().map(Spanned::span))),
            ("token_file", place(self.token_file.as_ref().map(Spanned::span))),
            ("command", place(self.command.as_ref().map(Spanned::span))),
            ("provider", place(self.provider.as_ref().map(Spanned::span))),
            ("url", place(self.url.as_ref().map(Spanned::span))),
            ("username", place(self.username.as_ref().map(Spanned::span))),
            ("username_field", place(self.username_field.as_ref().map(Spanned::span))),
            ("password_field", place(self.password_field.as_ref().map(Spanned::span))),
            ("code_field", place(self.code_field.as_ref().map(Spanned::span))),
            ("remember_password", place(self.remember_password.as_ref().map(Spanned::span))),
            ("port", place(self.port.as_ref().map(Spanned::span))),
            ("issuer", place(self.issuer.as_ref().map(Spanned::span))),
            ("client_id", place(self.client_id.as_ref().map(Spanned::span))),
            ("scopes", place(self.scopes.as_ref().map(Spanned::span))),
            ("flow", place(self.flow.as_ref().map(Spanned::span))),
            ("parameters", place(self.parameters.as_ref().map(Spanned::span))),
            ("start_url", place(self.start_url.as_ref().map(Spanned::span))),
            ("region", place(self.region.as_ref().map(Spanned::span))),
        ];
        keys.into_iter().filter_map(|(key, place)| Some((key, place?))).collect()
    }
}

impl RawProfile {
    /// Answers the keys that this version does not know, and where their values are.
    pub(super) fn later(&self) -> Vec<(&'static str, usize)> {
        present([("confirm", &self.confirm)])
    }
}

pub(super) fn parse(text: &str) -> Result<Raw, Vec<Finding>> {
    toml::from_str(text).map_err(|wrong| {
        let lines = Lines::new(text);
        let offset = wrong.span().map_or(0, |span| span.start);
        let told = error(lines.place(offset), explain(wrong.message()), None);
        // The keys of another type of identity are not known here: its type is what is wrong.
        let types: Vec<Finding> = other_types(text)
            .into_iter()
            .map(|(offset, kind)| error(lines.place(offset), unknown_type(&kind), None))
            .collect();
        let of_identity = wrong.message().contains("`mfa_command`");
        if of_identity && !types.is_empty() { types } else { vec![told] }
    })
}

/// Answers the types of identities that this version does not know, and where they are.
fn other_types(text: &str) -> Vec<(usize, String)> {
    #[derive(Deserialize)]
    struct Sketch {
        #[serde(default)]
        identity: BTreeMap<String, Kind>,
    }
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: Spanned<String>,
    }
    let identities = toml::from_str::<Sketch>(text).map(|sketch| sketch.identity).unwrap_or_default();
    let others =
        identities.into_values().filter(|identity| !TYPES.contains(&identity.kind.get_ref().as_str()));
    let mut others: Vec<(usize, String)> =
        others.map(|identity| (identity.kind.span().start, identity.kind.into_inner())).collect();
    others.sort();
    others
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
