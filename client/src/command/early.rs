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

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn each_end_of_the_short_way_has_its_exit_code() {
        assert_eq!(finish(Early::Served), 0);
        assert_eq!(finish(Early::Unwritten(Errno::NOSPC)), 2);
        assert_eq!(finish(Early::Silent), 5);
        assert_eq!(finish(Early::Answered(b"nonsense".to_vec())), 5);
    }
}
