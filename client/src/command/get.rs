//! `keyfob get`, the ordinary way: the daemon may have to be started, or has something else to say.

use super::{listing, name, print as write, unexpected};
use crate::start;
use keyfob_shared::environment::WITHIN;
use keyfob_shared::wire::{Reply, Request};
use keyfob_shared::{Failure, FailureKind, ProfileName, Secret};

pub(super) fn run(profile: &str) -> Result<(), Failure> {
    print(Some(ask(profile)?))
}

fn ask(profile: &str) -> Result<Reply, Failure> {
    let profile = name::<ProfileName>(profile)?;
    if let Some(identity) = std::env::var(WITHIN).ok().filter(|identity| !identity.is_empty()) {
        refuse_within(&profile, &identity)?;
    }
    Ok(start::ask(&Request::Get { profile })?.1)
}

/// Refuses to wait for credentials that the command makes which has started this.
fn refuse_within(profile: &ProfileName, identity: &str) -> Result<(), Failure> {
    let views = listing::views(Some(profile))?;
    if views.iter().all(|view| view.identity.as_ref().is_none_or(|of| of.as_str() != identity)) {
        return Ok(());
    }
    let message =
        format!("the command of identity {identity} asks for credentials that it is to make itself");
    Err(Failure::new(FailureKind::Usage, message).hint(format!("correct command in [identity.{identity}]")))
}

/// Prints the document of a reply, or fails with what it says.
pub(super) fn print(reply: Option<Reply>) -> Result<(), Failure> {
    let Some(reply) = reply else { return Err(unexpected()) };
    let document = document_of(reply)?;
    let mut line = String::with_capacity(document.expose().len() + 1);
    line.push_str(document.expose());
    line.push('\n');
    write(Secret::new(line).expose())
}

/// Answers the document itself.
pub(super) fn document(profile: &str) -> Result<Secret, Failure> {
    document_of(ask(profile)?)
}

fn document_of(reply: Reply) -> Result<Secret, Failure> {
    match reply {
        Reply::Document(document) => Ok(Secret::new(document.get())),
        Reply::Failed(failure) => Err(failure),
        _ => Err(unexpected()),
    }
}
