//! The shell of the model: it writes the journal, acts and tells, as the true one does, and ends in the middle of it.

use super::aws::{START, Wrong};
use super::vault::{Broken, Write, how};
use super::*;
use keyfob_shared::FailureKind;

const ARN: &str = "arn:aws:iam::111122223333:user/alice";

/// The program ends here.
struct Crash;

impl World {
    /// One turn of the loop, or a start after a crash.
    pub(super) fn turn(&mut self) {
        if self.rotation.is_none() {
            self.start();
        }
        if self.loop_once().is_err() {
            self.crash();
        }
    }

    fn start(&mut self) {
        let now = self.clocks();
        let rotation = match &self.journal {
            Some(text) => Rotation::resume(serde_json::from_str(text).unwrap(), now),
            None => {
                let current = self.vault.current.clone().expect("a key signs");
                Rotation::begin("alice".parse().unwrap(), current, Pace::default(), now)
            }
        };
        self.written = self.journal.as_ref().map(|_| rotation.record().clone());
        self.rotation = Some(rotation);
    }

    fn crash(&mut self) {
        self.say(|| "crash".into());
        self.rotation = None;
        self.secret = None;
        self.promises.begin_anew();
        let down = [0, 1_000, 10 * MINUTE, 6 * HOUR][self.chance.usize(0..4)];
        self.pass(down);
        self.step_clock(100);
    }

    fn step_clock(&mut self, thousandth: u32) {
        if self.traits.dated && self.are_faults() && self.happens(thousandth) {
            self.offset = self.chance.i64(-30 * HOUR..30 * HOUR);
        }
    }

    fn loop_once(&mut self) -> Result<(), Crash> {
        self.promises.turn(self.now);
        self.interfere();
        let now = self.clocks();
        let rotation = self.rotation.as_mut().expect("it runs");
        let next = rotation.next(now);
        let record = rotation.record().clone();
        if record.stage == Stage::Switch {
            self.promises.wants_switch(self.now);
        }
        if self.written.as_ref() != Some(&record) && !self.write(record)? {
            let failure = Failure::new(FailureKind::Upstream, "write the journal: disk full");
            let until = self.rotation.as_mut().expect("it runs").journal_failed(failure, now);
            self.pass(until.0 - now.monotonic.0);
            return Ok(());
        }
        match next {
            Next::Act(action) => self.act(&action),
            Next::Wait(until) => {
                self.sleep(until);
                if self.are_faults() && self.happens(30) { Err(Crash) } else { Ok(()) }
            }
            Next::Ended(end) => {
                self.journal = None;
                self.say(|| format!("ended: {end:?}"));
                self.ended = Some(end);
                Ok(())
            }
        }
    }

    /// Writes the journal as a whole or not at all; answers whether that is known to have worked.
    fn write(&mut self, record: Record) -> Result<bool, Crash> {
        let full = self.now < self.disk_full;
        let faults = self.faults();
        let how = how(&mut self.chance, faults, full);
        if matches!(how, Write::Works | Write::WorksAndFails | Write::CrashAfter) {
            self.journal = Some(serde_json::to_string(&record).unwrap());
        }
        match how {
            Write::Works => {
                self.written = Some(record);
                Ok(true)
            }
            Write::Fails | Write::WorksAndFails => Ok(false),
            Write::CrashBefore | Write::CrashAfter => Err(Crash),
        }
    }

    fn act(&mut self, action: &Action) -> Result<(), Crash> {
        let paused = self.rotation.as_ref().is_some_and(|rotation| rotation.record().paused);
        assert!(!paused || matches!(action, Action::StoreNext { .. }), "{action:?} in a pause");
        let sent = self.clocks();
        let outcome = self.perform(action);
        self.promises.heard(action, outcome.as_ref().ok(), self.now, &self.aws);
        let outcome = outcome?;
        self.say(|| format!("{action:?} -> {outcome:?}"));
        self.step_clock(5);
        let heard = self.clocks();
        let told = !matches!(&outcome, Outcome::Failed(failed) if failed.kind == FailedKind::Transient);
        let rotation = self.rotation.as_mut().expect("it runs");
        if self.traits.dated && action.permission().is_some() && told {
            let date = (START + self.now).div_euclid(SECOND) * SECOND;
            rotation.hear_date(Timestamp::from_millis(date), sent, heard);
        }
        self.command_in_between();
        self.rotation.as_mut().expect("it runs").hear(outcome, heard);
        let crashes = self.faults() / 20;
        if self.happens(crashes) { Err(Crash) } else { Ok(()) }
    }

