//! What people ask: a snapshot is taken in the loop, the answer is given beside it.

use super::call::{Call, Note};
use super::dialogue;
use super::findings::ANOTHER_VAULT;
use super::login::{self, Talk};
use super::places::{Admission, Arrived, Place};
use super::signins::Forgotten;
use super::{Event, Runtime, account, answers, console, doctor, key_list, keys, name, rotations};
use crate::configuration::Broken;
use crate::{clock, platform};
use keyfob_engine::engine::{self, Scope};
use keyfob_shared::wire::{self, Console, DaemonStatus, Grant, ProfileView, Reply, Request, VaultStatus};
use keyfob_shared::{Failure, FailureKind, IdentityName, ProfileName};
use tokio::sync::oneshot;

impl Runtime {
    /// Serves everything but `get`, now or when it is its turn.
    pub(super) fn person(&mut self, arrived: Arrived) {
        match self.places.admit(arrived, &self.shared.events) {
            Admission::Now(arrived, place) => self.converse(arrived, place),
            Admission::Later => {}
            Admission::Refused(Arrived { peer, request, connection }, failure) => {
                connection.reply(&answers::encode(&Reply::Failed(failure.clone())));
                let note = Note { request: name(&request), subject: subject(&request), peer, socket: None };
                self.ledger.note(note, Err(failure));
            }
        }
    }

    pub(super) fn converse(&mut self, arrived: Arrived, place: Place) {
        let Arrived { peer, request, connection } = arrived;
        let note =
            Note { request: name(&request), subject: subject(&request), peer: peer.clone(), socket: None };
        let call = Call::new(connection, note, self.shared.events.clone(), place);
        if let Err(failure) = self.admit(&request) {
            return start(call.conclude(Err(failure)));
        }
        let shared = self.shared.clone();
        match request {
            // Served on the hot path, and never handed to this function.
            Request::Get { .. } => {}
            Request::Grant(grant) => self.grant(grant, peer, call),
            Request::Console(wanted) => match self.console_place(&wanted) {
                Ok(place) => start(console::sign_in(shared, wanted, place, call)),
                Err(failure) => start(call.conclude(Err(failure))),
            },
            Request::Login { name } => match self.identity_behind(&name) {
                Ok(talk) => start(login::login(shared, talk, call)),
                Err(failure) => start(call.conclude(Err(failure))),
            },
            Request::Logout { name } => {
                let mut forgotten = Forgotten::These(Vec::new());
                let result = self.scopes(name.as_deref()).map(|(scopes, message)| {
                    for scope in scopes {
                        forgotten.add(&scope, self.engine.config());
                        self.tell(engine::Event::Logout(scope));
                    }
                    message
                });
                start(dialogue::logout(shared, result, forgotten, call));
            }
            Request::Status => {
                let daemon = self.daemon_status();
                let (profiles, identities) = (self.engine.profiles(), self.engine.identities());
                let sockets = self.sockets.status(self.engine.config());
                let config = self.engine.config().clone();
                start(dialogue::status(shared, config, daemon, profiles, identities, sockets, call));
            }
            Request::Profiles { name } => match self.views(name.as_ref()) {
                Ok(views) => {
                    let page = |profiles, more| Reply::Profiles { profiles, more };
                    start(call.list(views, page));
                }
                Err(failure) => start(call.conclude(Err(failure))),
            },
            Request::Discover { identity } => match self.identity_behind(identity.as_str()) {
                Ok(talk) => start(login::discover(shared, talk, call)),
                Err(failure) => start(call.conclude(Err(failure))),
            },
            Request::Check => {
                let page = |findings, more| Reply::Findings { findings, more };
                start(call.list(self.findings(), page));
            }
            Request::Doctor => start(doctor::examine(shared, self.examination(), call)),
            Request::KeyAdd { identity, access_key_id, secret_access_key } => {
                start(keys::add(shared, identity, access_key_id, secret_access_key, call))
            }
            Request::KeyImport { identity, aws_profile, file } => {
                start(keys::import(shared, identity, aws_profile, file, call));
            }
            Request::KeyList => start(key_list::list(shared, self.rotations(), call)),
            Request::KeyRotate { identity, step } => {
                let settings = self.rotate_settings(&identity);
                start(rotations::rotate(shared, identity, step, settings, call));
            }
            Request::KeyRemove { identity } => start(keys::remove(shared, identity, call)),
            Request::Report(wanted) => match self.clerk(&wanted.profile) {
                Ok(clerk) => start(account::report(clerk, wanted, call)),
                Err(failure) => start(call.conclude(Err(failure))),
            },
            Request::Activity(wanted) => match self.clerk(wanted.with.as_ref().unwrap_or(&wanted.profile)) {
                Ok(clerk) => start(account::activity(clerk, wanted, self.state_directory.clone(), call)),
                Err(failure) => start(call.conclude(Err(failure))),
            },
            Request::Role(wanted) => {
                let clerk = self.clerk(wanted.with.as_ref().unwrap_or(&wanted.profile));
                match clerk.and_then(|clerk| Ok((clerk, self.asked_role(&wanted.profile)?))) {
                    Ok((clerk, asked)) => start(account::role(clerk, wanted, asked, call)),
                    Err(failure) => start(call.conclude(Err(failure))),
                }
            }
            Request::Lock => start(dialogue::lock(shared, self.lock(), call)),
            Request::Unlock => start(dialogue::unlock(shared, self.locks, call)),
            Request::Reload => {
                let (asker, outcome) = oneshot::channel();
                let _ = self.shared.events.send(Event::Reload(asker));
                start(dialogue::outcome(outcome, call));
            }
            Request::Stop => start(dialogue::stop(shared, call)),
        }
    }

