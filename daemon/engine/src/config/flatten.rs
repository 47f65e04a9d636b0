//! From the file's tables to a configuration: each value checked, each error with its place.

use super::raw::{IAM_USER, Raw, RawDaemon, RawEndpoints, RawIdentity, RawProfile, unknown_type};
use super::{Config, Daemon, Endpoints, Identity, Lines, Renew, Surroundings, check, error, partition};
use crate::plan::Step;
use crate::slot::SlotKey;
use keyfob_shared::{IdentityName, wire::Finding};
use std::collections::BTreeMap;
use toml::Spanned;

pub(super) fn flatten(raw: Raw, text: &str, around: &Surroundings<'_>) -> Result<Config, Vec<Finding>> {
    let mut flattener =
        Flattener { lines: Lines::new(text), around, errors: Vec::new(), findings: Vec::new() };
    let daemon = flattener.daemon(&raw.daemon);
    let endpoints = flattener.endpoints(&raw.endpoints);
    let identities = flattener.identities(&raw.identity, &raw.profile);
    let profiles = flattener.profiles(&raw.profile, &identities);
    let sockets = flattener.sockets(&raw.socket, &raw.profile, &profiles);
    flattener.uncovered(&raw.socket, &raw.profile);
    let Flattener { mut errors, findings, .. } = flattener;
    if errors.is_empty() {
        return Ok(named(Config {
            daemon,
            endpoints,
            identities,
            profiles,
            sockets,
            findings,
            sign_ins: BTreeMap::new(),
        }));
    }
    errors.sort_by_key(|(offset, _)| *offset);
    Err(errors.into_iter().map(|(_, finding)| finding).collect())
}

/// Names the sessions, which takes a digest for each step of each plan.
fn named(mut config: Config) -> Config {
    let endpoint = config.endpoints.sts.as_deref();
    for plan in config.profiles.values_mut() {
        plan.keys = SlotKey::of_steps(&plan.identity, endpoint, &plan.steps);
    }
    for (name, socket) in &mut config.sockets {
        for plan in socket.scoped.iter_mut().flat_map(BTreeMap::values_mut) {
            plan.keys = SlotKey::of_scoped_steps(name, &plan.identity, endpoint, &plan.steps);
        }
    }
    for (name, identity) in &config.identities {
        let steps: Vec<Step> = identity.sign_in_step().into_iter().collect();
        let keys = SlotKey::of_steps(name, endpoint, &steps);
        config.sign_ins.extend(keys.into_iter().map(|key| (name.clone(), key)));
    }
    config
}

pub(super) struct Flattener<'a> {
    pub(super) lines: Lines,
    pub(super) around: &'a Surroundings<'a>,
    pub(super) errors: Vec<(usize, Finding)>,
    pub(super) findings: Vec<Finding>,
}

impl Flattener<'_> {
    pub(super) fn wrong(&mut self, offset: usize, message: impl Into<String>) {
        self.errors.push((offset, error(self.lines.place(offset), message, None)));
    }

    /// Tells of keys that later versions bring.
    pub(super) fn later(&mut self, whose: &str, keys: Vec<(&'static str, usize)>) {
        for (key, offset) in keys {
            self.wrong(offset, format!("{whose}: {key} is not in this version"));
        }
    }

    /// Applies a check to a value and takes note of what it says.
    pub(super) fn take<S, R>(
        &mut self,
        what: &str,
        value: Option<&Spanned<S>>,
        check: impl FnOnce(&S) -> Result<R, String>,
    ) -> Option<R> {
        let value = value?;
        match check(value.get_ref()) {
            Ok(fine) => Some(fine),
            Err(message) => {
                self.wrong(value.span().start, format!("{what}: {message}"));
                None
            }
        }
    }

    pub(super) fn text(
        &mut self,
        what: &str,
        value: Option<&Spanned<String>>,
        check: impl FnOnce(&str) -> Result<(), String>,
    ) -> Option<String> {
        self.take(what, value, |text| check(text).map(|()| text.clone()))
    }

    fn daemon(&mut self, raw: &RawDaemon) -> Daemon {
        let default = Daemon::default();
        let words = |words: &Vec<String>| check::command(words).map(|()| words.clone());
        let around = self.around;
        Daemon {
            vault: self.text("vault", raw.vault.as_ref(), check::vault).unwrap_or(default.vault),
            vault_key_file: self
                .take("vault_key_file", raw.vault_key_file.as_ref(), |text| check::path(text, around)),
            passphrase_command: self.take("passphrase_command", raw.passphrase_command.as_ref(), words),
            renew: self.take("renew", raw.renew.as_ref(), |text| check::renew(text)).unwrap_or(Renew::Active),
            keep_warm: self
                .take("keep_warm", raw.keep_warm.as_ref(), |text| check::duration(text))
                .map_or(default.keep_warm, |seconds| i64::from(seconds) * 1_000),
            allow_root: raw.allow_root.unwrap_or(false),
        }
    }

    fn endpoints(&mut self, raw: &RawEndpoints) -> Endpoints {
        self.later("endpoints", raw.later());
        Endpoints { sts: self.text("sts", raw.sts.as_ref(), check::endpoint) }
    }

    fn identities(
        &mut self,
        raw: &BTreeMap<String, Spanned<RawIdentity>>,
        profiles: &BTreeMap<String, Spanned<RawProfile>>,
    ) -> BTreeMap<IdentityName, Identity> {
        let mut identities = BTreeMap::new();
        for (name, identity) in raw {
            let offset = identity.span().start;
            let identity = identity.get_ref();
            let kind = identity.kind.get_ref();
            if kind == IAM_USER {
                self.later(&format!("identity {name:?}"), identity.later());
            } else {
                self.wrong(identity.kind.span().start, unknown_type(kind));
            }
            let words = |words: &Vec<String>| check::command(words).map(|()| words.clone());
            let mfa_serial = self.text("mfa_serial", identity.mfa_serial.as_ref(), check::mfa_serial);
            let value = Identity {
                partition: identity_partition(name, mfa_serial.as_deref(), profiles).into(),
                mfa_serial,
                mfa_command: self.take("mfa_command", identity.mfa_command.as_ref(), words),
            };
            if value.mfa_command.is_some() && identity.mfa_serial.is_none() {
                self.wrong(offset, format!("identity {name:?}: mfa_command without mfa_serial"));
            }
            match name.parse::<IdentityName>() {
                Ok(name) => drop(identities.insert(name, value)),
                Err(wrong) => self.wrong(offset, format!("identity: {wrong}")),
            }
        }
        identities
    }
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
