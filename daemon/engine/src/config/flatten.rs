//! From the file's tables to plans: names resolved, sources followed, loops and impossible mixes found.

use super::raw::{Raw, RawDaemon, RawIdentity, RawProfile};
use super::{Config, Daemon, Endpoints, Identity, Lines, Renew, Surroundings, check, error};
use crate::plan::{AssumeRole, Plan, SessionToken, Step};
use crate::slot::SlotKey;
use keyfob_shared::{IdentityName, ProfileName, RoleArn, wire::Finding, wire::Severity};
use std::collections::{BTreeMap, HashMap};
use toml::Spanned;

/// More hops than this are a mistake; each costs a call and an hour's cap.
const MAX_HOPS: usize = 16;
const ROLE_SECONDS: (u32, u32) = (900, 43_200);
const TOKEN_SECONDS: (u32, u32) = (900, 129_600);
const CHAINED_SECONDS: u32 = 3_600;

pub(super) fn flatten(raw: Raw, text: &str, around: &Surroundings<'_>) -> Result<Config, Vec<Finding>> {
    let mut flattener =
        Flattener { lines: Lines::new(text), around, errors: Vec::new(), findings: Vec::new() };
    let daemon = flattener.daemon(&raw.daemon);
    let endpoints = flattener.endpoints(raw.endpoints.sts.as_ref());
    let identities = flattener.identities(&raw.identity);
    let profiles = flattener.profiles(&raw.profile, &identities);
    let Flattener { mut errors, findings, .. } = flattener;
    if errors.is_empty() {
        return Ok(named(Config {
            daemon,
            endpoints,
            identities,
            profiles,
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
    for (name, identity) in &config.identities {
        let steps: Vec<Step> = identity.sign_in_step().into_iter().collect();
        let keys = SlotKey::of_steps(name, endpoint, &steps);
        config.sign_ins.extend(keys.into_iter().map(|key| (name.clone(), key)));
    }
    config
}

struct Flattener<'a> {
    lines: Lines,
    around: &'a Surroundings<'a>,
    errors: Vec<(usize, Finding)>,
    findings: Vec<Finding>,
}

impl Flattener<'_> {
    fn wrong(&mut self, offset: usize, message: impl Into<String>) {
        self.errors.push((offset, error(self.lines.place(offset), message, None)));
    }

    /// Applies a check to a value and takes note of what it says.
    fn take<S, R>(
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

    fn text(
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
            vault: self.text("vault", raw.vault.as_ref(), check::plain).unwrap_or(default.vault),
            vault_key_file: self
                .take("vault_key_file", raw.vault_key_file.as_ref(), |text| check::path(text, around)),
            passphrase_command: self.take("passphrase_command", raw.passphrase_command.as_ref(), words),
            renew: raw.renew.unwrap_or(Renew::Active),
            keep_warm: self
                .take("keep_warm", raw.keep_warm.as_ref(), |text| check::duration(text))
                .map_or(default.keep_warm, |seconds| i64::from(seconds) * 1_000),
            allow_root: raw.allow_root.unwrap_or(false),
        }
    }

    fn endpoints(&mut self, sts: Option<&Spanned<String>>) -> Endpoints {
        Endpoints { sts: self.text("sts", sts, check::endpoint) }
    }

    fn identities(
        &mut self,
        raw: &BTreeMap<String, Spanned<RawIdentity>>,
    ) -> BTreeMap<IdentityName, Identity> {
        let mut identities = BTreeMap::new();
        for (name, identity) in raw {
            let offset = identity.span().start;
            let identity = identity.get_ref();
            let kind = identity.kind.get_ref();
            if kind != "iam-user" {
                self.wrong(
                    identity.kind.span().start,
                    format!("identity type {kind:?}: this version knows iam-user"),
                );
            }
            let words = |words: &Vec<String>| check::command(words).map(|()| words.clone());
            let value = Identity {
                mfa_serial: self.text("mfa_serial", identity.mfa_serial.as_ref(), check::mfa_serial),
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

    fn profiles(
        &mut self,
        raw: &BTreeMap<String, Spanned<RawProfile>>,
        identities: &BTreeMap<IdentityName, Identity>,
    ) -> BTreeMap<ProfileName, Plan> {
        let own: HashMap<&str, OwnStep> = raw
            .iter()
            .map(|(name, profile)| (name.as_str(), self.own_step(name, profile, identities)))
            .collect();
        let mut plans = BTreeMap::new();
        for (name, profile) in raw {
            let offset = profile.span().start;
            let Ok(valid) =
                name.parse::<ProfileName>().map_err(|wrong| self.wrong(offset, format!("profile: {wrong}")))
            else {
                continue;
            };
            match chain(name, raw) {
                Ok(links) => {
                    if let Some(plan) = self.plan(valid, &links, &own, identities) {
                        plans.insert(plan.profile.clone(), plan);
                    }
                }
                Err(message) => {
                    let offset =
                        profile.get_ref().source.as_ref().map_or(offset, |source| source.span().start);
                    self.wrong(offset, format!("profile {name:?}: {message}"));
                }
            }
        }
        plans
    }

    /// Joins the links, root first, to a plan; `None` when one of them is wrong and already told.
    fn plan(
        &mut self,
        profile: ProfileName,
        links: &[&str],
        own: &HashMap<&str, OwnStep>,
        identities: &BTreeMap<IdentityName, Identity>,
    ) -> Option<Plan> {
        let first = own.get(links.first()?)?;
        let identity = first.identity.clone()?;
        let definition = identities.get(&identity)?;
        let mut steps: Vec<Step> = match first.mfa {
            Some(false) => Vec::new(),
            Some(true) | None => definition.sign_in_step().into_iter().collect(),
        };
        for link in links {
            let own = own.get(link)?;
            match &own.step {
                Some(step @ Step::AssumeRole(_)) => steps.push(step.clone()),
                Some(Step::SessionToken(_)) if !steps.is_empty() => {}
                Some(step @ Step::SessionToken(_)) => steps.push(step.clone()),
                None => return None,
            }
        }
        let last = own.get(links.last()?)?;
        self.advise(&profile, &steps, last.offset);
        Some(Plan { profile, identity, steps, keys: Vec::new(), region: last.region.clone() })
    }

    fn advise(&mut self, profile: &ProfileName, steps: &[Step], offset: usize) {
        let Some(Step::AssumeRole(role)) = steps.last() else { return };
        let chained = steps.len() > 1;
        if chained && role.duration.is_some_and(|seconds| seconds > CHAINED_SECONDS) {
            let behind_mfa = steps.len() == 2 && matches!(steps.first(), Some(Step::SessionToken(_)));
            let message = if behind_mfa {
                "AWS may cap a role behind an MFA session at one hour; then it is renewed every hour"
            } else {
                "AWS caps role chaining at one hour; the session is renewed every hour"
            };
            self.findings.push(Finding {
                severity: Severity::Warning,
                subject: format!("{}: profile {profile}", self.lines.place(offset)),
                message: message.into(),
                hint: None,
            });
        }
    }

    fn own_step(
        &mut self,
        name: &str,
        profile: &Spanned<RawProfile>,
        identities: &BTreeMap<IdentityName, Identity>,
    ) -> OwnStep {
        let offset = profile.span().start;
        let raw = profile.get_ref();
        let before = self.errors.len();
        let identity = raw.identity.as_ref().and_then(|value| {
            let found = identities.get_key_value(value.get_ref().as_str()).map(|(known, _)| known.clone());
            if found.is_none() {
                self.wrong(
                    value.span().start,
                    format!("identity {:?}: there is no such [identity.…] table", value.get_ref()),
                );
            }
            found
        });
        match (&raw.identity, &raw.source) {
            (Some(_), Some(source)) => self
                .wrong(source.span().start, format!("profile {name:?}: either identity or source, not both")),
            (None, None) => self.wrong(
                offset,
                format!("profile {name:?}: neither identity nor source says where it comes from"),
            ),
            (None, Some(source)) if raw.role_arn.is_none() => {
                self.wrong(source.span().start, format!("profile {name:?}: source without role_arn"));
            }
            (Some(_), None) | (None, Some(_)) => {}
        }
        let region = self.text("region", raw.region.as_ref(), check::region);
        let mfa = identity
            .as_ref()
            .and_then(|name| identities.get(name))
            .is_some_and(|found| found.mfa_serial.is_some());
        let step = match &raw.role_arn {
            Some(_) => self.role(raw, region.as_deref()),
            None => self.session_token(name, raw, region.as_deref(), mfa && raw.mfa != Some(false)),
        };
        let step = step.filter(|_| self.errors.len() == before);
        OwnStep { identity, mfa: raw.mfa, step, region, offset }
    }

    fn session_token(
        &mut self,
        name: &str,
        raw: &RawProfile,
        region: Option<&str>,
        shared: bool,
    ) -> Option<Step> {
        let role_only = [
            ("external_id", raw.external_id.as_ref().map(Spanned::span)),
            ("session_name", raw.session_name.as_ref().map(Spanned::span)),
            ("source_identity", raw.source_identity.as_ref().map(Spanned::span)),
            ("session_tags", raw.session_tags.as_ref().map(Spanned::span)),
            ("transitive_tags", raw.transitive_tags.as_ref().map(Spanned::span)),
            ("policy", raw.policy.as_ref().map(Spanned::span)),
            ("policy_arns", raw.policy_arns.as_ref().map(Spanned::span)),
        ];
        for (key, span) in role_only {
            if let Some(span) = span {
                self.wrong(span.start, format!("profile {name:?}: {key} needs a role_arn"));
            }
        }
        if let (true, Some(duration)) = (shared, &raw.duration) {
            let message = "one MFA session serves every profile of the identity: without a role_arn there is no duration of its own";
            self.wrong(duration.span().start, format!("profile {name:?}: {message}"));
        }
        let (least, most) = TOKEN_SECONDS;
        let duration = self.take("duration", raw.duration.as_ref(), |text| {
            check::duration_within(text, least, most, "an IAM user's session")
        });
        let region = Some(region.unwrap_or(check::default_region("aws")).to_owned());
        Some(Step::SessionToken(SessionToken { duration, mfa_serial: None, region }))
    }

    fn role(&mut self, raw: &RawProfile, region: Option<&str>) -> Option<Step> {
        let role_arn = self.take("role_arn", raw.role_arn.as_ref(), |text| {
            text.parse::<RoleArn>().map_err(|wrong| wrong.to_string())
        })?;
        let around = self.around;
        let (least, most) = ROLE_SECONDS;
        let session_tags = self
            .take("session_tags", raw.session_tags.as_ref(), |tags| check::tags(tags).map(|()| tags.clone()));
        let default_region = check::default_region(role_arn.partition());
        Some(Step::AssumeRole(Box::new(AssumeRole {
            duration: self.take("duration", raw.duration.as_ref(), |text| {
                check::duration_within(text, least, most, "a role session")
            }),
            external_id: self.text("external_id", raw.external_id.as_ref(), |text| {
                check::letters(text, 2, 1224, "+=,.@:/-")
            }),
            session_tags: session_tags.unwrap_or_default(),
            transitive_tags: self
                .take("transitive_tags", raw.transitive_tags.as_ref(), |keys| {
                    keys.iter().try_for_each(|key| check::plain(key)).map(|()| keys.clone())
                })
                .unwrap_or_default(),
            source_identity: self.text("source_identity", raw.source_identity.as_ref(), check::session_name),
            session_name: self
                .text("session_name", raw.session_name.as_ref(), check::session_name)
                .or_else(|| Some(check::default_session_name(around.user))),
            policy: self.take("policy", raw.policy.as_ref(), |text| check::policy(text, around)),
            policy_arns: self
                .take("policy_arns", raw.policy_arns.as_ref(), |arns| check::policy_arns(arns))
                .unwrap_or_default(),
            region: Some(region.unwrap_or(default_region).to_owned()),
            role_arn,
        })))
    }
}

/// What one `[profile.…]` table says by itself.
struct OwnStep {
    identity: Option<IdentityName>,
    mfa: Option<bool>,
    step: Option<Step>,
    region: Option<String>,
    offset: usize,
}

/// Follows the sources of a profile and answers the names, root first.
fn chain<'a>(name: &'a str, raw: &'a BTreeMap<String, Spanned<RawProfile>>) -> Result<Vec<&'a str>, String> {
    let mut names = vec![name];
    let mut current = name;
    while let Some(source) = raw.get(current).and_then(|profile| profile.get_ref().source.as_ref()) {
        let source = source.get_ref().as_str();
        if !raw.contains_key(source) {
            return Err(format!("source {source:?}: there is no such profile"));
        }
        if names.contains(&source) {
            names.push(source);
            return Err(format!("the sources form a loop: {}", names.join(" → ")));
        }
        names.push(source);
        if names.len() > MAX_HOPS {
            return Err(format!("more than {MAX_HOPS} hops"));
        }
        current = source;
    }
    names.reverse();
    Ok(names)
}
