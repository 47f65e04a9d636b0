//! Identities: what each type of them needs, and what it has no use for.

use super::flatten::Flattener;
use super::raw::{RawIdentity, RawProfile};
use super::{Identity, IdentityKind, TokenSource, check, partition};
use std::collections::BTreeMap;
use toml::Spanned;

/// The types that this version knows.
pub(super) const TYPES: &[&str] = &["iam-user", "web-identity", "process"];

impl Flattener<'_> {
    /// Answers an identity; `None` if it is of no type that this version knows.
    pub(super) fn identity(
        &mut self,
        name: &str,
        identity: &Spanned<RawIdentity>,
        profiles: &BTreeMap<String, Spanned<RawProfile>>,
    ) -> Option<Identity> {
        let (offset, raw) = (identity.span().start, identity.get_ref());
        let word = raw.kind.get_ref().as_str();
        let allowed: &[&str] = match word {
            "iam-user" => &["mfa_serial", "mfa_command"],
            "web-identity" => &["token_file", "command"],
            "process" => &["command"],
            _ => {
                self.wrong(raw.kind.span().start, unknown_type(word));
                return None;
            }
        };
        self.later(&format!("identity {name:?}"), raw.later());
        for (key, place) in raw.keys().into_iter().filter(|(key, _)| !allowed.contains(key)) {
            self.wrong(place, format!("identity {name:?}: {key} has no meaning with type = {word:?}"));
        }
        let words = |words: &Vec<String>| check::command(words).map(|()| words.clone());
        let mfa_serial = self.text("mfa_serial", raw.mfa_serial.as_ref(), check::mfa_serial);
        let mfa_command = self.take("mfa_command", raw.mfa_command.as_ref(), words);
        if mfa_command.is_some() && raw.mfa_serial.is_none() {
            self.wrong(offset, format!("identity {name:?}: mfa_command without mfa_serial"));
        }
        let command = self.take("command", raw.command.as_ref(), words);
        let around = self.around;
        let file = self.take("token_file", raw.token_file.as_ref(), |text| check::path(text, around));
        let kind = match (word, command, file) {
            ("web-identity", None, Some(file)) => IdentityKind::WebIdentity(TokenSource::File(file)),
            ("web-identity", Some(command), None) => IdentityKind::WebIdentity(TokenSource::Command(command)),
            ("web-identity", _, _) => {
                if raw.command.is_some() == raw.token_file.is_some() {
                    let message =
                        format!("identity {name:?}: either token_file or command says where its token is");
                    self.wrong(offset, message);
                }
                IdentityKind::WebIdentity(TokenSource::Command(Vec::new()))
            }
            ("process", command, _) => {
                if raw.command.is_none() {
                    self.wrong(
                        offset,
                        format!("identity {name:?}: command is missing: [\"program\", \"argument\"]"),
                    );
                }
                IdentityKind::Process(command.unwrap_or_default())
            }
            (_, _, _) => IdentityKind::IamUser,
        };
        let partition = identity_partition(name, mfa_serial.as_deref(), profiles).into();
        Some(Identity { kind, partition, mfa_serial, mfa_command })
    }
}

/// Says that an identity is of a type which this version does not have.
pub(super) fn unknown_type(kind: &str) -> String {
    format!("identity type {kind:?}: this version knows {}", TYPES.join(", "))
}

/// Answers where an identity lives: the partition of its MFA device, else of what its first profile asks for.
fn identity_partition(
    name: &str,
    mfa_serial: Option<&str>,
    profiles: &BTreeMap<String, Spanned<RawProfile>>,
) -> &'static str {
    let of_arn = |arn: &str| partition::of_arn(arn).ok();
    let of_profile = |profile: &Spanned<RawProfile>| {
        let profile = profile.get_ref();
        let text = |value: &Option<Spanned<String>>| value.as_ref().map(|text| text.get_ref().clone());
        if text(&profile.identity).as_deref() != Some(name) {
            return None;
        }
        let of_role = text(&profile.role_arn).and_then(|arn| of_arn(&arn));
        of_role.or_else(|| text(&profile.region).map(|region| partition::of_region(&region)))
    };
    mfa_serial.and_then(of_arn).or_else(|| profiles.values().find_map(of_profile)).unwrap_or("aws")
}
