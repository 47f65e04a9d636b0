//! Linux and macOS.

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// Has a command start a group of its own.
pub(crate) fn own_group(command: &mut Command) {
    command.process_group(0);
}

/// Ends a command and what it has started.
///
/// The id is gone once the command was waited for: nothing that it left behind on purpose is hit, and no stranger.
pub(crate) fn end_group(child: &Child) {
    if let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}
