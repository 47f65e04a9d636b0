//! How the access key of an identity is rotated.

use super::check;
use super::flatten::Flattener;
use super::raw::RawIdentity;

/// The least time between two rotations of a key, in seconds.
const LEAST_INTERVAL: i64 = 24 * 60 * 60;

/// How an access key is rotated; all times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotate {
    /// After how long unasked; `None` means never.
    pub every: Option<i64>,
    /// How long after the switch the old key is watched for uses before it is made inactive.
    pub watch: i64,
    /// How long it then stays inactive before it is deleted.
    pub wait: i64,
    /// How old a new key is at least before anything depends on it: never skipped.
    pub settle: i64,
}

impl Default for Rotate {
    /// IAM tells the last use of a key within four hours; a day leaves time to notice what the old key is missing for. A new
    /// key is known everywhere within a minute and a half.
    fn default() -> Self {
        Self { every: None, watch: 4 * 60 * 60 * 1_000, wait: 24 * 60 * 60 * 1_000, settle: 90 * 1_000 }
    }
}

impl Flattener<'_> {
    pub(super) fn rotate(&mut self, raw: &RawIdentity) -> Rotate {
        let default = Rotate::default();
        let every = self.take("rotate_every", raw.rotate_every.as_ref(), |text| {
            let seconds = check::duration(text)?;
            let is_days = i64::from(seconds) >= LEAST_INTERVAL;
            is_days.then_some(seconds).ok_or_else(|| format!("{text:?}: a key is rotated once a day at most"))
        });
        let millis = |seconds: u32| i64::from(seconds) * 1_000;
        let watch = self.take("rotate_watch", raw.rotate_watch.as_ref(), |text| check::duration(text));
        let wait = self.take("rotate_wait", raw.rotate_wait.as_ref(), |text| check::duration(text));
        let settle = self.take("rotate_settle", raw.rotate_settle.as_ref(), |text| check::duration(text));
        Rotate {
            settle: settle.map_or(default.settle, millis),
            every: every.map(millis),
            watch: watch.map_or(default.watch, millis),
            wait: wait.map_or(default.wait, millis),
        }
    }
}
