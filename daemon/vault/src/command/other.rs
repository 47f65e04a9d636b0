//! Platforms without process groups.

use std::process::{Child, Command};
use std::time::Duration;

const STEP: Duration = Duration::from_millis(10);
const STEPS: usize = 100;

pub(super) fn set_apart(_command: &mut Command) {}

pub(super) fn give_usual_limits(_child: &Child) {}

pub(super) fn await_end(_id: u32) {}

/// Ends the command; one that has printed everything gets a moment to end by itself.
pub(super) fn end_group(child: &mut Child, has_printed: bool) {
    let steps = if has_printed { STEPS } else { 0 };
    for _ in 0..steps {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(STEP);
    }
    let _ = child.kill();
}
