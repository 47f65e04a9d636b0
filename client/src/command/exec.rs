//! `keyfob exec`: runs a command with credentials that renew themselves, whatever happens to the daemon meanwhile.

mod files;
mod variables;

use super::{listing, name, unexpected};
use crate::grant::Held;
use crate::line::Exec;
use crate::{platform, report};
use files::Files;
use keyfob_shared::{Failure, FailureKind, ProfileName};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use variables::{PROFILE, Variables};

pub(super) fn run(arguments: &Exec) -> Result<(), Failure> {
    let profile = name::<ProfileName>(&arguments.profile)?;
    let view = listing::views(Some(&profile))?.into_iter().next().ok_or_else(unexpected)?;
    let region = view.region;
    if let Some(outer) = std::env::var_os(PROFILE).filter(|outer| !outer.is_empty()) {
        tell(&format!("inside `keyfob exec {}`: its credentials are not used here", outer.display()));
    }
    let mut command = command(&arguments.command);
    if arguments.env {
        let document = super::env::document(&arguments.profile)?;
        let end = document.expiration.as_deref().unwrap_or("no fixed time");
        tell(&format!("these credentials end at {end} and do not renew"));
        Variables::snapshot(&document).of(&profile, region.as_deref()).set(&mut command);
        return Err(cannot_start(command, platform::replace_with));
    }
    let lease = arguments.lease.or(view.lease.map(Duration::from_secs));
    let (held, obstacles) = Held::open(profile.clone(), lease, arguments.strict)?;
    if let Some(lease) = lease {
        foretell(&profile, lease, &obstacles);
    }
    let files = Files::without_default_credentials()?;
    let (url, token) = (held.url(), held.token().clone());
    Variables::endpoint(&url, &token).of(&profile, region.as_deref()).set(&mut command);
    files.set(&mut command);
    let made: Vec<PathBuf> = files.made.into_iter().collect();
    Err(cannot_start(command, |command| platform::run(command, held, &made)))
}

/// Says before the start how far renewal is foreseen to reach.
fn foretell(profile: &ProfileName, lease: Duration, obstacles: &[String]) {
    let lease = humantime::format_duration(lease);
    if obstacles.is_empty() {
        tell(&format!("{profile}: renewed for {lease}; nothing is foreseen that ends it before"));
    }
    for obstacle in obstacles {
        tell(&format!("{profile}: not covered for {lease}: {obstacle}"));
    }
}

fn tell(text: &str) {
    report::say(&format!("keyfob: {}\n", report::clean(text)));
}

/// Answers the command, or the shell of the user.
fn command(words: &[OsString]) -> Command {
    match words {
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
        [] => {
            let (variable, usual) = platform::SHELL;
            let shell = std::env::var_os(variable).filter(|shell| !shell.is_empty());
            Command::new(shell.unwrap_or_else(|| usual.into()))
        }
    }
}

/// Starts the command and answers why that did not work.
fn cannot_start(command: Command, start: impl FnOnce(Command) -> std::io::Error) -> Failure {
    let program = command.get_program().to_owned();
    let error = start(command);
    let message = format!("start {}: {error}", program.display());
    Failure::new(FailureKind::Usage, message).hint("give the path of a program after `--`")
}
