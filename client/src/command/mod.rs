//! The commands: each asks the daemon and prints what it answers.

mod account_report;
mod activity;
mod audit;
mod completions;
mod console;
mod daemon;
mod doctor;
#[cfg(unix)]
pub(crate) mod early;
mod env;
mod exec;
mod get;
mod help;
mod import;
mod key;
mod listing;
mod role;
mod service;
mod status;

use crate::line::{Key, Line, Profile, Role, Verb};
use crate::{platform, prompt, report, start, usage};
use clap::Parser;
use keyfob_shared::wire::{Reply, Request};
use keyfob_shared::{Failure, FailureKind};
use std::io::Write;

/// The exit status where a reader of stdout has gone and SIGPIPE is ignored: 128 and the number of that signal.
const READER_GONE: i32 = 141;

/// Runs what the command line asks for and answers the exit code.
pub(crate) fn run() -> u8 {
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(error) if error.use_stderr() => {
            return report::fail(None, &usage::failure(&error, std::env::args_os()));
        }
        Err(asked) => return conclude(None, print(&asked.render().to_string())),
    };
    let subject = subject(&line.verb);
    conclude(subject.as_deref(), dispatch(line.verb))
}

fn conclude(subject: Option<&str>, result: Result<(), Failure>) -> u8 {
    match result {
        Ok(()) => 0,
        Err(failure) => report::fail(subject, &failure),
    }
}

fn dispatch(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Get { profile } => get::run(&profile),
        Verb::Exec(arguments) => exec::run(&arguments),
        Verb::Env(arguments) => env::run(&arguments),
        Verb::Console(arguments) => console::run(arguments),
        Verb::Login { name } => talk(&Request::Login { name }),
        Verb::Logout(arguments) => talk(&Request::Logout { name: arguments.name }),
        Verb::Status(arguments) => status::run(&arguments),
        Verb::Profile(Profile::List { json }) => listing::profiles(None, json),
        Verb::Profile(Profile::Show { name, json }) => listing::profiles(Some(&name), json),
        Verb::Profile(Profile::Discover { identity }) => {
            talk(&Request::Discover { identity: name(&identity)? })
        }
        Verb::Profile(Profile::Check { json }) => listing::findings(&Request::Check, json),
        Verb::Key(arguments) => key::run(arguments),
        Verb::Import(arguments) => import::run(&arguments),
        Verb::Audit(arguments) => audit::run(&arguments),
        Verb::Activity(arguments) => activity::run(&arguments),
        Verb::Report(arguments) => account_report::run(&arguments),
        Verb::Role(arguments) => role::run(arguments),
        Verb::Lock => talk(&Request::Lock),
        Verb::Unlock => talk(&Request::Unlock),
        Verb::Doctor(arguments) => doctor::run(&arguments),
        Verb::Daemon(arguments) => daemon::run(&arguments),
        Verb::Help(arguments) => help::run(&arguments),
        Verb::Completions { shell } => completions::run(shell),
    }
}

/// Answers what a failure is about.
fn subject(verb: &Verb) -> Option<String> {
    match verb {
        Verb::Get { profile } => Some(profile.clone()),
        Verb::Exec(arguments) => Some(arguments.profile.clone()),
        Verb::Env(arguments) => Some(arguments.profile.clone()),
        Verb::Console(arguments) => Some(arguments.profile.clone()),
        Verb::Activity(arguments) => Some(arguments.profile.clone()),
        Verb::Report(arguments) => Some(arguments.profile.clone()),
        Verb::Role(Role::MaxDuration { profile, .. } | Role::Check { profile, .. }) => Some(profile.clone()),
        Verb::Login { name } | Verb::Profile(Profile::Show { name, .. }) => Some(name.clone()),
        Verb::Logout(arguments) => arguments.name.clone(),
        Verb::Key(Key::Add(arguments)) => Some(arguments.identity.clone()),
        Verb::Key(Key::Rotate(arguments)) => Some(arguments.identity.clone()),
        Verb::Key(Key::Remove { identity }) | Verb::Profile(Profile::Discover { identity }) => {
            Some(identity.clone())
        }
        Verb::Key(Key::List { .. })
        | Verb::Profile(Profile::List { .. } | Profile::Check { .. })
        | Verb::Status(_)
        | Verb::Import(_)
        | Verb::Audit(_)
        | Verb::Role(_)
        | Verb::Lock
        | Verb::Unlock
        | Verb::Doctor(_)
        | Verb::Daemon(_)
        | Verb::Help(_)
        | Verb::Completions { .. } => None,
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

/// Writes to stdout.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    platform::Stdout.write_all(text.as_bytes()).map_err(|error| unwritten(&error))
}

/// Tells why stdout takes nothing; a reader that has gone wants to hear nothing.
fn unwritten(error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        std::process::exit(READER_GONE);
    }
    Failure::new(FailureKind::Usage, format!("write to stdout: {error}"))
        .hint("let stdout be a file, a pipe or a terminal that can be written to")
}

/// The daemon has answered something that does not belong to the request.
pub(crate) fn unexpected() -> Failure {
    Failure::new(FailureKind::Unreachable, "the daemon's reply is not understood")
        .hint("keyfob daemon restart")
}

/// Checks a name before anybody is asked about it.
pub(crate) fn name<N: std::str::FromStr<Err = keyfob_shared::InvalidName>>(text: &str) -> Result<N, Failure> {
    text.parse().map_err(|wrong| Failure::new(FailureKind::Usage, format!("{wrong}")).hint("keyfob status"))
}
