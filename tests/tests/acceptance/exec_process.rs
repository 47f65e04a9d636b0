//! What `keyfob exec` leaves of the process that it was started in: descriptors, children, signals.

use crate::exec::lasting;
use keyfob_tests::{Run, World};
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Prepares a shell script in which `$K` is the client.
fn script(world: &World, script: &str) -> Command {
    let mut command = world.command("bash");
    command.env("K", world.program("keyfob")).args(["-c", script]);
    command
}

#[test]
fn descriptors_of_whoever_started_it_are_kept_by_the_command_alone() {
    let world = World::with_profile();
    // The pipe ends with the last one who could write: the command has closed it, and runs on.
    let held = "exec $K exec p -- sh -c 'exec 4>&-; read line' 4>&2 2>/dev/null";
    let mut child = script(&world, held).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stderr.take().unwrap();
    let ended = std::thread::spawn(move || pipe.read_to_end(&mut Vec::new()));
    let start = Instant::now();
    while !ended.is_finished() && start.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let has_ended = ended.is_finished();
    drop(child.stdin.take());
    child.wait().unwrap();
    assert!(has_ended, "the keeper has kept the pipe");
}

#[test]
fn a_command_is_no_parent_of_a_daemon_that_was_started_for_it() {
    let world = lasting();
    world.keyfob(&["daemon", "stop"]).ok();
    let run = world.keyfob(&["exec", "p", "--", "sh", "-c", "ps -o comm= --ppid $$ >children; cat children"]);
    assert_eq!(run.ok(), "ps\n", "{run:?}");
    assert_eq!(world.daemons().len(), 1);
}

#[test]
fn a_daemon_that_is_started_keeps_no_lock_of_whoever_needed_it() {
    let world = World::with_profile();
    world.keyfob(&["daemon", "stop"]).ok();
    let job = "exec 9>lock; flock -n 9; $K status >/dev/null; exec 9>&-; flock -n lock echo free";
    let run = Run::from(script(&world, job).output().unwrap());
    assert_eq!(run.ok(), "free\n", "{run:?}");
    assert_eq!(world.daemons().len(), 1);
}

#[test]
fn a_command_starts_where_nobody_waits_for_children() {
    let world = lasting();
    for start in ["stop", "start"] {
        world.keyfob(&["daemon", start]).ok();
        let run = Run::from(script(&world, "trap '' CHLD; exec $K exec p -- echo started").output().unwrap());
        assert_eq!(run.ok(), "started\n", "{run:?}");
    }
}
