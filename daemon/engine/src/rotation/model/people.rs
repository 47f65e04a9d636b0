//! The people of the model: those who rotate, who are told and answer; and others, who interfere.

use super::*;

impl World {
    /// Sleeps until a moment, unless a person wants something before; without one, until a person does.
    pub(super) fn sleep(&mut self, until: Option<Monotonic>) {
        let Some(until) = until else { return self.person() };
        let mut left = until.0 - self.now;
        assert!(left > 0, "waits for what is over");
        // Waits over hours are looked into now and then.
        while left > HOUR {
            let part = self.chance.i64(MINUTE..HOUR);
            self.pass(part);
            left -= part;
            if self.disturbed() {
                return;
            }
        }
        self.pass(left);
    }

    /// Something happens that nobody waits for: a command, another time on the clock.
    fn disturbed(&mut self) -> bool {
        if self.traits.dated && self.are_faults() && self.happens(10) {
            self.offset = self.chance.i64(-30 * HOUR..30 * HOUR);
            return true;
        }
        self.traits.hasty && self.are_faults() && self.happens(30) && {
            self.command_by_chance();
            true
        }
    }

    /// Somebody wants something while something is done.
    pub(super) fn command_in_between(&mut self) {
        if !self.traits.hasty || !self.are_faults() {
            return;
        }
        let in_focus = self.faults() >= IN_FOCUS;
        if in_focus && self.happens(150) {
            self.wish(Command::Rollback);
        } else if self.happens(if in_focus { 150 } else { 5 }) {
            self.command_by_chance();
        }
    }

    fn command_by_chance(&mut self) {
        let wish = match self.chance.u32(0..10) {
            0..3 => Command::Now,
            3..6 => Command::Pause,
            6..8 => Command::GoOn,
            _ => Command::Rollback,
        };
        self.wish(wish);
    }

    pub(super) fn wish(&mut self, command: Command) {
        let now = self.clocks();
        let rotation = self.rotation.as_mut().expect("it runs");
        let record = rotation.record();
        let is_known = record.trouble.as_ref().and_then(|trouble| trouble.stop.as_ref());
        let is_known = matches!(is_known, Some(Stop::Used(_) | Stop::ActiveAgain));
        let late = matches!(record.stage, Stage::Delete | Stage::DropPrevious | Stage::Over(_));
        let result = rotation.command(command, now);
        if command == Command::Rollback {
            assert_eq!(result.is_err(), late, "{result:?}");
        }
        if command == Command::GoOn && is_known {
            self.promises.somebody_accepts(self.now);
        }
        if command == Command::Now && result.is_ok() {
            self.promises.somebody_hurries();
        }
        self.promises.somebody_wants();
        self.say(|| format!("{command:?} -> {result:?}"));
    }

    /// Somebody must act, and does after a while.
    fn person(&mut self) {
        let delay = if self.are_faults() {
            self.chance.i64(MINUTE..8 * HOUR)
        } else {
            self.chance.i64(1_000..MINUTE)
        };
        self.pass(delay);
        let record = self.rotation.as_ref().expect("it runs").record().clone();
        if let Some(Trouble { stop: Some(Stop::Used(used)), .. }) = &record.trouble {
            self.promises.tells_use(used.at.millis() - START);
        }
        let mended = !self.are_faults() || self.chance.bool();
        match record.trouble.as_ref().and_then(|trouble| trouble.stop.clone()) {
            Some(Stop::Used(_)) if mended => self.foreign_use.1 = self.now,
            Some(Stop::Mend) if mended => self.remove_foreign_key(),
            Some(Stop::Unproven(keys)) => {
                // What nobody needs goes, as the hint says.
                for key in keys {
                    let key = self.aws.find(&key.id);
                    assert!(key.foreign, "{} is ours, and could have been proven to be", key.id);
                }
            }
            Some(Stop::Used(_) | Stop::Mend | Stop::ActiveAgain) | None => {}
        }
        match self.chance.u32(0..10) {
            0..2 if self.are_faults() => self.command_by_chance(),
            2 => self.wish(Command::Rollback),
            _ => self.wish(Command::GoOn),
        }
    }

    fn remove_foreign_key(&mut self) {
        let foreign = self.aws.living().into_iter().find(|key| key.foreign).map(|key| key.id.clone());
        if let Some(key) = foreign {
            self.aws.delete(&key, self.now).unwrap();
            self.say(|| format!("somebody deletes {key}"));
        }
    }

    /// Others do something with the keys of the user, before the next thing is done.
    pub(super) fn interfere(&mut self) {
        if !self.are_faults() {
            return self.end_sabotage();
        }
        if self.faults() > 0 {
            self.fail_for_a_while();
        }
        if !self.traits.interferes {
            return;
        }
        let record = self.rotation.as_ref().expect("it runs").record().clone();
        let nothing_lost = record.lost.is_none() && self.pending.is_empty();
        // One that is made while our answer is lost can't be told from ours.
        if record.stage == Stage::List
            && nothing_lost
            && self.happens(50)
            && self.aws.create(true, self.now).is_ok()
        {
            self.say(|| "somebody creates a key".into());
            self.pass(if self.traits.dated { 7 * SECOND } else { 130 * SECOND });
        }
        let after_switch = matches!(record.stage, Stage::Watch | Stage::Wait | Stage::Confirm);
        let (current, previous) = (self.vault.current.clone(), self.vault.previous.clone());
        let Some(new) = current.filter(|_| after_switch) else { return };
        if self.sabotaged.is_none() && self.happens(5) {
            self.aws.set_active(&new, false, self.now).unwrap();
            self.say(|| format!("somebody makes {new} inactive"));
            self.sabotaged = Some(new);
            self.promises.sabotaged = Some(self.now);
        } else if self.sabotaged.is_some() && self.happens(100) {
            self.end_sabotage();
        }
        if let Some(old) = previous.filter(|_| record.stage == Stage::Wait && self.chance.u32(0..50) == 0) {
            let _ = self.aws.set_active(&old, true, self.now);
            self.promises.reactivated = Some(self.now);
            self.say(|| format!("somebody makes {old} active"));
        }
    }

    fn end_sabotage(&mut self) {
        if let Some(key) = self.sabotaged.clone() {
            if self.aws.find(&key).deleted.is_some() {
                self.sabotaged = None;
            } else if !self.aws.find(&key).active {
                self.aws.set_active(&key, true, self.now).unwrap();
                self.say(|| format!("somebody makes {key} active"));
            } else if self.aws.works(&key, self.now) {
                self.sabotaged = None;
            }
        }
    }

    fn fail_for_a_while(&mut self) {
        let length = self.chance.i64(SECOND..HOUR);
        match self.chance.u32(0..2_000) {
            0..8 => self.network_down = self.now + length,
            8..12 => self.disk_full = self.now + length,
            12..20 => self.vault_down = self.now + length,
            _ => {}
        }
    }
}
