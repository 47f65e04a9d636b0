//! `keyfob status`.

use super::listing::print_json;
use super::{print, unexpected};
use crate::line::Status;
use crate::{platform, start, table};
use keyfob_shared::wire::{
    DaemonStatus, IdentityStatus, ProfileStatus, Reply, Request, SocketStatus, StatusPage,
};
use keyfob_shared::{Failure, Timestamp};
use serde::Serialize;
use std::io::IsTerminal;
use std::time::Duration;

const EACH: Duration = Duration::from_secs(1);

/// The object of `--json`; its fields are a contract.
#[derive(Serialize)]
pub(super) struct Whole {
    pub(super) daemon: DaemonStatus,
    profiles: Vec<ProfileStatus>,
    identities: Vec<IdentityStatus>,
    sockets: Vec<SocketStatus>,
}

pub(super) fn run(arguments: &Status) -> Result<(), Failure> {
    if arguments.json {
        return print_json(&fetch()?);
    }
    loop {
        let text = render(&fetch()?, platform::now(), platform::width().unwrap_or(usize::MAX));
        if !arguments.watch {
            return print(&text);
        }
        // Home, clear to the end: no flicker as with clearing first.
        let start = if std::io::stdout().is_terminal() { "\u{1b}[H\u{1b}[J" } else { "" };
        print(&format!("{start}{text}"))?;
        std::thread::sleep(EACH);
    }
}

/// Asks for all of it.
pub(super) fn fetch() -> Result<Whole, Failure> {
    let (mut connection, mut reply) = start::ask(&Request::Status)?;
    let mut whole: Option<Whole> = None;
    loop {
        let page = match reply {
            Reply::Status(page) => page,
            Reply::Failed(failure) => return Err(failure),
            _ => return Err(unexpected()),
        };
        let StatusPage { daemon, profiles, identities, sockets, more } = page;
        match &mut whole {
            None => whole = Some(Whole { daemon, profiles, identities, sockets }),
            Some(whole) => {
                whole.profiles.extend(profiles);
                whole.identities.extend(identities);
                whole.sockets.extend(sockets);
            }
        }
        if !more {
            return whole.ok_or_else(unexpected);
        }
        reply = connection.next().map_err(|error| start::unreachable(&error))?;
    }
}

fn render(whole: &Whole, now: i64, width: usize) -> String {
    let time = |moment: Option<Timestamp>| {
        moment.map_or_else(|| "-".to_owned(), |moment| table::relative(moment, now))
    };
    let mut rows = vec![
        ["PROFILE", "STATE", "EXPIRES", "RENEWS", "LAST USED", "LAST ERROR"].map(str::to_owned).to_vec(),
    ];
    rows.extend(whole.profiles.iter().map(|profile| {
        let error = profile.last_error.clone().or_else(|| profile.note.clone()).unwrap_or_else(|| "-".into());
        let times = [profile.expires_at, profile.renew_at, profile.last_used_at].map(time);
        let name = match &profile.socket {
            Some(socket) => format!("{} (socket {socket})", profile.name),
            None => profile.name.to_string(),
        };
        [vec![name, profile.state.clone()], times.to_vec(), vec![error]].concat()
    }));
    let mut identities =
        vec![["IDENTITY", "TYPE", "STATE", "SIGN-IN NEEDED", "KEY"].map(str::to_owned).to_vec()];
    identities.extend(whole.identities.iter().map(|identity| {
        vec![
            identity.name.to_string(),
            identity.kind.clone(),
            identity.state.clone(),
            time(identity.sign_in_needed_by),
            identity.rotation.clone().unwrap_or_else(|| "-".into()),
        ]
    }));
    let running = running(&whole.profiles, now);
    let sockets =
        if whole.sockets.is_empty() { String::new() } else { format!("\n{}", of_sockets(&whole.sockets)) };
    let daemon = &whole.daemon;
    let vault = format!("vault {}: {} ({})", daemon.vault.kind, daemon.vault.state, daemon.vault.reason);
    let locked = if daemon.locked { "\nlocked: keyfob unlock" } else { "" };
    let error =
        daemon.config_error.as_ref().map_or_else(String::new, |error| format!("\nconfiguration: {error}"));
    let last = crate::report::clean(&format!("keyfobd {}, process {}, {vault}", daemon.version, daemon.pid));
    let (profiles, identities) = (table::fitted(&rows, width), table::columns(&identities));
    format!("{profiles}\n{running}{identities}{sockets}\n{last}{locked}{error}\n")
}

