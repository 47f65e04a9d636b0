//! `keyfob get`, the ordinary way: the daemon may have to be started, or has something else to say.

use super::{name, print as write, unexpected};
use crate::start;
use keyfob_shared::wire::{Reply, Request};
use keyfob_shared::{Failure, ProfileName, Secret};

pub(super) fn run(profile: &str) -> Result<(), Failure> {
    print(Some(start::ask(&Request::Get { profile: name::<ProfileName>(profile)? })?.1))
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
    document_of(start::ask(&Request::Get { profile: name::<ProfileName>(profile)? })?.1)
}

fn document_of(reply: Reply) -> Result<Secret, Failure> {
    match reply {
        Reply::Document(document) => Ok(Secret::new(document.get())),
        Reply::Failed(failure) => Err(failure),
        _ => Err(unexpected()),
    }
}
