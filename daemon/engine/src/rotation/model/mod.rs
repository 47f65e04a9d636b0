//! Random histories of rotations: whatever fails, whoever interferes, the promises hold, and there is an end.

mod aws;
mod people;
mod promises;
mod shell;
mod vault;

use super::*;
use aws::{Aws, START};
use fastrand::Rng;
use promises::Promises;
use vault::Vault;

const SCHEDULES: u64 = 1_000;
/// How many of a thousand actions go wrong in such a stage.
const IN_FOCUS: u32 = 400;
const FOCUS: [Stage; 15] = [
    Stage::Create,
    Stage::Search,
    Stage::Store,
    Stage::Verify,
    Stage::Switch,
    Stage::Watch,
    Stage::Deactivate,
    Stage::Wait,
    Stage::Confirm,
    Stage::Delete,
    Stage::DropPrevious,
    Stage::Activate,
    Stage::SwitchBack,
    Stage::Discard,
    Stage::DropNext,
];

/// What a history may have in it.
struct Traits {
    /// Whether answers of AWS have a date; then our clock may be wrong, and step.
    dated: bool,
    /// How many of a thousand actions go wrong, each in one of several ways.
    faults: u32,
    /// A stage in which many things go wrong.
    focus: Option<Stage>,
    /// Until when there are faults; then everything works.
    until: i64,
    /// Whether people give commands that nobody waits for.
    hasty: bool,
    /// Whether others have to do with the keys of the user.
    interferes: bool,
}

impl Traits {
    fn new(chance: &mut Rng) -> Self {
        let focus = FOCUS.get(chance.usize(0..2 * FOCUS.len())).cloned();
        // A history with a focus gets there in most cases.
        let (faults, until) = match focus {
            Some(_) => ([0, 30], [30 * HOUR, 50 * HOUR]),
            None => ([30, 200], [10 * MINUTE, 30 * HOUR]),
        };
        Self {
            dated: chance.u32(0..10) < 8,
            faults: faults[chance.usize(0..2)],
            focus,
            until: if chance.u32(0..8) == 0 { 0 } else { until[chance.usize(0..2)] },
            hasty: chance.u32(0..3) > 0,
            interferes: chance.u32(0..10) < 4,
        }
    }
}

