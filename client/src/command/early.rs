//! `keyfob get`, after the short way: what could not be served at once is told, or done in the ordinary way.

use super::{conclude, get, run, unwritten};
use crate::hot::Early;
use crate::start;
use std::io;

/// Answers the exit code.
pub(crate) fn finish(early: Early) -> u8 {
    let result = match early {
        Early::Served => return 0,
        Early::NotServed => return run(),
        Early::Answered(reply) => get::print(crate::connection::parse(&reply)),
        Early::Silent => Err(start::unreachable(&io::ErrorKind::TimedOut.into())),
        Early::Unwritten(error) => Err(unwritten(&error.into())),
    };
    let profile = std::env::args_os().nth(2).unwrap_or_default();
    conclude(Some(&profile.to_string_lossy()), result)
}