    fn perform(&mut self, action: &Action) -> Result<Outcome, Crash> {
        if !matches!(action, Action::StoreNext { .. }) {
            self.secret = None;
        }
        self.promises.sent(action, self.now, &self.aws, &self.vault);
        let latency = self.chance.i64(20..600);
        self.pass(latency);
        if action.permission().is_none() {
            return self.perform_in_vault(action);
        }
        let faults = self.faults();
        let faults = self.happens(faults);
        if self.now < self.network_down {
            self.pass(4_000);
            return Ok(failed(FailedKind::Transient));
        }
        match (faults, self.chance.u32(0..7)) {
            (true, 0) => Err(Crash),
            (true, 1) => {
                let _ = self.answer(action);
                Err(Crash)
            }
            (true, 2) => Ok(failed(FailedKind::Transient)),
            (true, 3) => {
                let _ = self.answer(action);
                self.secret = None;
                Ok(failed(FailedKind::Transient))
            }
            (true, 4) => {
                let later = self.now + self.chance.i64(0..5_000);
                self.pending.push((later, action.clone()));
                Ok(failed(FailedKind::Transient))
            }
            (true, 5) => Ok(failed(FailedKind::Denied)),
            (true, _) => Ok(failed(FailedKind::Final)),
            (false, _) => Ok(self.answer(action)),
        }
    }

    /// Answers what AWS answers.
    fn answer(&mut self, action: &Action) -> Outcome {
        let by = match action {
            Action::Verify { by }
            | Action::ListKeys { by }
            | Action::LastUsed { by, .. }
            | Action::Create { by }
            | Action::Deactivate { by, .. }
            | Action::Activate { by, .. }
            | Action::Delete { by, .. } => by,
            Action::StoreNext { .. }
            | Action::Switch { .. }
            | Action::SwitchBack { .. }
            | Action::DropNext
            | Action::DropPrevious => unreachable!(),
        };
        assert_eq!(self.vault.item(by.item), Some(&by.key), "{action:?} is signed by what is not there");
        let accepted = self.aws.accepts(&by.key, self.now);
        if !accepted {
            return failed(FailedKind::Refused);
        }
        match self.take_effect(action) {
            Ok(outcome) => outcome,
            Err(Wrong::NotFound) => failed(FailedKind::NotFound),
            Err(Wrong::LimitExceeded) => failed(FailedKind::LimitExceeded),
        }
    }

    pub(super) fn take_effect(&mut self, action: &Action) -> Result<Outcome, Wrong> {
        let (aws, now) = (&mut self.aws, self.now);
        Ok(match action {
            Action::Verify { .. } => Outcome::Good { arn: ARN.into(), account: "111122223333".into() },
            Action::ListKeys { .. } => Outcome::Listed(aws.list(now)),
            Action::LastUsed { key, .. } => Outcome::LastUsed(aws.last_used(key, now)?),
            Action::Create { .. } => {
                let key = aws.create(false, now)?;
                self.secret = Some(key.clone());
                Outcome::Created { key }
            }
            Action::Deactivate { key, .. } => aws.set_active(key, false, now).map(|()| Outcome::Done)?,
            Action::Activate { key, .. } => aws.set_active(key, true, now).map(|()| Outcome::Done)?,
            Action::Delete { key, .. } => aws.delete(key, now).map(|()| Outcome::Done)?,
            Action::StoreNext { .. }
            | Action::Switch { .. }
            | Action::SwitchBack { .. }
            | Action::DropNext
            | Action::DropPrevious => Outcome::Done,
        })
    }

    fn perform_in_vault(&mut self, action: &Action) -> Result<Outcome, Crash> {
        let (faults, down) = (self.faults(), self.now < self.vault_down);
        let (vault, chance) = (&mut self.vault, &mut self.chance);
        let mut how = || how(chance, faults, down);
        let result = match action {
            Action::StoreNext { key } if self.secret.as_ref() == Some(key) => {
                vault.write(Which::Next, Some(key), how())
            }
            Action::StoreNext { key } if vault.next.as_ref() == Some(key) => Ok(()),
            Action::StoreNext { .. } => return Ok(Outcome::SecretLost),
            Action::Switch { old, new } => vault.switch((old, Which::Previous), (new, Which::Next), how),
            Action::SwitchBack { old, new } => vault.switch((new, Which::Next), (old, Which::Previous), how),
            Action::DropNext => vault.write(Which::Next, None, how()),
            Action::DropPrevious => vault.write(Which::Previous, None, how()),
            Action::Verify { .. }
            | Action::ListKeys { .. }
            | Action::LastUsed { .. }
            | Action::Create { .. }
            | Action::Deactivate { .. }
            | Action::Activate { .. }
            | Action::Delete { .. } => unreachable!(),
        };
        match result {
            Ok(()) => Ok(Outcome::Done),
            Err(Broken::Failed) => Ok(failed(FailedKind::Vault)),
            Err(Broken::Crashed) => Err(Crash),
        }
    }
}

fn failed(kind: FailedKind) -> Outcome {
    Outcome::Failed(Failed { kind, failure: Failure::new(FailureKind::Upstream, format!("{kind:?}")) })
}
