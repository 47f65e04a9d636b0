//! Sleeps in short pieces, since tokio's timers stand still in suspend and don't hear that a clock was set.

use keyfob_engine::clock::Monotonic;
use std::io;
use std::time::Duration;

const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// An alarm that can be set again at any time.
pub(crate) struct Alarm {
    set_for: Option<Monotonic>,
}

impl Alarm {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { set_for: None })
    }

    /// Sets the alarm to a moment, or to never.
    pub(crate) fn set(&mut self, moment: Option<Monotonic>) {
        self.set_for = moment;
    }

    /// Waits until the alarm fires, a minute at most. Can be dropped and asked again.
    pub(crate) async fn fired(&mut self) {
        let left = self.set_for.map(|moment| moment.0.saturating_sub(crate::clock::now().monotonic.0).max(1));
        let sleep =
            left.map_or(LONGEST_SLEEP, |left| Duration::from_millis(left.unsigned_abs()).min(LONGEST_SLEEP));
        tokio::time::sleep(sleep).await;
    }
}
