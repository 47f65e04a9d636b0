//! `keyfob help`.

mod codes;
mod errors;

use super::print;
use crate::line::{Help, Line, Topic};
use clap::CommandFactory;
use keyfob_shared::Failure;

pub(super) fn run(arguments: &Help) -> Result<(), Failure> {
    match arguments.topic {
        None => print(&Line::command().render_help().to_string()),
        Some(Topic::Errors) => print(&errors::text()),
    }
}
