//! Restricted sockets: the profiles that each serves, and the plans of its own sessions where it scopes them down.
//!
//! Session policies of one call add up: what any of them allows is allowed, as far as the role goes. So a socket never
//! adds its own to those of a profile, which would give more than the person has.

use super::flatten::Flattener;
use super::raw::{RawProfile, RawSocket};
use super::{check, session};
use crate::plan::{Plan, Step};
use keyfob_shared::wire::{Finding, Severity};
use keyfob_shared::{ProfileName, SocketName};
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Spanned;

/// Each takes descriptors away from the person.
pub const MAX_SOCKETS: usize = 8;

type Plans = BTreeMap<ProfileName, Plan>;

/// A further socket that gives less than the person has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Where it is; without it beside the main one.
    pub path: Option<PathBuf>,
    /// Which profiles may be asked for.
    pub profiles: Vec<Pattern>,
    /// Users who are served beside the daemon's own.
    pub allow_uids: Vec<u32>,
    /// The plans of the sessions that are scoped down for it; `None`: the person's own are served.
    pub scoped: Option<BTreeMap<ProfileName, Plan>>,
}

/// One name, or the beginning of many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Exactly this name.
    Name(String),
    /// Every name that begins so.
    Prefix(String),
}

impl Pattern {
    /// Answers whether a name is meant.
    pub fn covers(&self, name: &str) -> bool {
        match self {
            Self::Name(exact) => exact == name,
            Self::Prefix(start) => name.starts_with(start.as_str()),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (name, pattern) = match text.strip_suffix('*') {
            Some("") => return Ok(Self::Prefix(String::new())),
            Some(start) => (start, Self::Prefix(start.into())),
            None => (text, Self::Name(text.into())),
        };
        if name.contains('*') {
            return Err(format!("{text:?}: one * is allowed, at the end"));
        }
        name.parse::<ProfileName>().map(|_| pattern).map_err(|wrong| wrong.to_string())
    }
}

impl Socket {
    /// Answers whether a profile may be asked for, if there is one of this name.
    pub fn covers(&self, profile: &ProfileName) -> bool {
        self.profiles.iter().any(|pattern| pattern.covers(profile.as_str()))
    }
}

/// What scopes the sessions of a socket down.
struct Scope {
    policy: Option<String>,
    policy_arns: Option<Spanned<Vec<String>>>,
    job_function: Option<Spanned<String>>,
    offset: usize,
}

impl Flattener<'_> {
    pub(super) fn sockets(
        &mut self,
        raw: &BTreeMap<String, Spanned<RawSocket>>,
        profiles: &BTreeMap<String, Spanned<RawProfile>>,
        plans: &Plans,
    ) -> BTreeMap<SocketName, Socket> {
        let mut sockets = BTreeMap::new();
        for (name, socket) in raw {
            let valid = match name.parse::<SocketName>() {
                Ok(valid) => valid,
                Err(wrong) => {
                    self.wrong(socket.span().start, format!("socket: {wrong}"));
                    continue;
                }
            };
            let value = self.socket(name, socket, profiles, plans);
            self.same_path(name, socket, &value, &sockets);
            sockets.insert(valid, value);
        }
        if let Some(last) = raw.values().map(|socket| socket.span().start).max()
            && raw.len() > MAX_SOCKETS
        {
            self.wrong(last, format!("{MAX_SOCKETS} sockets are allowed, and these are {}", raw.len()));
        }
        sockets
    }

    fn socket(
        &mut self,
        name: &str,
        socket: &Spanned<RawSocket>,
        profiles: &BTreeMap<String, Spanned<RawProfile>>,
        plans: &Plans,
    ) -> Socket {
        let (raw, around) = (socket.get_ref(), self.around);
        let patterns = self.patterns(name, socket);
        let policy = self.take("policy", raw.policy.as_ref(), |text| session::policy(text, around));
        let offset =
            raw.policy_arns.as_ref().map(Spanned::span).or_else(|| Some(raw.policy.as_ref()?.span()));
        let offset = offset.or_else(|| Some(raw.job_function.as_ref()?.span()));
        let scope = offset.map(|span| Scope {
            policy,
            policy_arns: raw.policy_arns.clone(),
            job_function: raw.job_function.clone(),
            offset: span.start,
        });
        let mut value = Socket {
            path: self.take("path", raw.path.as_ref(), |text| check::absolute(text, around)),
            profiles: patterns,
            allow_uids: raw.allow_uids.as_ref().map(|uids| uids.get_ref().clone()).unwrap_or_default(),
            scoped: None,
        };
        if raw.policy_arns.as_ref().is_some_and(|arns| arns.get_ref().is_empty()) {
            self.wrong(
                socket.span().start,
                format!("socket {name:?}: an empty list of policy_arns scopes nothing"),
            );
        }
        let covered = plans.values().filter(|plan| value.covers(&plan.profile));
        value.scoped =
            scope.map(|scope| covered.filter_map(|plan| self.scoped(name, plan, &scope, profiles)).collect());
        value
    }

