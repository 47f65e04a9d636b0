//! Linux and macOS: a process group of its own, ended as a whole.

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

pub(super) fn set_apart(command: &mut Command) {
    command.process_group(0);
}

/// The daemon may open many files; programs that close all of them one by one would take long.
#[cfg(target_os = "linux")]
pub(super) fn give_usual_limits(child: &Child) {
    use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
    const USUAL: u64 = 1_024;
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = Some(maximum.map_or(USUAL, |most| most.min(USUAL)));
    let _ = prlimit(pid(child.id()), Resource::Nofile, Rlimit { current, maximum });
}

#[cfg(not(target_os = "linux"))]
pub(super) fn give_usual_limits(_child: &Child) {}

/// Waits until a command has ended, and leaves its number taken.
pub(super) fn await_end(id: u32) {
    if let Some(pid) = pid(id) {
        let _ = rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    }
}

pub(super) fn end_group(child: &mut Child, _has_printed: bool) {
    if let Some(group) = pid(child.id()) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}