/// Shows the profiles that programs of `keyfob exec` run with; nothing if there are none.
fn running(profiles: &[ProfileStatus], now: i64) -> String {
    let mut rows = vec![
        ["RUNNING WITH", "PROGRAMS", "LEASE ENDS", "NEXT RENEWAL", "RENEWALS DONE"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(profiles.iter().filter(|profile| profile.programs > 0).map(|profile| {
        let time = |moment: Option<Timestamp>, none: &str| {
            moment.map_or_else(|| none.to_owned(), |moment| table::relative(moment, now))
        };
        vec![
            profile.name.to_string(),
            profile.programs.to_string(),
            time(profile.leased_until, "with them"),
            time(profile.renew_at, "-"),
            profile.renewals.to_string(),
        ]
    }));
    if rows.len() == 1 { String::new() } else { format!("{}\n", table::columns(&rows)) }
}

fn of_sockets(sockets: &[SocketStatus]) -> String {
    let mut rows = vec![["SOCKET", "STATE", "PROFILES", "SESSIONS", "PATH"].map(str::to_owned).to_vec()];
    rows.extend(sockets.iter().map(|socket| {
        let path = match &socket.error {
            Some(error) => format!("{}: {error}", socket.path),
            None => socket.path.clone(),
        };
        let sessions = if socket.scoped { "scoped down" } else { "yours" };
        let name = socket.name.to_string();
        vec![
            name,
            socket.state.clone(),
            socket.profiles.to_string(),
            sessions.into(),
            crate::report::clean(&path),
        ]
    }));
    table::columns(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyfob_shared::wire::VaultStatus;

    #[test]
    fn people_see_what_is_served_and_until_when() {
        let vault = VaultStatus { kind: "memory".into(), state: "ready".into(), reason: "configured".into() };
        let daemon = DaemonStatus { version: "1".into(), pid: 7, vault, locked: false, config_error: None };
        let profile = ProfileStatus {
            name: "prod".parse().unwrap(),
            state: "ready".into(),
            expires_at: Some(Timestamp::from_millis(3_600_000)),
            renew_at: None,
            last_used_at: Some(Timestamp::from_millis(-60_000)),
            last_error: None,
            note: None,
            renewals: 3,
            programs: 2,
            leased_until: Some(Timestamp::from_millis(7_200_000)),
            socket: None,
        };
        let scoped = ProfileStatus { socket: Some("agent".parse().unwrap()), ..profile.clone() };
        let socket = SocketStatus {
            name: "agent".parse().unwrap(),
            path: "/run/x/agent.sock".into(),
            state: "failed".into(),
            error: Some("it is taken".into()),
            profiles: 1,
            scoped: true,
        };
        let whole =
            Whole { daemon, profiles: vec![profile, scoped], identities: Vec::new(), sockets: vec![socket] };
        let text = render(&whole, 0, 200);
        assert!(text.contains("\nprod (socket agent)  ready"), "{text}");
        assert!(
            text.contains("\nagent   failed  1         scoped down  /run/x/agent.sock: it is taken\n"),
            "{text}"
        );
        assert!(text.contains("prod                 ready  in 1 h 0 min  -       1 min ago  -"), "{text}");
        assert!(text.contains("prod          2         in 2 h 0 min  -             3"), "{text}");
        assert!(text.contains("keyfobd 1, process 7, vault memory: ready (configured)"), "{text}");
    }
}
