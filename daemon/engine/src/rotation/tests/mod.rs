//! Each rule by itself, against an AWS that answers what a test says.

mod back;
mod create;
mod end;
mod journal;
mod start;
mod verify;
mod watch;

use super::*;
use keyfob_shared::FailureKind;

const START: i64 = 1_767_225_600_000;
const ARN: &str = "arn:aws:iam::111122223333:user/team/alice";
const OLD: &str = "AKIAOLD";
const NEW: &str = "AKIANEW";

/// A rotation and its clocks.
struct Bench {
    rotation: Rotation,
    now: Now,
}

impl Bench {
    fn new() -> Self {
        let now = Now { wall: Timestamp::from_millis(START), monotonic: Monotonic(0) };
        let mut rotation = Rotation::begin("alice".parse().unwrap(), OLD, Pace::default(), now);
        rotation.hear_date(now.wall, now, now);
        Self { rotation, now }
    }

    /// One that has come to a stage, with good answers all the way.
    fn at(stage: &Stage) -> Self {
        let mut bench = Self::new();
        bench.go_to(stage);
        bench
    }

    fn go_to(&mut self, stage: &Stage) {
        for _ in 0..500 {
            if self.record().stage == *stage {
                return;
            }
            let action = self.act();
            if self.record().stage == *stage {
                // It is not sent yet.
                self.rotation.in_flight = None;
                return;
            }
            let outcome = self.well(&action);
            self.hear(outcome);
        }
        panic!("it does not come to {stage:?}, but stays in {:?}", self.record());
    }

    /// Goes on with good answers until the old key is about to be deleted.
    fn go_before_deletion(&mut self) {
        loop {
            match self.act() {
                Action::Delete { .. } => return,
                action => self.hear(self.well(&action)),
            }
        }
    }

    fn record(&self) -> &Record {
        self.rotation.record()
    }

    fn pass(&mut self, millis: i64) {
        let wall = Timestamp::from_millis(self.now.wall.millis() + millis);
        self.now = Now { wall, monotonic: self.now.monotonic.plus(millis) };
    }

    fn next(&mut self) -> Next {
        self.rotation.next(self.now)
    }

    /// Answers the next action, after all waits.
    fn act(&mut self) -> Action {
        loop {
            match self.next() {
                Next::Act(action) => return action,
                Next::Wait(Some(until)) => self.pass(until.0 - self.now.monotonic.0),
                other @ (Next::Wait(None) | Next::Ended(_)) => panic!("{other:?} {:?}", self.record()),
            }
        }
    }

    /// Answers for how long it waits, in milliseconds.
    fn waits(&mut self) -> i64 {
        match self.next() {
            Next::Wait(Some(until)) => until.0 - self.now.monotonic.0,
            other @ (Next::Act(_) | Next::Wait(None) | Next::Ended(_)) => panic!("{other:?}"),
        }
    }

    fn hear(&mut self, outcome: Outcome) {
        self.rotation.hear(outcome, self.now);
    }

    fn fail(&mut self, kind: FailedKind) {
        self.hear(failed(kind));
    }

    /// Has the next action happen, and hears an outcome of it.
    fn after(&mut self, expected: &str, outcome: Outcome) {
        let action = self.act();
        assert!(format!("{action:?}").starts_with(expected), "{action:?} is no {expected}");
        self.hear(outcome);
    }

    fn command(&mut self, command: Command) {
        self.rotation.command(command, self.now).unwrap();
    }

    /// The program ends, and starts again from what the journal has.
    fn crash(&mut self) {
        let text = serde_json::to_string(self.record()).unwrap();
        self.rotation = Rotation::resume(serde_json::from_str(&text).unwrap(), self.now);
    }

    /// Answers what is told to a person who must act.
    fn stop(&mut self) -> Trouble {
        assert_eq!(self.next(), Next::Wait(None));
        let trouble = self.record().trouble.clone().expect("a trouble");
        assert!(trouble.stop.is_some(), "{trouble:?}");
        trouble
    }

