//! From the file's tables to a configuration: each value checked, each error with its place.

use super::raw::{Raw, RawDaemon, RawEndpoints, RawIdentity, RawProfile};
use super::{Config, Daemon, Endpoints, Identity, Lines, Renew, Surroundings, check, error};
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
    let endpoint =
        config.endpoints.sts.as_deref().map_or_else(String::new, |endpoint| format!("sts {endpoint}\n"));
    let root =
        |name: &IdentityName, identity: &Identity| format!("{}\n{name}\n{endpoint}", identity.origin());
    let roots: BTreeMap<IdentityName, String> =
        config.identities.iter().map(|(name, identity)| (name.clone(), root(name, identity))).collect();
    let of = |name: &IdentityName| roots.get(name).map(String::as_str).unwrap_or_default();
    for plan in config.profiles.values_mut() {
        plan.keys = SlotKey::of_steps(of(&plan.identity), &plan.steps);
    }
    for (name, socket) in &mut config.sockets {
        for plan in socket.scoped.iter_mut().flat_map(BTreeMap::values_mut) {
            plan.keys = SlotKey::of_scoped_steps(name, of(&plan.identity), &plan.steps);
        }
    }
    for (name, identity) in &config.identities {
        let steps: Vec<Step> = identity.sign_in_step().into_iter().collect();
        let keys = SlotKey::of_steps(of(name), &steps);
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
            audit_keep: self
                .take("audit_keep", raw.audit_keep.as_ref(), |text| check::audit_keep(text))
                .map(|seconds| i64::from(seconds) * 1_000),
            audit_size: self
                .take("audit_size", raw.audit_size.as_ref(), |text| check::audit_size(text))
                .unwrap_or(default.audit_size),
            allow_root: raw.allow_root.unwrap_or(false),
        }
    }

    fn endpoints(&mut self, raw: &RawEndpoints) -> Endpoints {
        Endpoints {
            sts: self.text("sts", raw.sts.as_ref(), check::endpoint),
            signin: self.text("signin", raw.signin.as_ref(), check::endpoint),
            sso: self.text("sso", raw.sso.as_ref(), check::endpoint),
            sso_oidc: self.text("sso_oidc", raw.sso_oidc.as_ref(), check::endpoint),
            iam: self.text("iam", raw.iam.as_ref(), check::endpoint),
            cloudtrail: self.text("cloudtrail", raw.cloudtrail.as_ref(), check::endpoint),
        }
    }

    fn identities(
        &mut self,
        raw: &BTreeMap<String, Spanned<RawIdentity>>,
        profiles: &BTreeMap<String, Spanned<RawProfile>>,
    ) -> BTreeMap<IdentityName, Identity> {
        let mut identities = BTreeMap::new();
        for (name, identity) in raw {
            let value = self.identity(name, identity, profiles);
            match name.parse::<IdentityName>() {
                Ok(name) => drop(identities.insert(name, value)),
                Err(wrong) => self.wrong(identity.span().start, format!("identity: {wrong}")),
            }
        }
        identities
    }
}
