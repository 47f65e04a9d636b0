//! What goes wrong in the course of a batch.

use super::forecast::{self, Clocks, MARGIN};
use super::{Batch, LIFE};
use keyfob_tests::Fault;
use keyfob_tests::world::{copy_program, eventually, signal};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

/// From the first attempt that fails; what is left of the margin is for one more.
const OUTAGE: Duration = Duration::from_millis(MARGIN.as_millis() as u64 - 1_000);
/// Longer than the life of a session.
const SUSPENSION: Duration = Duration::from_millis(LIFE.as_millis() as u64 * 3 / 2);
/// Without a new request for this long, all that were begun are with the server.
const QUIET: Duration = Duration::from_secs(2);
const MINUTES_20: i64 = 20 * 60;
const SETTLE: Duration = Duration::from_secs(4);
const LIMIT: Duration = Duration::from_secs(120);

impl Batch {
    /// Nothing.
    pub(super) fn nothing(&mut self, time: Duration) {
        self.step("nothing goes wrong", 0, Duration::ZERO, |batch| batch.pass(time));
    }

    /// Nothing, until every client has made requests for so long.
    pub(super) fn until(&mut self, time: Duration) {
        self.step("nothing goes wrong", 0, Duration::ZERO, |batch| {
            let names = batch.names();
            eventually("requests for long enough", LIMIT + time, || {
                let is_done = |name: &String| batch.world.aws.traffic(name).lasted() >= time;
                names.iter().all(is_done) || !batch.load.ended().is_empty()
            });
        });
    }

    /// AWS fails for a little less than the margin, in three ways.
    pub(super) fn outages(&mut self) {
        for (name, fault) in [
            ("STS answers HTTP 500", Fault::ServerError),
            ("nobody listens at STS", Fault::Refuse),
            ("STS throttles", Fault::Throttle),
        ] {
            let name = format!("{name}, for {:.1} s of a margin of {:.1} s", secs(OUTAGE), secs(MARGIN));
            self.step(&name, forecast::retries(OUTAGE) + 1, OUTAGE, |batch| {
                batch.world.aws.fault(fault);
                // It has begun after the last look at which nothing failed.
                let mut begun = Instant::now();
                eventually("a renewal that fails", LIMIT, || {
                    let look = Instant::now();
                    let fails = batch.failing() > 0;
                    begun = if fails { begun } else { look };
                    fails
                });
                batch.pass(OUTAGE.saturating_sub(begun.elapsed()));
                batch.world.aws.fault(Fault::None);
                eventually("renewals", LIMIT, || batch.failing() == 0);
                batch.pass(SETTLE);
            });
        }
    }

    /// Answers how many profiles could not be renewed.
    fn failing(&self) -> usize {
        let profiles = self.world.status()["profiles"].as_array().cloned().unwrap_or_default();
        profiles.iter().filter(|profile| !profile["last_error"].is_null()).count()
    }

    /// A person restarts the daemon.
    pub(super) fn restart(&mut self) {
        for _ in 0..2 {
            self.step("keyfob daemon restart", 0, Duration::ZERO, |batch| {
                batch.world.keyfob(&["daemon", "restart"]).ok();
                batch.pass(SETTLE);
            });
        }
    }

    /// Both programs are replaced, and the daemon is restarted.
    pub(super) fn upgrade(&mut self) {
        self.step("both programs are replaced, keyfob daemon restart", 0, Duration::ZERO, |batch| {
            for name in ["keyfob", "keyfobd"] {
                let program = batch.world.program(name);
                let copy = program.with_extension("new");
                copy_program(&program, &copy);
                fs::rename(&copy, &program).unwrap();
            }
            batch.world.keyfob(&["daemon", "restart"]).ok();
            let runs = fs::read_link(format!("/proc/{}/exe", batch.world.daemons()[0])).unwrap();
            assert_eq!(runs, batch.world.program("keyfobd"), "the new one runs");
            batch.pass(SETTLE);
        });
    }

    /// The daemon is killed; nobody but the clients starts it again.
    pub(super) fn kill(&mut self) {
        for pause in [0, 1_100, 2_300] {
            // A session that is not in the vault yet is minted again.
            self.step("kill -9 of the daemon", 1, Duration::ZERO, |batch| {
                batch.pass(Duration::from_millis(pause));
                let before = batch.world.daemons();
                batch.world.kill_daemons();
                eventually("another daemon", LIMIT, || {
                    let after = batch.world.daemons();
                    after.len() == 1 && after != before
                });
                batch.pass(SETTLE);
            });
        }
    }

    /// Everything stands still for longer than a session lives: clients, daemon, keychain. Time goes on.
    ///
    /// Requests that were signed before are let come to the server first: nobody could renew those.
    pub(super) fn suspend(&mut self) {
        let name = format!("everything is stopped for {:.0} s", secs(SUSPENSION));
        self.step(&name, 0, SUSPENSION, |batch| {
            batch.quietly(|batch| {
                let mut stopped = BTreeSet::new();
                loop {
                    let found: BTreeSet<u32> = batch.world.processes().into_iter().collect();
                    let new: Vec<u32> = found.difference(&stopped).copied().collect();
                    if new.is_empty() {
                        break;
                    }
                    new.iter().for_each(|pid| signal(*pid, Signal::STOP));
                    stopped.extend(new);
                }
                batch.pass(SUSPENSION);
                stopped.iter().for_each(|pid| signal(*pid, Signal::CONT));
            });
            batch.pass(SETTLE);
        });
    }

    /// Does something while all requests that were begun wait for the server.
    pub(super) fn quietly(&self, act: impl FnOnce(&Self)) {
        self.world.aws.hold_objects(true);
        self.pass(QUIET);
        eventually("no new requests", LIMIT, || self.world.aws.idle() > QUIET);
        act(self);
        self.world.aws.hold_objects(false);
    }

    /// The clock of STS is ahead of ours, then behind, then right.
    pub(super) fn clock_steps(&mut self) {
        for (name, seconds, after, time) in [
            ("STS is 20 min ahead", MINUTES_20, Clocks::Differ, LIFE),
            ("STS is 20 min behind", -2 * MINUTES_20, Clocks::Differ, LIFE),
            ("STS has our time again", MINUTES_20, Clocks::Same, LIFE * 4 / 5),
        ] {
            self.clocks = Clocks::Differ;
            // One call is refused for its date, which tells the right one.
            self.step(name, 1, Duration::ZERO, |batch| {
                batch.world.aws.step(seconds);
                batch.pass(time);
            });
            self.clocks = after;
        }
    }

    /// The Secret Service dies and comes again.
    pub(super) fn keychain_restarts(&mut self) {
        for _ in 0..3 {
            self.step("the Secret Service is killed and started again", 0, Duration::ZERO, |batch| {
                batch.keychain.kill();
                batch.pass(Duration::from_secs(1));
                batch.keychain.start_service(&batch.world);
                batch.pass(SETTLE);
                assert_eq!(batch.world.status()["daemon"]["vault"]["state"], "ready");
            });
        }
    }
}

fn secs(time: Duration) -> f32 {
    time.as_secs_f32()
}