    /// Serves nothing from now on, not even after the daemon was started again.
    fn lock(&mut self) -> Result<(), Failure> {
        self.locks += 1;
        self.locked.send_replace(true);
        self.tell(engine::Event::Lock);
        platform::append_private(&self.lock_note).map(drop).map_err(|cause| {
            let message = format!(
                "the agent is locked, but not beyond its end: write {}: {cause}",
                self.lock_note.display()
            );
            Failure::new(FailureKind::Upstream, message).hint("keyfob lock")
        })
    }

    /// Serves again, unless the agent was locked meanwhile.
    pub(super) fn unlocked(&mut self, lock: u64) {
        if lock != self.locks {
            return;
        }
        match std::fs::remove_file(&self.lock_note) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, "the agent is unlocked, but only until its end");
            }
            Ok(()) | Err(_) => {}
        }
        self.locked.send_replace(false);
        self.tell(engine::Event::Unlock);
    }

    /// Refuses what a locked agent does not do, and keys of identities that are not configured.
    fn admit(&self, request: &Request) -> Result<(), Failure> {
        let needs_vault = matches!(
            request,
            Request::KeyAdd { .. }
                | Request::KeyImport { .. }
                | Request::KeyList
                | Request::KeyRemove { .. }
                | Request::KeyRotate { .. }
                | Request::Login { .. }
                | Request::Discover { .. }
        );
        if needs_vault && self.engine.is_locked() {
            return Err(Failure::new(FailureKind::Refused, "the agent is locked").hint("keyfob unlock"));
        }
        match request {
            Request::KeyAdd { identity, .. } | Request::KeyImport { identity, .. } => {
                if let Some(known) = self.engine.config().identities.get(identity) {
                    if known.has_key() {
                        return Ok(());
                    }
                    let kind = known.kind.name();
                    let message = format!("identity {identity} is of type {kind}, which has no access key");
                    return Err(Failure::new(FailureKind::Usage, message).hint("keyfob status"));
                }
                let message = format!("there is no identity {identity} in {}", self.config_file.display());
                let hint = format!(
                    "add [identity.{identity}] with type = \"iam-user\" to {}",
                    self.config_file.display()
                );
                Err(Failure::new(FailureKind::Usage, message).hint(hint))
            }
            _ => Ok(()),
        }
    }

    /// Answers why a caller is turned away before the engine hears of it: there is nothing to serve, or no room to wait.
    pub(super) fn turns_away(&self, profile: &ProfileName) -> Option<Failure> {
        if !self.engine.is_locked() && !self.engine.config().profiles.contains_key(profile) {
            return Some(self.missing("there is no such profile"));
        }
        let waits = self.ledger.is_full() && self.engine.would_wait(profile, clock::now());
        let full =
            || Failure::new(FailureKind::Refused, "too many callers wait already").hint("keyfob status");
        waits.then(full)
    }

    /// Tells that something is not in the configuration, and why that may be.
    fn missing(&self, what: &str) -> Failure {
        let config = self.engine.config();
        let usage = |message: String| Failure::new(FailureKind::Usage, message);
        match &self.broken {
            Some(Broken { failure, .. }) => {
                usage(format!("{what} in the configuration in force; the file was not taken over: {failure}"))
                    .hint(failure.hint.as_deref().unwrap_or("keyfob profile check"))
            }
            None if config.profiles.is_empty() && config.identities.is_empty() => {
                let file = self.config_file.display();
                usage(format!("{what}: there is nothing in {file}")).hint("see \"Set-up\" in the README")
            }
            None => usage(format!("{what} in the configuration")).hint("keyfob profile list"),
        }
    }

    fn identity_behind(&self, name: &str) -> Result<Talk, Failure> {
        let config = self.engine.config();
        let unknown = |name: &str| self.missing(&format!("there is no identity or profile {name:?}"));
        let identity: IdentityName = match (config.identities.get_key_value(name), config.profiles.get(name))
        {
            (Some((identity, _)), _) => identity.clone(),
            (None, Some(plan)) => plan.identity.clone(),
            (None, None) => return Err(unknown(name)),
        };
        let definition = config.identities.get(&identity).ok_or_else(|| unknown(name))?;
        Ok(Talk {
            kind: definition.kind.clone(),
            config: config.clone(),
            mfa_serial: definition.mfa_serial.clone(),
            by_command: definition.mfa_command.is_some(),
            identity,
        })
    }

    /// Answers what a name stands for: an identity, a profile, or one of each.
    fn scopes(&self, name: Option<&str>) -> Result<(Vec<Scope>, String), Failure> {
        let config = self.engine.config();
        let Some(name) = name else { return Ok((vec![Scope::All], "all sessions are forgotten".into())) };
        let identity = config.identities.get_key_value(name).map(|(identity, _)| identity.clone());
        let profile = config.profiles.get_key_value(name).map(|(profile, _)| profile.clone());
        let message = match (&identity, &profile) {
            (Some(_), None) => format!("the sessions of identity {name} are forgotten"),
            (Some(_), Some(_)) => {
                format!("the sessions of identity {name} and of profile {name} are forgotten")
            }
            (None, Some(_)) => format!("the session of profile {name} is forgotten"),
            (None, None) => return Err(self.missing(&format!("there is no identity or profile {name:?}"))),
        };
        let scopes = identity.map(Scope::Identity).into_iter().chain(profile.map(Scope::Profile));
        Ok((scopes.collect(), message))
    }

    /// The state of the vault is added by a task that may wait for it.
    fn daemon_status(&self) -> DaemonStatus {
        DaemonStatus {
            version: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
            vault: VaultStatus { kind: String::new(), state: String::new(), reason: String::new() },
            locked: self.engine.is_locked(),
            config_error: match &self.broken {
                Some(broken) => Some(broken.failure.message.clone()),
                None => self.wants_another_vault().then(|| format!("{ANOTHER_VAULT}: keyfob daemon restart")),
            },
        }
    }

    fn views(&self, name: Option<&ProfileName>) -> Result<Vec<ProfileView>, Failure> {
        let config = self.engine.config();
        if let Some(name) = name.filter(|name| !config.profiles.contains_key(*name)) {
            return Err(self.missing(&format!("there is no profile {:?}", name.as_str())));
        }
        let wanted = config.profiles.values().filter(|plan| name.is_none_or(|name| plan.profile == *name));
        let view = |plan: &keyfob_engine::plan::Plan| ProfileView {
            name: plan.profile.clone(),
            identity: Some(plan.identity.clone()),
            region: plan.region.clone(),
            lease: plan.lease.and_then(|lease| u64::try_from(lease / 1_000).ok()),
            hops: plan.steps.iter().map(keyfob_engine::plan::Step::describe).collect(),
            role: name.and_then(|_| config.role(plan)),
        };
        Ok(wanted.map(view).collect())
    }
}

/// Goes on beside the loop.
fn start(conversation: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(conversation);
}

pub(super) fn subject(request: &Request) -> Option<String> {
    match request {
        Request::Get { profile }
        | Request::Grant(Grant { profile, .. })
        | Request::Console(Console { profile, .. })
        | Request::Report(wire::Report { profile, .. })
        | Request::Activity(wire::Activity { profile, .. })
        | Request::Role(wire::Role { profile, .. }) => Some(profile.to_string()),
        Request::Login { name } => Some(name.clone()),
        Request::Logout { name } => name.clone(),
        Request::Profiles { name } => name.as_ref().map(ToString::to_string),
        Request::KeyAdd { identity, .. }
        | Request::KeyImport { identity, .. }
        | Request::Discover { identity }
        | Request::KeyRemove { identity }
        | Request::KeyRotate { identity, .. } => Some(identity.to_string()),
        Request::Status
        | Request::Check
        | Request::Doctor
        | Request::KeyList
        | Request::Lock
        | Request::Unlock
        | Request::Reload
        | Request::Stop => None,
    }
}