    fn now_at_aws(&self) -> Timestamp {
        Timestamp::from_millis(START + self.now.monotonic.0)
    }

    fn old(&self, active: bool) -> Key {
        Key { id: OLD.into(), active, created: Timestamp::from_millis(START - 90 * 24 * HOUR) }
    }

    fn key(&self, id: &str, age: i64) -> Key {
        let created = (self.now_at_aws().millis() - age).div_euclid(1_000) * 1_000;
        Key { id: id.into(), active: true, created: Timestamp::from_millis(created) }
    }

    /// Answers what AWS and the vault answer when nothing is wrong.
    fn well(&self, action: &Action) -> Outcome {
        match action {
            Action::Verify { .. } => good(),
            Action::ListKeys { .. } => {
                let late = matches!(self.record().stage, Stage::Confirm | Stage::Delete);
                let new = self.record().new_key.iter().filter(|_| self.record().stage != Stage::Search);
                let new = new.map(|id| self.key(id, 0));
                Outcome::Listed(std::iter::once(self.old(!late)).chain(new).collect())
            }
            Action::LastUsed { .. } => Outcome::LastUsed(None),
            Action::Create { .. } => Outcome::Created { key: NEW.into() },
            Action::StoreNext { .. }
            | Action::Switch { .. }
            | Action::SwitchBack { .. }
            | Action::Deactivate { .. }
            | Action::Activate { .. }
            | Action::Delete { .. }
            | Action::DropNext
            | Action::DropPrevious => Outcome::Done,
        }
    }

    /// Goes on with good answers to the end, and answers it with the actions on the way.
    fn finish(&mut self) -> (End, Vec<Action>) {
        let mut actions = Vec::new();
        loop {
            match self.next() {
                Next::Act(action) => {
                    let outcome = self.well(&action);
                    actions.push(action);
                    self.hear(outcome);
                }
                Next::Wait(Some(until)) => self.pass(until.0 - self.now.monotonic.0),
                Next::Wait(None) => panic!("{:?}", self.record()),
                Next::Ended(end) => return (end, actions),
            }
            assert!(actions.len() < 500, "it does not end");
        }
    }
}

fn good() -> Outcome {
    Outcome::Good { arn: ARN.into(), account: "111122223333".into() }
}

fn failed(kind: FailedKind) -> Outcome {
    Outcome::Failed(Failed { kind, failure: Failure::new(FailureKind::Upstream, format!("{kind:?}")) })
}

fn by(item: Which, key: &str) -> Signer {
    Signer { item, key: key.into() }
}

#[test]
fn a_rotation_goes_through_the_procedure_in_order() {
    let mut bench = Bench::new();
    let (end, actions) = bench.finish();
    assert_eq!(end, End::Done);
    let (current_old, current_new) = (by(Which::Current, OLD), by(Which::Current, NEW));
    let mut told: Vec<&Action> = actions.iter().collect();
    told.dedup();
    let old = || OLD.to_owned();
    let expected = [
        Action::Verify { by: current_old.clone() },
        Action::ListKeys { by: current_old.clone() },
        Action::LastUsed { key: old(), by: current_old.clone() },
        Action::Create { by: current_old },
        Action::StoreNext { key: NEW.into() },
        Action::Verify { by: by(Which::Next, NEW) },
        Action::Switch { old: old(), new: NEW.into() },
        Action::LastUsed { key: old(), by: current_new.clone() },
        Action::Deactivate { key: old(), by: current_new.clone() },
        Action::LastUsed { key: old(), by: current_new.clone() },
        Action::Verify { by: current_new.clone() },
        Action::ListKeys { by: current_new.clone() },
        Action::Delete { key: old(), by: current_new },
        Action::DropPrevious,
    ];
    assert_eq!(told, expected.iter().collect::<Vec<_>>());
    let passed = bench.now.monotonic.0;
    assert!((28 * HOUR..29 * HOUR).contains(&passed), "{passed}");
}
