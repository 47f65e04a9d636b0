//! Identities: what each type of them needs, and what it has no use for.

use super::flatten::Flattener;
use super::raw::{RawIdentity, RawProfile};
use super::{
    Flow, Identity, IdentityCenter, IdentityKind, Oidc, Saml, SamlProvider, TokenSource, check, partition,
};
use std::collections::BTreeMap;
use toml::Spanned;

/// The types that this version knows.
pub(super) const TYPES: &[&str] = &["iam-user", "saml", "oidc", "identity-center", "web-identity", "process"];

impl Flattener<'_> {
    pub(super) fn identity(
        &mut self,
        name: &str,
        identity: &Spanned<RawIdentity>,
        profiles: &BTreeMap<String, Spanned<RawProfile>>,
    ) -> Identity {
        let (offset, raw) = (identity.span().start, identity.get_ref());
        let word = raw.kind.get_ref().as_str();
        let allowed: &[&str] = match word {
            "iam-user" => {
                &["mfa_serial", "mfa_command", "rotate_every", "rotate_watch", "rotate_wait", "rotate_settle"]
            }
            "web-identity" => &["token_file", "command"],
            "process" => &["command"],
            "oidc" => &["issuer", "client_id", "scopes", "flow", "port", "parameters"],
            "identity-center" => &["start_url", "region", "flow"],
            "saml" => &[
                "provider",
                "url",
                "username",
                "username_field",
                "password_field",
                "code_field",
                "remember_password",
                "port",
                "command",
            ],
            _ => {
                self.wrong(raw.kind.span().start, unknown_type(word));
                // It is there all the same: whatever names it is not wrong for that.
                return Identity::unknown();
            }
        };
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
        if word == "saml" {
            let kind = IdentityKind::Saml(self.saml(name, identity, command));
            let partition = identity_partition(name, None, profiles).into();
            return Identity { kind, partition, ..Identity::unknown() };
        }
        let at_provider = match word {
            "oidc" => Some(IdentityKind::Oidc(self.oidc(name, identity))),
            "identity-center" => Some(IdentityKind::IdentityCenter(self.identity_center(name, identity))),
            _ => None,
        };
        if let Some(kind) = at_provider {
            let partition = identity_partition(name, None, profiles).into();
            return Identity { kind, partition, ..Identity::unknown() };
        }
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
        Identity { kind, partition, mfa_serial, mfa_command, rotate: self.rotate(raw) }
    }
}

impl Flattener<'_> {
    fn flow(&mut self, raw: &RawIdentity) -> Flow {
        let flow = self.take("flow", raw.flow.as_ref(), |text| match text.as_str() {
            "browser" => Ok(Flow::Browser),
            "device" => Ok(Flow::Device),
            _ => Err(format!("{text:?} is not one of browser, device")),
        });
        flow.unwrap_or(Flow::Browser)
    }

    fn needed(&mut self, name: &str, offset: usize, key: &str, is_there: bool) {
        if !is_there {
            self.wrong(offset, format!("identity {name:?}: {key} is missing"));
        }
    }

    fn oidc(&mut self, name: &str, identity: &Spanned<RawIdentity>) -> Oidc {
        let (offset, raw) = (identity.span().start, identity.get_ref());
        self.needed(name, offset, "issuer", raw.issuer.is_some());
        self.needed(name, offset, "client_id", raw.client_id.is_some());
        Oidc {
            issuer: self.text("issuer", raw.issuer.as_ref(), check::endpoint).unwrap_or_default(),
            client_id: raw.client_id.as_ref().map(|id| id.get_ref().clone()).unwrap_or_default(),
            scopes: raw.scopes.as_ref().map(|scopes| scopes.get_ref().clone()).unwrap_or_default(),
            flow: self.flow(raw),
            parameters: raw.parameters.as_ref().map(|more| more.get_ref().clone()).unwrap_or_default(),
            port: raw.port.as_ref().map(|port| *port.get_ref()),
        }
    }

    fn identity_center(&mut self, name: &str, identity: &Spanned<RawIdentity>) -> IdentityCenter {
        let (offset, raw) = (identity.span().start, identity.get_ref());
        self.needed(name, offset, "start_url", raw.start_url.is_some());
        self.needed(name, offset, "region", raw.region.is_some());
        IdentityCenter {
            start_url: self.text("start_url", raw.start_url.as_ref(), check::endpoint).unwrap_or_default(),
            region: self.text("region", raw.region.as_ref(), partition::region).unwrap_or_default(),
            flow: self.flow(raw),
        }
    }

    fn saml(&mut self, name: &str, identity: &Spanned<RawIdentity>, command: Option<Vec<String>>) -> Saml {
        let (offset, raw) = (identity.span().start, identity.get_ref());
        let url = self.text("url", raw.url.as_ref(), check::endpoint);
        let provider = match raw.provider.as_ref().map(|provider| provider.get_ref().as_str()) {
            Some("adfs") => SamlProvider::Adfs,
            Some("form") => SamlProvider::Form,
            Some("browser") => SamlProvider::Browser,
            Some("command") => SamlProvider::Command(command.unwrap_or_default()),
            told => {
                let place = raw.provider.as_ref().map_or(offset, |provider| provider.span().start);
                let told =
                    told.map_or_else(|| "is missing".to_owned(), |told| format!("{told:?} is not known"));
                let message = format!("identity {name:?}: provider {told}: adfs, form, browser or command");
                self.wrong(place, message);
                SamlProvider::Form
            }
        };
        let (missing, foreign) = match &provider {
            SamlProvider::Command(_) => {
                (raw.command.is_none().then_some("command"), raw.url.is_some().then_some("url"))
            }
            SamlProvider::Adfs | SamlProvider::Form | SamlProvider::Browser => {
                (raw.url.is_none().then_some("url"), raw.command.is_some().then_some("command"))
            }
        };
        if let Some(missing) = missing {
            self.wrong(offset, format!("identity {name:?}: {missing} is missing"));
        }
        if let Some(foreign) = foreign {
            self.wrong(offset, format!("identity {name:?}: {foreign} has no meaning with this provider"));
        }
        let text = |value: &Option<Spanned<String>>| value.as_ref().map(|text| text.get_ref().clone());
        Saml {
            provider,
            url: url.unwrap_or_default(),
            username: text(&raw.username),
            fields: [text(&raw.username_field), text(&raw.password_field), text(&raw.code_field)],
            remember_password: raw.remember_password.as_ref().is_some_and(|wanted| *wanted.get_ref()),
            port: raw.port.as_ref().map(|port| *port.get_ref()),
        }
    }
}

impl Identity {
    /// Stands for one that is wrong and told.
    fn unknown() -> Self {
        Self {
            kind: IdentityKind::IamUser,
            partition: "aws".into(),
            mfa_serial: None,
            mfa_command: None,
            rotate: super::Rotate::default(),
        }
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
