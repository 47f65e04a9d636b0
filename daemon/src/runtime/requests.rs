//! What people ask: a snapshot is taken in the loop, the answer is given beside it.

use super::call::{Call, Note};
use super::dialogue::{self, Talk};
use super::{Event, Runtime, keys, name, restricted};
use crate::platform;
use keyfob_engine::engine::{self, Scope};
use keyfob_listen::{Connection, Peer};
use keyfob_shared::wire::{DaemonStatus, Finding, ProfileView, Reply, Request, Severity, VaultStatus};
use keyfob_shared::{Failure, FailureKind, IdentityName, ProfileName};
use tokio::sync::oneshot;

/// A vault is opened once: what lies in the old one is not moved.
const ANOTHER_VAULT: &str = "the configuration names another vault, which is opened by the next daemon";

impl Runtime {
    /// Serves everything but `get`.
    pub(super) fn person(&mut self, peer: Peer, request: Request, connection: Connection) {
        let note = Note { request: name(&request), subject: subject(&request), peer, socket: None };
        let call = Call::new(connection, note, self.shared.events.clone());
        if let Err(failure) = self.admit(&request) {
            return self.conversations.start(call.conclude(Err(failure)));
        }
        let shared = self.shared.clone();
        match request {
            // Served on the hot path, and never handed to this function.
            Request::Get { .. } => {}
            Request::Login { name } => match self.identity_behind(&name) {
                Ok(talk) => self.conversations.start(dialogue::login(shared, talk, call)),
                Err(failure) => self.conversations.start(call.conclude(Err(failure))),
            },
            Request::Logout { name } => {
                let result = self.scope(name.as_deref()).map(|(scope, message)| {
                    self.tell(engine::Event::Logout(scope));
                    message
                });
                self.conversations.start(dialogue::logout(self.saver.clone(), result, call));
            }
            Request::Status => {
                let daemon = self.daemon_status();
                let (profiles, identities) = (self.engine.profiles(), self.engine.identities());
                let sockets = self.sockets.status(self.engine.config());
                self.conversations
                    .start(dialogue::status(shared, daemon, profiles, identities, sockets, call));
            }
            Request::Profiles { name } => match self.views(name.as_ref()) {
                Ok(views) => {
                    let page = |profiles, more| Reply::Profiles { profiles, more };
                    self.conversations.start(call.list(views, page));
                }
                Err(failure) => self.conversations.start(call.conclude(Err(failure))),
            },
            Request::Check => {
                let page = |findings, more| Reply::Findings { findings, more };
                self.conversations.start(call.list(self.findings(), page));
            }
            Request::Doctor => {
                let identities = self.engine.config().identities.keys().cloned().collect();
                let (findings, troubles) = (self.findings(), self.troubles());
                self.conversations.start(dialogue::doctor(shared, findings, troubles, identities, call));
            }
            Request::KeyAdd { identity, access_key_id, secret_access_key } => {
                self.conversations.start(keys::add(shared, identity, access_key_id, secret_access_key, call))
            }
            Request::KeyImport { identity, aws_profile, file } => {
                self.conversations.start(keys::import(shared, identity, aws_profile, file, call));
            }
            Request::KeyList => self.conversations.start(keys::list(shared, call)),
            Request::KeyRemove { identity } => self.conversations.start(keys::remove(shared, identity, call)),
            Request::Lock => match self.lock() {
                Ok(()) => self.conversations.start(dialogue::lock(shared, call)),
                Err(failure) => self.conversations.start(call.conclude(Err(failure))),
            },
            Request::Unlock => self.conversations.start(dialogue::unlock(shared, self.locks, call)),
            Request::Reload => {
                let (asker, outcome) = oneshot::channel();
                let _ = self.shared.events.send(Event::Reload(asker));
                self.conversations.start(dialogue::outcome(outcome, call));
            }
            Request::Stop => self.conversations.start(dialogue::stop(shared, call)),
        }
    }

