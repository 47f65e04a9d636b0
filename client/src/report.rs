//! Failures as people see them: one line, a hint, an exit code.
//!
//! SDKs often swallow the stderr of a credential process, so the failure also goes to the terminal, once.

use crate::platform;
use keyfob_shared::{Failure, FailureKind, environment};
use std::collections::VecDeque;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, IsTerminal, Read, Seek, Write};

/// A failure of the same kind and profile is shown on the terminal again after this, in milliseconds.
const QUIET_FOR: i64 = 10 * 60 * 1_000;
/// Failures that are remembered.
const MAX_NOTES: usize = 64;
/// Longer than all notes.
const MAX_FILE: u64 = 8 * 1024;
/// The longest subject that is shown; what is longer is no name.
const MAX_SUBJECT: usize = 160;

/// Tells of a failure and answers the exit code.
pub(crate) fn fail(subject: Option<&str>, failure: &Failure) -> u8 {
    let subject: Option<String> = subject
        .map(|subject| clean(subject).trim().chars().take(MAX_SUBJECT).collect())
        .filter(|subject: &String| !subject.is_empty());
    let hint = match (&failure.hint, &subject) {
        (Some(hint), _) => hint.clone(),
        (None, subject) => usual_hint(failure.kind, subject.as_deref()),
    };
    let text = match &subject {
        Some(subject) => format!("keyfob: {subject}: {failure}\nhint: {hint}\n"),
        None => format!("keyfob: {failure}\nhint: {hint}\n"),
    };
    say(&text);
    if !io::stderr().is_terminal()
        && let Some(mut terminal) = platform::terminal()
        && is_new(subject.as_deref(), failure.kind)
    {
        let _ = terminal.write_all(text.as_bytes());
    }
    failure.kind.exit_code()
}

/// Writes to stderr; there is nobody to tell where that fails.
pub(crate) fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

fn usual_hint(kind: FailureKind, subject: Option<&str>) -> String {
    match (kind, subject) {
        (FailureKind::Usage, _) => "keyfob --help".into(),
        (FailureKind::Person, Some(subject)) => format!("keyfob login {subject}"),
        (FailureKind::Unreachable, _) => "keyfob daemon restart".into(),
        (FailureKind::Person | FailureKind::Upstream | FailureKind::Refused, _) => "keyfob doctor".into(),
    }
}

/// Answers whether this failure was not shown lately, and takes note of it.
///
/// The note lies in the state directory: files beside the socket wake the daemon up.
fn is_new(subject: Option<&str>, kind: FailureKind) -> bool {
    let Ok(directory) = environment::state_directory() else { return true };
    let Ok(mut file) = platform::private_file(&directory.join("hints")) else { return true };
    // Whoever has the lock is showing a failure at this moment.
    if file.try_lock().is_err() {
        return false;
    }
    let mut hasher = DefaultHasher::new();
    (subject, kind).hash(&mut hasher);
    take_note(&mut file, platform::now(), hasher.finish()).unwrap_or(true)
}

fn take_note(file: &mut File, now: i64, digest: u64) -> io::Result<bool> {
    let mut text = String::new();
    io::Read::by_ref(file).take(MAX_FILE).read_to_string(&mut text)?;
    let note = |line: &str| {
        let (time, digest) = line.split_once(' ')?;
        Some((time.parse::<i64>().ok()?, digest.parse::<u64>().ok()?))
    };
    let mut notes: VecDeque<(i64, u64)> = text.lines().filter_map(note).collect();
    notes.retain(|(time, _)| (*time..time.saturating_add(QUIET_FOR)).contains(&now));
    if notes.iter().any(|(_, known)| *known == digest) {
        return Ok(false);
    }
    notes.push_back((now, digest));
    let kept = notes.iter().skip(notes.len().saturating_sub(MAX_NOTES));
    let text: String = kept.map(|(time, digest)| format!("{time} {digest}\n")).collect();
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    Ok(true)
}

/// Keeps texts of others from moving the cursor.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_is_noted_for_a_while_and_the_notes_stay_few() {
        let mut file = tempfile::tempfile().unwrap();
        let mut shown = |now, digest| {
            file.rewind().unwrap();
            take_note(&mut file, now, digest).unwrap()
        };
        assert!(shown(0, 1) && shown(1, 2), "two that alternate are two");
        assert!(!shown(2, 1) && !shown(3, 2));
        assert!(shown(QUIET_FOR, 1), "after a while it is told again");
        assert!(shown(-1, 1), "a clock that was set back hides nothing");
        assert!((10..1_000).all(|digest| shown(5, digest)));
        assert!(file.metadata().unwrap().len() < MAX_FILE);
    }

    #[test]
    fn every_kind_has_a_hint() {
        assert_eq!(usual_hint(FailureKind::Person, Some("prod")), "keyfob login prod");
        assert_eq!(usual_hint(FailureKind::Person, None), "keyfob doctor");
    }
}