    fn patterns(&mut self, name: &str, socket: &Spanned<RawSocket>) -> Vec<Pattern> {
        let Some(list) = socket.get_ref().profiles.as_ref().filter(|list| !list.get_ref().is_empty()) else {
            let message = format!("socket {name:?}: profiles says which may be asked for, and names none");
            self.wrong(socket.span().start, message);
            return Vec::new();
        };
        let known = self.take("profiles", Some(list), |texts| {
            texts.iter().map(|text| Pattern::parse(text)).collect::<Result<Vec<Pattern>, String>>()
        });
        known.unwrap_or_default()
    }

    /// Tells of names on the list that no profile has: most likely a slip.
    pub(super) fn uncovered(
        &mut self,
        raw: &BTreeMap<String, Spanned<RawSocket>>,
        profiles: &BTreeMap<String, Spanned<RawProfile>>,
    ) {
        for (name, socket) in raw {
            let Some(list) = &socket.get_ref().profiles else { continue };
            let patterns = list.get_ref().iter().filter_map(|text| Some((text, Pattern::parse(text).ok()?)));
            for (text, _) in patterns.filter(|(_, pattern)| !profiles.keys().any(|name| pattern.covers(name)))
            {
                self.findings.push(Finding {
                    severity: Severity::Warning,
                    subject: format!("{}: socket {name}", self.lines.place(list.span().start)),
                    message: format!("no profile is called {text:?}"),
                    hint: None,
                });
            }
        }
    }

    fn same_path(
        &mut self,
        name: &str,
        raw: &Spanned<RawSocket>,
        socket: &Socket,
        others: &BTreeMap<SocketName, Socket>,
    ) {
        let same = others.iter().find(|(_, other)| other.path.is_some() && other.path == socket.path);
        if let Some((other, _)) = same {
            self.wrong(
                raw.span().start,
                format!("socket {name:?}: it has the path of socket {:?}", other.as_str()),
            );
        }
    }

    /// Adds the policies of a socket to the last hop of a profile.
    fn scoped(
        &mut self,
        name: &str,
        plan: &Plan,
        scope: &Scope,
        profiles: &BTreeMap<String, Spanned<RawProfile>>,
    ) -> Option<(ProfileName, Plan)> {
        let profile = &plan.profile;
        let mut plan = plan.clone();
        let Some(Step::AssumeRole(role) | Step::Federated(_, role)) = plan.steps.last_mut() else {
            let message = format!(
                "socket {name:?}: profile {profile:?} has no role, and what it hands out takes no policy",
                profile = profile.as_str()
            );
            self.wrong(scope.offset, message);
            return None;
        };
        if role.policy.is_some() || !role.policy_arns.is_empty() {
            let raw = profiles.get(profile.as_str()).map(|profile| profile.get_ref());
            let own = raw.and_then(|raw| Some(raw.policy.as_ref()?.span()));
            let own = own.or_else(|| Some(raw?.policy_arns.as_ref()?.span()));
            let place = own.map_or_else(String::new, |span| format!(" at {}", self.lines.place(span.start)));
            let message = format!(
                "socket {name:?}: profile {:?} has session policies of its own{place}, and AWS adds session policies \
                 up, so these would give it more: list a profile without any",
                profile.as_str()
            );
            self.wrong(scope.offset, message);
            return None;
        }
        let arns = self.take("policy_arns", scope.policy_arns.as_ref(), |arns| {
            session::policy_arns(arns, role.role_arn.partition(), Some(role.role_arn.account_id()))
                .map(|()| arns.clone())
                .map_err(|wrong| format!("profile {:?}: {wrong}", profile.as_str()))
        });
        role.policy.clone_from(&scope.policy);
        role.policy_arns = arns.unwrap_or_default();
        let function = self.take("job_function", scope.job_function.as_ref(), |name| {
            session::job_function(name, role.role_arn.partition())
        });
        role.policy_arns.extend(function);
        Some((profile.clone(), plan))
    }
}
