//! Profiles to plans: what each table says by itself, and joined with the sources that it names.

use super::flatten::Flattener;
use super::raw::RawProfile;
use super::{Identity, chain, check, partition};
use crate::plan::{Plan, Step};
use keyfob_shared::{IdentityName, ProfileName, wire::Finding, wire::Severity};
use std::collections::{BTreeMap, HashMap};
use toml::Spanned;

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
        let root =
            definition.root_step().filter(|root| first.mfa != Some(false) || root.mfa_serial().is_none());
        let mut steps: Vec<Step> = root.into_iter().collect();
        for link in links {
            let own = own.get(link)?;
            match &own.step {
                // The first step of the identity serves those that ask for nothing else.
                Some(Step::SessionToken(_) | Step::Process) if !steps.is_empty() => {}
                Some(step) => steps.push(step.clone()),
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
            Step::SessionToken(_)
            | Step::AssumeRole(_)
            | Step::Federated(..)
            | Step::FederationToken(_)
            | Step::PortalRole(_)
            | Step::Process => "AWS caps role chaining at one hour; the session is renewed every hour",
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
        let step = self.step(name, raw, definition, home, region.as_deref());
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
}
