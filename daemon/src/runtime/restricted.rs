//! What comes through a restricted socket: credentials and listings of its profiles, nothing else.
//!
//! Replies tell less than those of the main socket: no identity, no path, nothing of other profiles.

use super::answers::Asker;
use super::call::{Call, Note};
use super::places::Place;
use super::{Next, Runtime, dialogue, name, requests};
use keyfob_engine::engine;
use keyfob_listen::{Arrival, Connection, Incoming, Peer};
use keyfob_shared::wire::{DaemonStatus, ProfileStatus, ProfileView, Reply, Request, VaultStatus};
use keyfob_shared::{Failure, FailureKind, ProfileName, SocketName};

/// What is told of the daemon instead of its process and its vault.
const HIDDEN: &str = "-";

impl Runtime {
    /// Has the restricted sockets that the configuration wants.
    pub(super) fn apply_sockets(&mut self) {
        self.sockets.apply(self.engine.config(), self.listener.path());
        self.watch_sockets();
    }

    /// Watches the files of all sockets, the main one too.
    pub(super) fn watch_sockets(&mut self) {
        let own = self.listener.path().to_owned();
        let paths: Vec<_> = std::iter::once(own).chain(self.sockets.paths().map(Into::into)).collect();
        self.socket_watch.renew(&paths);
    }

    /// Looks whether clients still reach the sockets by their names.
    pub(super) fn socket_changed(&mut self) -> Next {
        if !self.listener.still_ours() {
            tracing::warn!("the socket is gone; ending, so that a new daemon can serve");
            return Next::End;
        }
        self.sockets.mend_later();
        self.watch_sockets();
        Next::GoOn
    }

    pub(super) fn restricted(&mut self, socket: SocketName, arrival: Arrival) {
        let Incoming { peer, request, connection } = match arrival {
            Arrival::Request(incoming) => incoming,
            Arrival::Refused(peer) => return self.ledger.refused(&peer, Some(&socket)),
        };
        let refused = match request {
            Request::Get { profile } => return self.restricted_get(socket, peer, profile, connection),
            Request::Status => {
                let call = self.restricted_call(&socket, peer, &request, connection);
                let profiles = self.engine.restricted_profiles(&socket).into_iter().map(reduced).collect();
                let daemon = self.restricted_daemon(&socket);
                return self.sockets.converse(&socket, dialogue::status_of_profiles(daemon, profiles, call));
            }
            Request::Profiles { name: ref wanted } => {
                let views = self.restricted_views(&socket, wanted.as_ref());
                let call = self.restricted_call(&socket, peer, &request, connection);
                let page = |profiles, more| Reply::Profiles { profiles, more };
                return match views {
                    Ok(views) => self.sockets.converse(&socket, call.list(views, page)),
                    Err(failure) => self.sockets.converse(&socket, call.conclude(Err(failure))),
                };
            }
            Request::Grant(_)
            | Request::Console(_)
            | Request::Login { .. }
            | Request::Logout { .. }
            | Request::Discover { .. }
            | Request::Check
            | Request::Doctor
            | Request::KeyAdd { .. }
            | Request::KeyImport { .. }
            | Request::KeyList
            | Request::KeyRemove { .. }
            | Request::KeyRotate { .. }
            | Request::Report(_)
            | Request::Activity(_)
            | Request::Role(_)
            | Request::Lock
            | Request::Unlock
            | Request::Reload
            | Request::Stop => request,
        };
        let what = name(&refused);
        let message =
            format!("{what}: socket {socket} is restricted, and serves only get, status and profile");
        let failure = Failure::new(FailureKind::Refused, message)
            .hint("on the host, outside of this container or connection, run keyfob without KEYFOB_SOCKET");
        let call = self.restricted_call(&socket, peer, &refused, connection);
        self.sockets.converse(&socket, call.conclude(Err(failure)));
    }

    fn restricted_get(
        &mut self,
        socket: SocketName,
        peer: Peer,
        profile: ProfileName,
        connection: Connection,
    ) {
        let plan = self.engine.config().restricted_plan(&socket, &profile);
        let session_name = plan.and_then(|plan| plan.last().session_name());
        let asker = Asker::restricted(connection, peer, socket.clone(), profile.clone(), session_name);
        if let Some(waiter) = self.ledger.register_restricted(asker, &socket, self.sockets.most_waiting()) {
            self.tell(engine::Event::GetRestricted { waiter, socket, profile });
        }
    }

    fn restricted_call(
        &self,
        socket: &SocketName,
        peer: Peer,
        request: &Request,
        connection: Connection,
    ) -> Call {
        let note = Note {
            request: name(request),
            subject: requests::subject(request),
            peer,
            socket: Some(socket.clone()),
        };
        Call::new(connection, note, self.shared.events.clone(), Place::default())
    }

    fn restricted_daemon(&self, socket: &SocketName) -> DaemonStatus {
        DaemonStatus {
            version: env!("CARGO_PKG_VERSION").into(),
            pid: 0,
            vault: VaultStatus {
                kind: HIDDEN.into(),
                state: HIDDEN.into(),
                reason: format!("restricted socket {socket}"),
            },
            locked: self.engine.is_locked(),
            config_error: None,
        }
    }

    fn restricted_views(
        &self,
        socket: &SocketName,
        wanted: Option<&ProfileName>,
    ) -> Result<Vec<ProfileView>, Failure> {
        let config = self.engine.config();
        if let Some(profile) = wanted {
            config.restricted_plan(socket, profile).ok_or_else(|| engine::not_served(socket))?;
        }
        let plans = config.restricted_plans(socket);
        let views =
            plans.filter(|plan| wanted.is_none_or(|name| plan.profile == *name)).map(|plan| ProfileView {
                name: plan.profile.clone(),
                identity: None,
                region: plan.region.clone(),
                lease: plan.lease.and_then(|lease| u64::try_from(lease / 1_000).ok()),
                hops: vec![plan.last().describe()],
                role: None,
            });
        Ok(views.collect())
    }
}

/// Answers what somebody behind a restricted socket is told of a failure; the audit has all of it.
pub(super) fn told(failure: &Failure, profile: &ProfileName) -> Failure {
    let on_the_host = |command: &str| format!("on the host: {command}");
    match failure.kind {
        FailureKind::Refused if failure.hint.as_deref() == Some("keyfob unlock") => {
            Failure::new(failure.kind, &failure.message).hint(on_the_host("keyfob unlock"))
        }
        FailureKind::Refused => failure.clone(),
        FailureKind::Person => {
            Failure::new(failure.kind, "a person has to sign in first, which can't be done from here")
                .hint(on_the_host(&format!("keyfob login {profile}")))
        }
        FailureKind::Upstream | FailureKind::Usage | FailureKind::Unreachable => {
            Failure::new(failure.kind, "there is no session; the host knows why")
                .hint(on_the_host("keyfob status"))
        }
    }
}

/// Names a profile to the person, with the socket that it is scoped down for.
pub(super) fn subject(status: &ProfileStatus) -> String {
    match &status.socket {
        Some(socket) => format!("profile {} of socket {socket}", status.name),
        None => format!("profile {}", status.name),
    }
}

fn reduced(status: ProfileStatus) -> ProfileStatus {
    let last_error = status.last_error.map(|_| "the host's `keyfob status` tells".to_owned());
    ProfileStatus { last_used_at: None, last_error, programs: 0, leased_until: None, ..status }
}
