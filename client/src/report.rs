//! Failures as people see them: one line, a hint, an exit code.
//!
//! SDKs often swallow the stderr of a credential process, so the hint also goes to the terminal, once for a failure.

use crate::platform;
use keyfob_shared::Failure;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// The same failure is shown on the terminal again after this, in milliseconds.
const QUIET_FOR: i64 = 10 * 60 * 1_000;

/// Tells of a failure and answers the exit code.
#[expect(clippy::print_stderr, reason = "the error form of the command line")]
pub(crate) fn fail(subject: Option<&str>, failure: &Failure) -> u8 {
    let line = match subject {
        Some(subject) => format!("keyfob: {}: {failure}", clean(subject)),
        None => format!("keyfob: {failure}"),
    };
    eprintln!("{line}");
    if let Some(hint) = &failure.hint {
        eprintln!("hint: {hint}");
        if !std::io::stderr().is_terminal()
            && is_new(&line)
            && let Some(mut terminal) = platform::terminal()
        {
            let _ = writeln!(terminal, "{line}\nhint: {hint}");
        }
    }
    failure.kind.exit_code()
}

/// Answers whether this failure was not shown lately, and takes note of it.
fn is_new(line: &str) -> bool {
    let Some(note) = note() else { return true };
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    let (now, digest) = (platform::now(), hasher.finish());
    let shown = std::fs::read_to_string(&note).ok().and_then(|text| {
        let (time, known) = text.split_once(' ')?;
        Some((time.parse::<i64>().ok()?, known.parse::<u64>().ok()?))
    });
    if shown.is_some_and(|(time, known)| known == digest && (time..time + QUIET_FOR).contains(&now)) {
        return false;
    }
    if let Ok(mut file) = platform::private_file(&note) {
        let _ = write!(file, "{now} {digest}");
    }
    true
}

fn note() -> Option<PathBuf> {
    let mut name = keyfob_shared::environment::socket()?.into_os_string();
    name.push(".hint");
    Some(PathBuf::from(name))
}

/// Keeps texts of others from moving the cursor.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
