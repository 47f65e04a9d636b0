//! macOS: the notification centre, by the script interpreter that comes with the system.

use std::io;
use std::process::{Command, Stdio};

const INTERPRETER: &str = "/usr/bin/osascript";
/// What is shown is handed over as arguments. Security: it is no part of the script, whatever is in it.
const SCRIPT: [&str; 3] =
    ["on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run"];

/// Shows a notification.
pub(super) fn show(title: &str, text: &str) -> io::Result<()> {
    let mut command = Command::new(INTERPRETER);
    for line in SCRIPT {
        command.args(["-e", line]);
    }
    command.args([title, text]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("it ended with {status}"))) }
}
