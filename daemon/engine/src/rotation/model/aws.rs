//! An IAM for the model: two keys a user, and eventually consistent in every way that is known of the real one.

use super::super::{Key, LastUse};
use fastrand::Rng;
use keyfob_shared::Timestamp;

pub(super) const START: i64 = 1_767_225_600_000;
const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;

/// A key and what each part of IAM knows of it. Times are true ones, in milliseconds since the start.
#[derive(Clone, Debug)]
pub(super) struct AwsKey {
    pub(super) id: String,
    created: i64,
    pub(super) active: bool,
    // Somebody else's: nothing may touch it.
    pub(super) foreign: bool,
    pub(super) deleted: Option<i64>,
    deactivated: Option<i64>,
    // From then on it is accepted everywhere, known to calls about it, listed with its state, not listed any more.
    settled: i64,
    known: i64,
    shown: i64,
    state_shown: i64,
    hidden: i64,
    // When it was used, and when that shows.
    uses: Vec<(i64, i64)>,
}

/// Why a call about a key did not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    NotFound,
    LimitExceeded,
}

pub(super) struct Aws {
    pub(super) keys: Vec<AwsKey>,
    pub(super) chance: Rng,
}

impl Aws {
    pub(super) fn new(seed: u64) -> Self {
        Self { keys: Vec::new(), chance: Rng::with_seed(seed) }
    }

    /// Adds a key that has been there for long.
    pub(super) fn add(&mut self, foreign: bool) -> String {
        let id = format!("AKIA{}", self.keys.len() + 1);
        self.keys.push(AwsKey {
            id: id.clone(),
            created: -1_000 * HOUR,
            active: true,
            foreign,
            deleted: None,
            deactivated: None,
            settled: i64::MIN,
            known: i64::MIN,
            shown: i64::MIN,
            state_shown: i64::MIN,
            hidden: i64::MIN,
            uses: Vec::new(),
        });
        id
    }

    pub(super) fn living(&self) -> Vec<&AwsKey> {
        self.keys.iter().filter(|key| key.deleted.is_none()).collect()
    }

    pub(super) fn find(&self, id: &str) -> &AwsKey {
        self.keys.iter().find(|key| key.id == id).expect("a key that was created")
    }

    fn find_mut(&mut self, id: &str) -> &mut AwsKey {
        self.keys.iter_mut().find(|key| key.id == id).expect("a key that was created")
    }

    /// Answers whether every call that is signed with it is accepted.
    pub(super) fn works(&self, id: &str, now: i64) -> bool {
        let key = self.find(id);
        key.active && key.deleted.is_none() && key.settled <= now
    }

    /// Answers whether this call is accepted.
    pub(super) fn accepts(&mut self, id: &str, now: i64) -> bool {
        let lag = 4 * SECOND;
        let flapping = self.chance.u32(0..100) < 60;
        let key = self.find_mut(id);
        let is_there = key.deleted.is_none_or(|at| now < at + lag);
        let is_on = key.active || key.deactivated.is_some_and(|at| now < at + lag);
        let accepted = is_there && is_on && (key.settled <= now || flapping);
        if accepted {
            self.used(id, now);
        }
        accepted
    }

    pub(super) fn used(&mut self, id: &str, now: i64) {
        let lag = self.chance.i64(0..4 * HOUR);
        self.find_mut(id).uses.push((now, now + lag));
    }

    pub(super) fn create(&mut self, foreign: bool, now: i64) -> Result<String, Wrong> {
        if self.living().len() >= 2 {
            return Err(Wrong::LimitExceeded);
        }
        let id = self.add(foreign);
        let mut within = |seconds: i64| now + self.chance.i64(0..seconds * SECOND);
        let (settled, known, shown) = (within(90), within(20), within(20));
        let key = self.find_mut(&id);
        (key.created, key.settled, key.known, key.shown) = (now, settled, known, shown);
        Ok(id)
    }

    pub(super) fn set_active(&mut self, id: &str, active: bool, now: i64) -> Result<(), Wrong> {
        let (late, settling) = (self.chance.i64(0..15 * SECOND), self.chance.i64(0..60 * SECOND));
        let key = self.find_mut(id);
        if key.deleted.is_some() || now < key.known {
            return Err(Wrong::NotFound);
        }
        if key.active != active {
            key.active = active;
            key.state_shown = now + late;
            key.deactivated = (!active).then_some(now);
            key.settled = key.settled.max(if active { now + settling } else { i64::MIN });
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, id: &str, now: i64) -> Result<(), Wrong> {
        let late = self.chance.i64(0..15 * SECOND);
        let key = self.find_mut(id);
        if key.deleted.is_some() || now < key.known {
            return Err(Wrong::NotFound);
        }
        (key.deleted, key.hidden) = (Some(now), now + late);
        Ok(())
    }

    pub(super) fn list(&self, now: i64) -> Vec<Key> {
        let shown = self.keys.iter().filter(|key| {
            let is_there = key.deleted.is_none() || now < key.hidden;
            key.shown <= now && is_there
        });
        let told = |key: &AwsKey| Key {
            id: key.id.clone(),
            active: key.active == (key.state_shown <= now),
            created: Timestamp::from_millis((START + key.created).div_euclid(SECOND) * SECOND),
        };
        shown.map(told).collect()
    }

    pub(super) fn last_used(&self, id: &str, now: i64) -> Result<Option<LastUse>, Wrong> {
        let key = self.find(id);
        if key.deleted.is_some() || now < key.known {
            return Err(Wrong::NotFound);
        }
        let last = self.shown_use(id, now);
        Ok(last.map(|at| LastUse {
            at: Timestamp::from_millis((START + at).div_euclid(SECOND) * SECOND),
            service: "s3".into(),
            region: "eu-west-1".into(),
        }))
    }

    /// Answers the last use that shows.
    pub(super) fn shown_use(&self, id: &str, now: i64) -> Option<i64> {
        self.find(id).uses.iter().filter(|(_, shows)| *shows <= now).map(|(at, _)| *at).max()
    }
}
