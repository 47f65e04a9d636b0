//! The commands: each asks the daemon and prints what it answers.

mod audit;
mod daemon;
mod env;
mod get;
mod key;
mod listing;
mod status;

use crate::line::{Line, Profile, Verb};
use crate::{prompt, report, start};
use clap::Parser;
use keyfob_shared::wire::{Reply, Request};
use keyfob_shared::{Failure, FailureKind};
use std::io::Write;

/// Runs what the command line asks for and answers the exit code.
pub(crate) fn run() -> u8 {
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { FailureKind::Usage.exit_code() } else { 0 };
        }
    };
    let subject = subject(&line.verb);
    match dispatch(line.verb) {
        Ok(()) => 0,
        Err(failure) => report::fail(subject.as_deref(), &failure),
    }
}

/// Goes on with a `get` that the daemon has answered with something else than a document.
#[cfg(all(unix, not(test)))]
pub(crate) fn finish_get(reply: Vec<u8>) -> u8 {
    let profile = std::env::args().nth(2).unwrap_or_default();
    match get::print(crate::connection::parse(&reply)) {
        Ok(()) => 0,
        Err(failure) => report::fail(Some(&profile), &failure),
    }
}

fn dispatch(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Get { profile } => get::run(&profile),
        Verb::Env(arguments) => env::run(&arguments),
        Verb::Login { name } => talk(&Request::Login { name }),
        Verb::Logout(arguments) => talk(&Request::Logout { name: arguments.name }),
        Verb::Status(arguments) => status::run(&arguments),
        Verb::Profile(Profile::List { json }) => listing::profiles(None, json),
        Verb::Profile(Profile::Show { name, json }) => listing::profiles(Some(&name), json),
        Verb::Profile(Profile::Check { json }) => listing::findings(&Request::Check, json),
        Verb::Key(arguments) => key::run(arguments),
        Verb::Audit(arguments) => audit::run(&arguments),
        Verb::Lock => talk(&Request::Lock),
        Verb::Unlock => talk(&Request::Unlock),
        Verb::Doctor { json } => listing::findings(&Request::Doctor, json),
        Verb::Daemon(arguments) => daemon::run(&arguments),
    }
}

fn subject(verb: &Verb) -> Option<String> {
    match verb {
        Verb::Get { profile } => Some(profile.clone()),
        Verb::Env(arguments) => Some(arguments.profile.clone()),
        Verb::Login { name } | Verb::Profile(Profile::Show { name, .. }) => Some(name.clone()),
        _ => None,
    }
}

/// Asks, answers the daemon's questions, and prints how it ended.
pub(crate) fn talk(request: &Request) -> Result<(), Failure> {
    let (mut connection, mut reply) = start::ask(request)?;
    loop {
        match reply {
            Reply::Prompt(question) => {
                if let Some(answer) = prompt::ask(&question) {
                    connection.answer(&answer).map_err(|error| start::unreachable(&error))?;
                }
            }
            Reply::Done { message } => return print(&format!("{message}\n")),
            Reply::Failed(failure) => return Err(failure),
            _ => return Err(unexpected()),
        }
        reply = connection.next().map_err(|error| start::unreachable(&error))?;
    }
}

/// Writes to stdout; a reader that has gone is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(FailureKind::Usage, format!("write to stdout: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The daemon has answered something that does not belong to the request.
pub(crate) fn unexpected() -> Failure {
    Failure::new(FailureKind::Unreachable, "the daemon's reply is not understood")
        .hint("keyfob daemon restart")
}

/// Checks a name before anybody is asked about it.
pub(crate) fn name<N: std::str::FromStr<Err = keyfob_shared::InvalidName>>(text: &str) -> Result<N, Failure> {
    text.parse().map_err(|wrong| Failure::new(FailureKind::Usage, format!("{wrong}")))
}