/// The world around one rotation. True time is in milliseconds since the start.
struct World {
    seed: u64,
    chance: Rng,
    traits: Traits,
    now: i64,
    // Of our wall clock against AWS's.
    offset: i64,
    aws: Aws,
    vault: Vault,
    journal: Option<String>,
    rotation: Option<Rotation>,
    /// The record as the journal has it, as far as this process knows.
    written: Option<Record>,
    secret: Option<String>,
    /// What AWS will do a little later, though it gave no answer.
    pending: Vec<(i64, Action)>,
    network_down: i64,
    disk_full: i64,
    vault_down: i64,
    /// Somebody else uses the first key from then until then, every so often.
    foreign_use: (i64, i64),
    use_every: i64,
    sabotaged: Option<String>,
    promises: Promises,
    ended: Option<End>,
    log: Vec<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut chance = Rng::with_seed(seed);
        let traits = Traits::new(&mut chance);
        let mut aws = Aws::new(chance.u64(..));
        let current = aws.add(false);
        if traits.interferes && chance.u32(0..5) == 0 {
            aws.add(true);
        }
        let is_used = chance.u32(0..3) == 0;
        let foreign_from = [0, chance.i64(0..30 * HOUR)][chance.usize(0..2)];
        let foreign_until = if is_used { foreign_from + chance.i64(0..30 * HOUR) } else { 0 };
        let offset = if traits.dated { chance.i64(-3 * HOUR..3 * HOUR) } else { 0 };
        Self {
            seed,
            traits,
            now: 0,
            offset,
            aws,
            vault: Vault { current: Some(current), ..Vault::default() },
            journal: None,
            rotation: None,
            written: None,
            secret: None,
            pending: Vec::new(),
            network_down: 0,
            disk_full: 0,
            vault_down: 0,
            foreign_use: (foreign_from, foreign_until),
            use_every: chance.i64(MINUTE..2 * HOUR),
            sabotaged: None,
            promises: Promises::default(),
            ended: None,
            log: Vec::new(),
            chance,
        }
    }

    fn clocks(&self) -> Now {
        let wall = Timestamp::from_millis(START + self.now + self.offset);
        Now { wall, monotonic: Monotonic(self.now) }
    }

    fn are_faults(&self) -> bool {
        self.now < self.traits.until
    }

    /// Answers how many of a thousand actions go wrong now.
    fn faults(&self) -> u32 {
        let stage = self.rotation.as_ref().map(|rotation| &rotation.record().stage);
        match stage {
            _ if !self.are_faults() => 0,
            Some(_) if stage == self.traits.focus.as_ref() => IN_FOCUS,
            Some(_) | None => self.traits.faults,
        }
    }

    fn happens(&mut self, thousandth: u32) -> bool {
        self.chance.u32(0..1_000) < thousandth
    }

    fn say(&mut self, what: impl FnOnce() -> String) {
        let line = format!("{:>10.3} s: {}", self.now as f64 / 1_000.0, what());
        self.log.push(line);
    }

    /// Lets time pass, and with it what others do and what AWS does late.
    fn pass(&mut self, millis: i64) {
        let end = self.now + millis;
        loop {
            let effect = self.pending.iter().map(|(at, _)| *at).min().filter(|at| *at <= end);
            let (from, until) = self.foreign_use;
            let next_use = ((self.now / self.use_every + 1) * self.use_every).max(from);
            let next_use = Some(next_use).filter(|at| *at > self.now && *at <= end.min(until));
            match (effect, next_use) {
                (Some(effect), used) if used.is_none_or(|used| effect <= used) => {
                    self.now = effect;
                    let index = self.pending.iter().position(|(at, _)| *at == effect).unwrap();
                    let (_, action) = self.pending.swap_remove(index);
                    self.say(|| format!("late effect of {action:?}"));
                    let _ = self.take_effect(&action);
                }
                (_, Some(used)) => {
                    self.now = used;
                    let first = self.aws.keys[0].id.clone();
                    if self.aws.works(&first, used) {
                        self.aws.used(&first, used);
                    }
                }
                (_, None) => break,
            }
        }
        self.now = end;
    }

    /// Runs until the rotation has ended and its journal is gone.
    fn run(&mut self) {
        let last = |world: &Self| world.traits.until.max(world.foreign_use.1) + 5 * 24 * HOUR;
        while self.ended.is_none() {
            assert!(self.now < last(self), "it does not end");
            self.turn();
            self.promises.check(self.now, &self.aws, &self.vault, self.sabotaged.as_deref());
        }
        self.pass(MINUTE);
        self.check_end();
    }

    fn check_end(&self) {
        let current = self.vault.current.clone().expect("a key that signs");
        let ours = self.aws.living().into_iter().filter(|key| !key.foreign);
        let ours: Vec<&str> = ours.map(|key| key.id.as_str()).collect();
        assert_eq!(ours, [current.as_str()], "an orphan is left, or nothing");
        let is_sabotaged = self.sabotaged.as_ref() == Some(&current);
        assert!(self.aws.works(&current, self.now) || is_sabotaged, "the key that is left does not work");
        assert_eq!((&self.vault.next, &self.vault.previous), (&None, &None), "an item is left");
        let is_old = current == self.aws.keys[0].id;
        match self.ended.as_ref().unwrap() {
            End::Done => assert!(!is_old, "done, with the old key"),
            End::RolledBack | End::GivenUp(_) => assert!(is_old, "back, with another key"),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let first = self.log.len().saturating_sub(80);
            println!("{}\nseed {}", self.log[first..].join("\n"), self.seed);
        }
    }
}

#[test]
fn promises_hold_in_every_history() {
    let mut ends = [0; 3];
    for seed in 0..SCHEDULES {
        let mut world = World::new(seed);
        world.run();
        match world.ended.as_ref().unwrap() {
            End::Done => ends[0] += 1,
            End::RolledBack => ends[1] += 1,
            End::GivenUp(_) => ends[2] += 1,
        }
    }
    assert!(ends[0] > 400 && ends[1] > 100 && ends[2] > 2, "the histories are all alike: {ends:?}");
}
