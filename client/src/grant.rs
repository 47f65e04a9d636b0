//! Keeping a grant: an endpoint of the daemon that answers one program, for as long as that runs.
//!
//! The listening socket and the token are ours, and the daemon gets both: whichever daemon runs, an old one, a new one,
//! one that was killed and started again, the address of the endpoint and its token stay as they are.

use crate::connection::{Connection, SHORT_TIME};
use crate::platform::{self, Endpoint, First, Watched};
use crate::start;
use keyfob_shared::wire::{ENDPOINT_PATH, Grant, Reply, Request, TOKEN_LENGTH};
use keyfob_shared::{Failure, FailureKind, ProfileName, Secret};
use std::fmt::Write;
use std::time::Duration;
use zeroize::Zeroizing;

/// Pauses between two attempts to have the grant back. SDKs wait for an answer for 1 s (JavaScript) and more.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A grant that is in force while its connection is open.
pub(crate) struct Held {
    grant: Grant,
    endpoint: Endpoint,
    connection: Connection,
    /// The end of the lease, in milliseconds since the Unix epoch.
    until: Option<i64>,
}

/// What ended a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Somebody has stopped the daemon: whoever stopped it starts it.
    Intended,
    /// It was killed, or has crashed.
    Sudden,
}

impl Held {
    /// Has an endpoint granted, and answers what stands against its renewal.
    pub(crate) fn open(
        profile: ProfileName,
        lease: Option<Duration>,
        strict: bool,
    ) -> Result<(Self, Vec<String>), Failure> {
        let lease = lease.map(|lease| lease.as_secs());
        let mut endpoint = Endpoint::new().map_err(|error| {
            Failure::new(FailureKind::Usage, format!("listen on 127.0.0.1: {error}")).hint("keyfob doctor")
        })?;
        let grant = Grant { profile, token: token()?, port: 0, lease, strict, resumed: false };
        let until = lease.map(|seconds| {
            platform::now().saturating_add(i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX))
        });
        let opened = start::ask(&Request::Grant(grant.clone()))?;
        let (connection, obstacles) = agree(opened, &mut endpoint)?;
        Ok((Self { grant, endpoint, connection, until }, obstacles))
    }

    /// Answers the address of the endpoint.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}{ENDPOINT_PATH}", self.endpoint.port())
    }

    /// Answers what the program sends as `Authorization`.
    pub(crate) fn token(&self) -> &Secret {
        &self.grant.token
    }

    /// Keeps the grant until the program has ended; a daemon that was killed is started again.
    pub(crate) fn keep(mut self, program: &Watched) {
        while program.wait(Some(self.connection.stream()), None) == First::Connection {
            let end = match self.connection.next() {
                Ok(Reply::Done { .. }) => End::Intended,
                Ok(_) | Err(_) => End::Sudden,
            };
            match self.again(end, program) {
                Some(connection) => self.connection = connection,
                None => return,
            }
        }
    }

    /// Has the endpoint granted again; `None` when the program has ended meanwhile.
    fn again(&mut self, end: End, program: &Watched) -> Option<Connection> {
        let mut pause = FIRST_PAUSE;
        while program.wait(None, Some(pause)) == First::Late {
            let left = |until: i64| u64::try_from((until - platform::now()) / 1_000).unwrap_or(0);
            let (lease, port) = (self.until.map(left), self.endpoint.port());
            let grant = Grant { lease, port, strict: false, resumed: true, ..self.grant.clone() };
            let request = Request::Grant(grant);
            let opened = match end {
                End::Sudden => start::ask(&request).ok(),
                End::Intended => ask_running(&request).ok(),
            };
            let granted = opened.and_then(|opened| agree(opened, &mut self.endpoint).ok());
            if let Some((connection, _)) = granted {
                return Some(connection);
            }
            pause = LONGEST_PAUSE.min(pause * 2);
        }
        None
    }
}

fn ask_running(request: &Request) -> std::io::Result<(Connection, Reply)> {
    let mut connection = Connection::open(SHORT_TIME)?;
    connection.ask(request)?;
    let reply = connection.next()?;
    Ok((connection, reply))
}

/// Gives the daemon what it needs for the endpoint.
fn agree(opened: (Connection, Reply), endpoint: &mut Endpoint) -> Result<(Connection, Vec<String>), Failure> {
    let (mut connection, mut reply) = opened;
    loop {
        match reply {
            Reply::SendListener => {
                endpoint.send(connection.stream()).map_err(|error| start::unreachable(&error))?;
            }
            Reply::Granted { port, obstacles } => {
                endpoint.granted(port);
                return Ok((connection, obstacles));
            }
            Reply::Failed(failure) => return Err(failure),
            _ => return Err(crate::command::unexpected()),
        }
        reply = connection.next().map_err(|error| start::unreachable(&error))?;
    }
}

/// Makes a token that nobody can guess.
fn token() -> Result<Secret, Failure> {
    let mut bytes = Zeroizing::new([0; TOKEN_LENGTH / 2]);
    getrandom::fill(&mut *bytes).map_err(|error| {
        Failure::new(FailureKind::Usage, format!("make a token: {error}")).hint("keyfob doctor")
    })?;
    let mut text = String::with_capacity(TOKEN_LENGTH);
    for byte in bytes.iter() {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(Secret::new(text))
}
