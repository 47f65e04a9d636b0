//! The wall clock of the clients and of the daemon is set, while clocks that count durations stand still.
//!
//! A preloaded library shows them that clock. faketime can't do it: it breaks sleeps when its time changes. rclone is left
//! out, since programs in Go don't ask the C library. Nobody tells the daemon that its clock was set, as the kernel does.

use super::forecast::Clocks;
use super::{Batch, EXEC, LIFE, PROCESS};
use crate::clients::source;
use keyfob_tests::{Run, World, parts};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const MINUTE: i64 = 60;

/// The wall clock of a world.
struct WallClock(PathBuf);

impl WallClock {
    /// Has all programs of a world see this clock; `None` without a C compiler.
    fn of(world: &mut World) -> Option<Self> {
        let (compiler, library) = (parts::find("cc")?, world.path("clock.so"));
        let mut compile = Command::new(compiler);
        compile.args(["-shared", "-fPIC", "-O2", "-Wall", "-o"]).arg(&library).arg(source("clock/clock.c"));
        Run::from(compile.output().unwrap()).ok();
        let clock = Self(world.path("clock"));
        fs::write(&clock.0, 0_i64.to_ne_bytes()).unwrap();
        world.environment.insert("LD_PRELOAD".into(), library.into());
        world.environment.insert("CLOCK_AHEAD".into(), clock.0.clone().into());
        Some(clock)
    }

    /// Sets it so many seconds ahead of the right time.
    fn set(&self, ahead: i64) {
        // In place: the file is mapped.
        let file = OpenOptions::new().write(true).open(&self.0).unwrap();
        file.write_all_at(&ahead.to_ne_bytes(), 0).unwrap();
    }
}

#[test]
fn a_batch_outlives_a_wall_clock_that_jumps() {
    let title = "the wall clock is set: cli through exec, boto3 through credential_process";
    let mut clock = None;
    let prepare = |world: &mut World| {
        clock = WallClock::of(world);
        clock.as_ref().map(|_| ())
    };
    let Some(mut batch) = Batch::start(title, &[("cli", EXEC), ("boto3", PROCESS)], prepare) else { return };
    let Some(clock) = clock else { return };
    let hour = 60 * MINUTE;
    batch.nothing(LIFE / 2);
    batch.clocks = Clocks::Differ;
    let set = |batch: &Batch, ours, theirs| {
        batch.quietly(|batch| {
            clock.set(ours);
            batch.world.aws.clients_ahead(ours);
            batch.world.aws.ahead(theirs);
        });
        batch.pass(LIFE);
    };
    // The session has ended; the first call is refused for its date, since our clock might just be wrong.
    batch.step("our clock and that of AWS jump an hour ahead: a suspension", 2, Duration::ZERO, |batch| {
        set(batch, hour, hour);
    });
    // By our clock the session has ended.
    batch.step("our clock jumps 20 min ahead", 1, Duration::ZERO, |batch| {
        set(batch, hour + 20 * MINUTE, hour);
    });
    // A client that has credentials keeps them until its clock shows their end: that is not in our hands.
    batch.step("our clock jumps 40 min back; the clients are new", 1, Duration::ZERO, |batch| {
        batch.load.end(&batch.world);
        clock.set(hour - 20 * MINUTE);
        batch.world.aws.clients_ahead(hour - 20 * MINUTE);
        batch.load.launch(&batch.world).unwrap();
        batch.pass(LIFE * 2);
    });
    batch.step("our clock is right again", 1, Duration::ZERO, |batch| set(batch, hour, hour));
    batch.end(2);
}
