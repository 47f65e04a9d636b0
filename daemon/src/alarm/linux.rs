//! Two timer descriptors: one counts suspend, the other only tells that the wall clock was set.
//!
//! tokio's own timers stand still in suspend.

use keyfob_engine::clock::Monotonic;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::OwnedFd;
use tokio::io::unix::AsyncFd;

/// An alarm that can be set again at any time.
pub(crate) struct Alarm {
    timer: AsyncFd<OwnedFd>,
    clock_set: AsyncFd<OwnedFd>,
    set_for: Option<Monotonic>,
}

const FAR: Timespec = Timespec { tv_sec: 1 << 40, tv_nsec: 0 };
const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

impl Alarm {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let alarm = Self {
            timer: watch(timerfd_create(TimerfdClockId::Boottime, flags)?)?,
            clock_set: watch(timerfd_create(TimerfdClockId::Realtime, flags)?)?,
            set_for: None,
        };
        alarm.watch_clock()?;
        Ok(alarm)
    }

    fn watch_clock(&self) -> io::Result<()> {
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        timerfd_settime(self.clock_set.get_ref(), flags, &Itimerspec { it_interval: NEVER, it_value: FAR })?;
        Ok(())
    }

    /// Sets the alarm to a moment, or to never.
    pub(crate) fn set(&mut self, moment: Option<Monotonic>) {
        if self.set_for == moment {
            return;
        }
        self.set_for = moment;
        let value = moment.map_or(NEVER, |moment| {
            // A value of zero would switch the timer off.
            let millis = moment.0.max(1);
            Timespec { tv_sec: millis / 1_000, tv_nsec: millis % 1_000 * 1_000_000 }
        });
        let spec = Itimerspec { it_interval: NEVER, it_value: value };
        if let Err(error) = timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &spec) {
            tracing::error!(%error, "set the timer");
        }
    }

    /// Waits until the alarm fires or the wall clock is set. Can be dropped and asked again.
    pub(crate) async fn fired(&mut self) {
        let mut count = [0; 8];
        tokio::select! {
            ready = self.timer.readable() => {
                if let Ok(mut ready) = ready {
                    let _ = rustix::io::read(ready.get_inner(), &mut count);
                    ready.clear_ready();
                }
                self.set_for = None;
            }
            ready = self.clock_set.readable() => {
                if let Ok(mut ready) = ready {
                    // Answers ECANCELED: the clock was set.
                    let _ = rustix::io::read(ready.get_inner(), &mut count);
                    ready.clear_ready();
                }
                if let Err(error) = self.watch_clock() {
                    tracing::error!(%error, "watch the wall clock");
                }
            }
        }
    }
}

fn watch(timer: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open, answers the same descriptor always, and lives as long as the `AsyncFd` that owns it.
    Ok(unsafe { AsyncFd::register(timer) }?)
}