    /// Serves nothing from now on, not even after the daemon was started again.
    fn lock(&mut self) -> Result<(), Failure> {
        self.locks += 1;
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
                | Request::Login { .. }
        );
        if needs_vault && self.engine.is_locked() {
            return Err(Failure::new(FailureKind::Refused, "the agent is locked").hint("keyfob unlock"));
        }
        match request {
            Request::KeyAdd { identity, .. } | Request::KeyImport { identity, .. } => {
                if self.engine.config().identities.contains_key(identity) {
                    return Ok(());
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

    fn identity_behind(&self, name: &str) -> Result<Talk, Failure> {
        let config = self.engine.config();
        let identity: IdentityName = match (config.identities.get_key_value(name), config.profiles.get(name))
        {
            (Some((identity, _)), _) => identity.clone(),
            (None, Some(plan)) => plan.identity.clone(),
            (None, None) => return Err(unknown(name)),
        };
        let definition = config.identities.get(&identity).ok_or_else(|| unknown(name))?;
        Ok(Talk {
            mfa_serial: definition.mfa_serial.clone(),
            by_command: definition.mfa_command.is_some(),
            identity,
        })
    }

    fn scope(&self, name: Option<&str>) -> Result<(Scope, String), Failure> {
        let config = self.engine.config();
        let Some(name) = name else { return Ok((Scope::All, "all sessions are forgotten".into())) };
        match (config.identities.get_key_value(name), config.profiles.get_key_value(name)) {
            (Some((identity, _)), _) => Ok((
                Scope::Identity(identity.clone()),
                format!("the sessions of identity {identity} are forgotten"),
            )),
            (None, Some((profile, _))) => Ok((
                Scope::Profile(profile.clone()),
                format!("the session of profile {profile} is forgotten"),
            )),
            (None, None) => Err(unknown(name)),
        }
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

    /// Answers whether the configuration names another vault than the one that is open.
    fn wants_another_vault(&self) -> bool {
        let (now, then) = (&self.engine.config().daemon, &self.opened_with);
        now.vault != then.vault
            || now.vault_key_file != then.vault_key_file
            || now.passphrase_command != then.passphrase_command
    }

    fn views(&self, name: Option<&ProfileName>) -> Result<Vec<ProfileView>, Failure> {
        let config = self.engine.config();
        if let Some(name) = name.filter(|name| !config.profiles.contains_key(*name)) {
            return Err(unknown(name.as_str()));
        }
        let wanted = config.profiles.values().filter(|plan| name.is_none_or(|name| plan.profile == *name));
        let view = |plan: &keyfob_engine::plan::Plan| ProfileView {
            name: plan.profile.clone(),
            identity: Some(plan.identity.clone()),
            region: plan.region.clone(),
            hops: plan.steps.iter().map(keyfob_engine::plan::Step::describe).collect(),
        };
        Ok(wanted.map(view).collect())
    }

    /// Findings of the file as it is on disk: of the broken one, or of the one in force.
    fn findings(&self) -> Vec<Finding> {
        let Some(broken) = &self.broken else { return self.engine.config().findings.clone() };
        if !broken.findings.is_empty() {
            let file = self.config_file.display();
            let with_file = |finding: &Finding| Finding {
                subject: format!("{file}:{}", finding.subject),
                ..finding.clone()
            };
            return broken.findings.iter().map(with_file).collect();
        }
        vec![Finding {
            severity: Severity::Error,
            subject: self.config_file.display().to_string(),
            message: broken.failure.message.clone(),
            hint: broken.failure.hint.clone(),
        }]
    }

    /// What keeps profiles from working now.
    fn troubles(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if !self.config_file.exists() {
            findings.push(Finding {
                severity: Severity::Warning,
                subject: "configuration".into(),
                message: format!("there is no {}", self.config_file.display()),
                hint: Some("see \"Set-up\" in the README".into()),
            });
        }
        if self.wants_another_vault() {
            findings.push(Finding {
                severity: Severity::Error,
                subject: "vault".into(),
                message: ANOTHER_VAULT.into(),
                hint: Some("keyfob daemon restart".into()),
            });
        }
        if self.engine.is_locked() {
            findings.push(Finding {
                severity: Severity::Error,
                subject: "agent".into(),
                message: "it is locked and serves nothing".into(),
                hint: Some("keyfob unlock".into()),
            });
        }
        findings.extend(self.sockets.findings());
        for status in self.engine.identities().into_iter().filter(|status| status.state == "sign-in-needed") {
            findings.push(Finding {
                severity: Severity::Warning,
                subject: format!("identity {}", status.name),
                message: "it needs a sign-in".into(),
                hint: Some(format!("keyfob login {}", status.name)),
            });
        }
        for status in self.engine.profiles() {
            let Some(message) = status.last_error.as_ref().filter(|_| status.state != "sign-in-needed")
            else {
                continue;
            };
            findings.push(Finding {
                severity: Severity::Error,
                subject: restricted::subject(&status),
                message: message.clone(),
                hint: Some(format!("keyfob get {}", status.name)),
            });
        }
        findings
    }
}

fn unknown(name: &str) -> Failure {
    Failure::new(FailureKind::Usage, format!("there is no identity or profile {name:?} in the configuration"))
        .hint("keyfob profile list")
}

pub(super) fn subject(request: &Request) -> Option<String> {
    match request {
        Request::Get { profile } => Some(profile.to_string()),
        Request::Login { name } => Some(name.clone()),
        Request::Logout { name } => name.clone(),
        Request::Profiles { name } => name.as_ref().map(ToString::to_string),
        Request::KeyAdd { identity, .. }
        | Request::KeyImport { identity, .. }
        | Request::KeyRemove { identity } => Some(identity.to_string()),
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
