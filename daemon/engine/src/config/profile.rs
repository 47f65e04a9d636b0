//! Profiles to plans: what each table says by itself, and joined with the sources that it names.

use super::flatten::Flattener;
use super::raw::RawProfile;
use super::{Identity, chain, check, partition, session};
use crate::plan::{AssumeRole, Plan, SessionToken, Step};
use keyfob_shared::{IdentityName, ProfileName, RoleArn, wire::Finding, wire::Severity};
use std::collections::{BTreeMap, HashMap};
use toml::Spanned;

const ROLE_SECONDS: (u32, u32) = (900, 43_200);
const TOKEN_SECONDS: (u32, u32) = (900, 129_600);
const CHAINED_SECONDS: u32 = 3_600;

type Identities = BTreeMap<IdentityName, Identity>;

/// What one `[profile.…]` table says by itself.
struct OwnStep {
    identity: Option<IdentityName>,
    mfa: Option<bool>,
    step: Option<Step>,
    partition: Option<&'static str>,
    region: Option<String>,
    lease: Option<i64>,
    offset: usize,
}

impl Flattener<'_> {
    pub(super) fn profiles(
        &mut self,
        raw: &BTreeMap<String, Spanned<RawProfile>>,
        identities: &Identities,
    ) -> BTreeMap<ProfileName, Plan> {
        let own: HashMap<&str, OwnStep> = raw
            .iter()
            .map(|(name, profile)| (name.as_str(), self.own_step(name, profile, identities)))
            .collect();
        let chains = chain::follow(raw);
        chains.errors.into_iter().for_each(|(offset, message)| self.wrong(offset, message));
        let mut plans = BTreeMap::new();
        for (name, profile) in raw {
            let valid = match name.parse::<ProfileName>() {
                Ok(valid) => valid,
                Err(wrong) => {
                    self.wrong(profile.span().start, format!("profile: {wrong}"));
                    continue;
                }
            };
            let Some(links) = chains.links.get(name.as_str()) else { continue };
            self.partition_of_source(profile.get_ref(), links, &own);
            if let Some(plan) = self.plan(valid, links, &own, identities) {
                plans.insert(plan.profile.clone(), plan);
            }
        }
        plans
    }

    /// Finds a role that is assumed from another partition.
    fn partition_of_source(&mut self, raw: &RawProfile, links: &[&str], own: &HashMap<&str, OwnStep>) {
        let [.., source, name] = links else { return };
        let of = |name: &str| own.get(name).and_then(|own| own.partition);
        if let (Some(here), Some(there), Some(place)) = (of(name), of(source), &raw.source)
            && here != there
        {
            let message =
                format!("profile {name:?}: its role is in {here}, and source {source:?} in {there}");
            self.wrong(place.span().start, message);
        }
    }

    /// Joins the links, root first, to a plan; `None` when one of them is wrong and already told.
    fn plan(
        &mut self,
        profile: ProfileName,
        links: &[&str],
        own: &HashMap<&str, OwnStep>,
        identities: &Identities,
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
        let (region, lease) = (last.region.clone(), last.lease);
        Some(Plan { profile, identity, steps, keys: Vec::new(), region, lease })
    }

    fn advise(&mut self, profile: &ProfileName, steps: &[Step], offset: usize) {
        let [first, .., Step::AssumeRole(role)] = steps else { return };
        if role.duration.is_none_or(|seconds| seconds <= CHAINED_SECONDS) {
            return;
        }
        let message = match first {
            Step::SessionToken(token) if steps.len() == 2 && token.mfa_serial.is_some() => {
                "AWS may cap a role behind an MFA session at one hour; then it is renewed every hour"
            }
            Step::SessionToken(_) if steps.len() == 2 => {
                "AWS may cap a role behind a session of its source at one hour; then it is renewed every hour"
            }
            Step::SessionToken(_) | Step::AssumeRole(_) => {
                "AWS caps role chaining at one hour; the session is renewed every hour"
            }
        };
        self.findings.push(Finding {
            severity: Severity::Warning,
            subject: format!("{}: profile {profile}", self.lines.place(offset)),
            message: message.into(),
            hint: None,
        });
    }

    fn own_step(&mut self, name: &str, profile: &Spanned<RawProfile>, identities: &Identities) -> OwnStep {
        let offset = profile.span().start;
        let raw = profile.get_ref();
        let before = self.errors.len();
        self.later(&format!("profile {name:?}"), raw.later());
        let identity = self.origin(name, profile, identities);
        let definition = identity.as_ref().and_then(|name| identities.get(name));
        let mfa = self.mfa(name, raw, definition);
        let region = self.text("region", raw.region.as_ref(), partition::region);
        let home = definition.and_then(|found| partition::known(&found.partition));
        let step = match &raw.role_arn {
            Some(_) => self.role(raw, home, region.as_deref()),
            None => {
                let shared = mfa != Some(false) && definition.is_some_and(|found| found.mfa_serial.is_some());
                self.session_token(name, raw, home, region.as_deref(), shared)
            }
        };
        let of_role = raw.role_arn.as_ref().and_then(|arn| partition::of_arn(arn.get_ref()).ok());
        let partition = of_role.or(home);
        if let (Some(here), Some(region)) = (partition, &raw.region)
            && self.errors.len() == before
            && partition::of_region(region.get_ref()) != here
        {
            let there = partition::of_region(region.get_ref());
            let what = if of_role.is_some() { "the role" } else { "the identity" };
            let message = format!("region: {} is in {there}, and {what} in {here}", region.get_ref());
            self.wrong(region.span().start, message);
        }
        let lease = self.take("lease", raw.lease.as_ref(), |text| check::duration(text));
        let lease = lease.map(|seconds| i64::from(seconds) * 1_000);
        let step = step.filter(|_| self.errors.len() == before);
        OwnStep { identity, mfa, step, partition, region, lease, offset }
    }

    /// Answers the identity that a profile names, and tells if it names none and no source either.
    fn origin(
        &mut self,
        name: &str,
        profile: &Spanned<RawProfile>,
        identities: &Identities,
    ) -> Option<IdentityName> {
        let raw = profile.get_ref();
        match (&raw.identity, &raw.source) {
            (Some(_), Some(source)) => self
                .wrong(source.span().start, format!("profile {name:?}: either identity or source, not both")),
            (None, None) => self.wrong(
                profile.span().start,
                format!("profile {name:?}: neither identity nor source says where it comes from"),
            ),
            (None, Some(source)) if raw.role_arn.is_none() => {
                self.wrong(source.span().start, format!("profile {name:?}: source without role_arn"));
            }
            (Some(_), None) | (None, Some(_)) => {}
        }
        let value = raw.identity.as_ref()?;
        let found = identities.get_key_value(value.get_ref().as_str()).map(|(known, _)| known.clone());
        if found.is_none() {
            self.wrong(
                value.span().start,
                format!("identity {:?}: there is no such [identity.…] table", value.get_ref()),
            );
        }
        found
    }

    /// Answers whether the profile opts in or out of MFA, where it has a say.
    fn mfa(&mut self, name: &str, raw: &RawProfile, identity: Option<&Identity>) -> Option<bool> {
        let mfa = raw.mfa.as_ref()?;
        let without_device = identity.is_some_and(|found| found.mfa_serial.is_none());
        if raw.source.is_some() && raw.identity.is_none() {
            let message =
                format!("profile {name:?}: mfa has no effect beside source: set it where the identity is");
            self.wrong(mfa.span().start, message);
        } else if *mfa.get_ref() && without_device {
            let message = format!("profile {name:?}: mfa = true, and its identity has no mfa_serial");
            self.wrong(mfa.span().start, message);
        }
        Some(*mfa.get_ref())
    }

    fn session_token(
        &mut self,
        name: &str,
        raw: &RawProfile,
        home: Option<&'static str>,
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
        let region = region.unwrap_or_else(|| partition::default_region(home.unwrap_or("aws")));
        Some(Step::SessionToken(SessionToken { duration, mfa_serial: None, region: Some(region.to_owned()) }))
    }

    fn role(&mut self, raw: &RawProfile, home: Option<&'static str>, region: Option<&str>) -> Option<Step> {
        let role_arn = self.take("role_arn", raw.role_arn.as_ref(), |text| {
            let arn = text.parse::<RoleArn>().map_err(|wrong| wrong.to_string())?;
            let here = partition::of_arn(arn.as_str())?;
            match home {
                Some(home) if home != here => {
                    Err(format!("the role is in {here}, and the identity in {home}"))
                }
                Some(_) | None => Ok(arn),
            }
        })?;
        let around = self.around;
        let (least, most) = ROLE_SECONDS;
        let session_tags = self.take("session_tags", raw.session_tags.as_ref(), |tags| {
            session::tags(tags).map(|()| tags.clone())
        });
        let are_wrong = raw.session_tags.is_some() && session_tags.is_none();
        let session_tags = session_tags.unwrap_or_default();
        let transitive_tags = self
            .take("transitive_tags", raw.transitive_tags.as_ref().filter(|_| !are_wrong), |keys| {
                session::transitive_tags(keys, &session_tags).map(|()| keys.clone())
            })
            .unwrap_or_default();
        let policy_arns = self
            .take("policy_arns", raw.policy_arns.as_ref(), |arns| {
                session::policy_arns(arns, &role_arn).map(|()| arns.clone())
            })
            .unwrap_or_default();
        let default_region = partition::default_region(role_arn.partition());
        Some(Step::AssumeRole(Box::new(AssumeRole {
            duration: self.take("duration", raw.duration.as_ref(), |text| {
                check::duration_within(text, least, most, "a role session")
            }),
            external_id: self.text("external_id", raw.external_id.as_ref(), |text| {
                check::letters(text, 2, 1224, "+=,.@:/-")
            }),
            session_tags,
            transitive_tags,
            source_identity: self.text("source_identity", raw.source_identity.as_ref(), check::session_name),
            session_name: self
                .text("session_name", raw.session_name.as_ref(), check::session_name)
                .or_else(|| Some(check::default_session_name(around.user))),
            policy: self.take("policy", raw.policy.as_ref(), |text| session::policy(text, around)),
            policy_arns,
            region: Some(region.unwrap_or(default_region).to_owned()),
            role_arn,
        })))
    }
}
