//! The modes of what the agent depends on: its socket, its directories, its configuration.

use super::finding;
use crate::platform::access;
use keyfob_shared::environment;
use keyfob_shared::wire::{Finding, Severity};
use std::path::Path;

/// What others must not be able to do: write, or anything at all.
const WRITE: u32 = 0o022;
const ANYTHING: u32 = 0o077;

pub(super) fn findings() -> Vec<Finding> {
    let socket = environment::socket().ok();
    let state = environment::state_directory().ok();
    let config = environment::config_file().ok();
    let found = [
        // Who may write to a directory can put something else in the place of what lies in it.
        socket
            .as_deref()
            .and_then(Path::parent)
            .and_then(|place| open(place, "the directory of the socket", WRITE)),
        socket.as_deref().and_then(|place| open(place, "the socket", ANYTHING)),
        state.as_deref().and_then(|place| open(place, "the state directory", WRITE)),
        config
            .as_deref()
            .and_then(Path::parent)
            .and_then(|place| open(place, "the directory of the configuration", WRITE)),
        config.as_deref().and_then(|place| open(place, "the configuration", WRITE)),
    ];
    found.into_iter().flatten().collect()
}

/// Finds a place of this user's with which others may do what they must not.
fn open(place: &Path, what: &str, forbidden: u32) -> Option<Finding> {
    let found = access(place).filter(|found| found.is_own && found.mode & forbidden != 0)?;
    let (verb, change) = if forbidden == WRITE { ("write to", "go-w") } else { ("reach", "go-rwx") };
    let message = format!("others may {verb} {what} {}: its mode is {:o}", place.display(), found.mode);
    let hint = format!("chmod {change} {}", quoted(place));
    Some(finding(Severity::Error, "modes", message, hint))
}

/// Answers a path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+".contains(letter);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_path_that_is_meant() {
        assert_eq!(quoted(Path::new("/run/user/7/keyfob")), "/run/user/7/keyfob");
        assert_eq!(quoted(Path::new("/a b/c'd")), r"'/a b/c'\''d'");
    }
}
