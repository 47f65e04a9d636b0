//! The units of systemd: those of the packages, with the path of this daemon and the variables that are set.

use super::files::{Content, Entry, stamped};
use keyfob_shared::{Failure, FailureKind, environment};
use std::path::{Path, PathBuf};

const SERVICE: &str = include_str!("../../../../packaging/systemd/keyfobd.service");
const SOCKET: &str = include_str!("../../../../packaging/systemd/keyfobd.socket");
const SERVICE_FILE: &str = "keyfobd.service";
const SOCKET_FILE: &str = "keyfobd.socket";
/// What `systemctl --user enable` would make of `WantedBy=`.
const WANTED_FILE: &str = "sockets.target.wants/keyfobd.socket";

/// What the packages have, to be exchanged.
const PACKAGED_DAEMON: &str = "/usr/bin/keyfobd";
const PACKAGED_SOCKET: &str = "%t/keyfob/agent.sock";

/// Answers what can be in the directory of the user's units, in the order in which it is removed.
pub(super) fn paths(directory: &Path) -> Vec<PathBuf> {
    [WANTED_FILE, SOCKET_FILE, SERVICE_FILE].map(|name| directory.join(name)).into()
}

/// Answers what belongs there; `variable` answers those that move our files.
///
/// # Errors
/// If a path can't be written in a unit.
pub(super) fn entries(
    directory: &Path,
    daemon: &Path,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Entry>, Failure> {
    let mut start = format!("ExecStart={}\n", quoted(&text(daemon)?)?);
    for name in [environment::CONFIG, environment::STATE_DIR, environment::SOCKET, environment::LOG] {
        if let Some(value) = variable(name) {
            start += &format!("Environment={}\n", quoted(&format!("{name}={value}"))?);
        }
    }
    let service = SERVICE.replace(&format!("ExecStart={PACKAGED_DAEMON}\n"), &start);
    let socket = match variable(environment::SOCKET) {
        Some(path) => SOCKET.replace(PACKAGED_SOCKET, &specifiers(&checked(&path)?)),
        None => SOCKET.to_owned(),
    };
    let entry = |name: &str, content| Entry { path: directory.join(name), content };
    let unit = |text: &str| Content::Text(stamped(text, 0, ("# ", "")));
    Ok(vec![
        entry(SERVICE_FILE, unit(&service)),
        entry(SOCKET_FILE, unit(&socket)),
        entry(WANTED_FILE, Content::Link(directory.join(SOCKET_FILE))),
    ])
}

fn text(path: &Path) -> Result<String, Failure> {
    path.to_str().map(str::to_owned).ok_or_else(|| unwritable(&path.display().to_string()))
}

/// Puts a word between quotes, as systemd.syntax(7) has them.
fn quoted(word: &str) -> Result<String, Failure> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-=+:@,".contains(letter);
    let word = checked(word)?;
    if word.chars().all(plain) {
        return Ok(word);
    }
    Ok(format!("\"{}\"", specifiers(&word.replace('\\', "\\\\").replace('"', "\\\""))))
}

/// Keeps systemd from reading a percent sign as one of its specifiers.
fn specifiers(word: &str) -> String {
    word.replace('%', "%%")
}

/// Refuses what could end the line and begin another setting.
fn checked(word: &str) -> Result<String, Failure> {
    if word.chars().any(char::is_control) { Err(unwritable(word)) } else { Ok(word.to_owned()) }
}

fn unwritable(path: &str) -> Failure {
    Failure::new(FailureKind::Usage, format!("{path:?} can't be written in a unit of systemd"))
        .hint("move it to a path of plain letters")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(daemon: &str, variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let entries = entries(Path::new("/units"), Path::new(daemon), variable).unwrap();
        entries.iter().map(Entry::shown).collect()
    }

    #[test]
    fn units_have_the_path_of_this_daemon() {
        let texts = texts("/opt/a b/50%/keyfobd", |_| None);
        assert!(texts[0].contains("\nExecStart=\"/opt/a b/50%%/keyfobd\"\n"), "{}", texts[0]);
        assert!(!texts[0].contains(PACKAGED_DAEMON) && !texts[0].contains("\nEnvironment="));
        assert!(texts[1].contains("\nListenStream=%t/keyfob/agent.sock\n"));
    }

    #[test]
    fn variables_that_move_our_files_go_along() {
        let set = |name: &str| {
            let value = match name {
                environment::SOCKET => "/run/x%/s",
                environment::STATE_DIR => "/a \"b\"",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let texts = texts("/bin/keyfobd", set);
        assert!(texts[0].contains("\nEnvironment=\"KEYFOB_STATE_DIR=/a \\\"b\\\"\"\n"), "{}", texts[0]);
        assert!(texts[0].contains("\nEnvironment=\"KEYFOB_SOCKET=/run/x%%/s\"\n"), "{}", texts[0]);
        assert!(texts[1].contains("\nListenStream=/run/x%%/s\n"), "{}", texts[1]);
    }

    #[test]
    fn a_path_can_not_add_a_setting() {
        assert!(entries(Path::new("/u"), Path::new("/a\nExecStartPre=/b"), |_| None).is_err());
        assert!(entries(Path::new("/u"), Path::new("/a"), |_| Some("/s\nx".into())).is_err());
    }
}
