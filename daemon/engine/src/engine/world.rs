//! A world for tests: two clocks, a configuration, and an AWS that answers when it is told to.

use super::*;
use crate::config::{Surroundings, parse};
use crate::mint::{MintError, MintErrorKind, Minted};
use keyfob_shared::{Credentials, FailureKind, Secret};
use std::path::Path;

pub(super) const HOUR: i64 = 3_600_000;
pub(super) const MINUTE: i64 = 60_000;
pub(super) const START: i64 = 1_767_225_600_000;

pub(super) const CONFIG: &str = r#"
[identity.alice]
type = "iam-user"
mfa_serial = "arn:aws:iam::111122223333:mfa/alice"
[identity.bob]
type = "iam-user"
[profile.a]
identity = "alice"
role_arn = "arn:aws:iam::111122223333:role/A"
[profile.b]
identity = "alice"
role_arn = "arn:aws:iam::111122223333:role/B"
[profile.plain]
identity = "bob"
[profile.role]
identity = "bob"
role_arn = "arn:aws:iam::111122223333:role/R"
duration = "4h"
[profile.chain]
source = "role"
role_arn = "arn:aws:iam::444455556666:role/C"
"#;

/// Answers a configuration of many profiles.
pub(super) fn many(count: usize) -> String {
    let profile = |index| {
        format!(
            "[profile.p{index}]\nidentity = \"bob\"\nrole_arn = \"arn:aws:iam::111122223333:role/R{index}\"\n"
        )
    };
    (0..count)
        .map(profile)
        .fold("[identity.bob]\ntype = \"iam-user\"\n".into(), |text, profile| text + &profile)
}

pub(super) fn credentials(access_key_id: impl Into<String>) -> Credentials {
    Credentials {
        access_key_id: access_key_id.into(),
        secret_access_key: Secret::new("secret"),
        session_token: Some(Secret::new("token")),
        account_id: None,
    }
}

pub(super) fn config(text: &str) -> Arc<Config> {
    let read = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
    let around =
        Surroundings { directory: Path::new("/"), home: None, user: "alice", host: "laptop", read: &read };
    Arc::new(parse(text, &around).unwrap())
}

pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) now: Now,
    pub(super) mints: Vec<Mint>,
    pub(super) answers: Vec<(WaiterId, Answer)>,
    pub(super) saved: HashMap<String, Secret>,
    pub(super) told: Vec<(keyfob_shared::IdentityName, Option<Timestamp>)>,
    pub(super) loads: usize,
    /// Reads of the vault that are not answered, and what it held when they were asked for.
    pub(super) reads: Vec<(LoadId, Vec<(String, Secret)>)>,
    /// The clock of AWS, in milliseconds.
    pub(super) server: i64,
    pub(super) minted: u64,
    pub(super) ticks: usize,
    next_waiter: WaiterId,
}

impl World {
    /// Starts with a configuration and an empty vault.
    pub(super) fn new(text: &str) -> Self {
        let mut world = Self::unloaded(text);
        world.loaded(Ok(Vec::new()));
        world
    }

    pub(super) fn unloaded(text: &str) -> Self {
        let now = Now { wall: Timestamp::from_millis(START), monotonic: Monotonic(1_000) };
        let mut world = Self {
            engine: Engine::new(now, "boot", 7),
            now,
            mints: Vec::new(),
            answers: Vec::new(),
            saved: HashMap::new(),
            told: Vec::new(),
            loads: 0,
            reads: Vec::new(),
            server: START,
            minted: 0,
            ticks: 0,
            next_waiter: 0,
        };
        world.handle(Event::Configured(config(text)));
        world
    }

    pub(super) fn handle(&mut self, event: Event) {
        self.engine.handle(event, self.now);
        while let Some(command) = self.engine.poll_command() {
            match command {
                Command::Answer { waiter, answer } => self.answers.push((waiter, answer)),
                Command::Mint(mint) => self.mints.push(*mint),
                Command::TellSignIn { identity, by } => self.told.push((identity, by)),
                Command::Save { slot, record } => drop(self.saved.insert(slot.to_string(), record)),
                Command::Forget { item } => drop(self.saved.remove(&item)),
                Command::Load(load) => {
                    self.loads += 1;
                    self.reads.push((load, self.saved.clone().into_iter().collect()));
                }
            }
        }
        if let Some((moment, reason)) = self.engine.poll_timeout() {
            assert!(moment > self.now.monotonic, "{reason:?} is not in the future");
        }
    }

    /// Answers the newest read of the vault.
    pub(super) fn loaded(&mut self, result: Result<Vec<(String, Secret)>, Failure>) {
        if let Some((load, _)) = self.reads.pop() {
            self.handle(Event::Loaded { load, result });
        }
    }

    pub(super) fn waiter(&mut self) -> WaiterId {
        self.next_waiter += 1;
        self.next_waiter
    }

    pub(super) fn get(&mut self, profile: &str) -> WaiterId {
        self.next_waiter += 1;
        self.handle(Event::Get { waiter: self.next_waiter, profile: profile.parse().unwrap() });
        self.next_waiter
    }

    pub(super) fn login(&mut self, identity: &str, code: Option<&str>) -> WaiterId {
        self.next_waiter += 1;
        let code = code.map(Secret::new);
        self.handle(Event::Login { waiter: self.next_waiter, identity: identity.parse().unwrap(), code });
        self.next_waiter
    }

    pub(super) fn answer(&self, waiter: WaiterId) -> Option<&Answer> {
        let mut found = self.answers.iter().filter(|(id, _)| *id == waiter).map(|(_, answer)| answer);
        let answer = found.next();
        assert!(found.next().is_none(), "waiter {waiter} was answered twice");
        answer
    }

    pub(super) fn failure(&self, waiter: WaiterId) -> Failure {
        match self.answer(waiter) {
            Some(Answer::Failed(failure)) => failure.clone(),
            other => panic!("waiter {waiter}: {other:?}"),
        }
    }

    pub(super) fn served(&self, waiter: WaiterId) -> String {
        match self.answer(waiter) {
            Some(Answer::Served { access_key_id, .. }) => access_key_id.clone(),
            other => panic!("waiter {waiter}: {other:?}"),
        }
    }

    pub(super) fn succeed(&mut self, lifetime: i64) {
        self.succeed_at(0, lifetime, 0);
    }

    /// Ends the mint of one role well.
    pub(super) fn succeed_step(&mut self, role: &str, lifetime: i64) {
        let index = self.mints.iter().position(|mint| mint.step.describe().contains(role));
        self.succeed_at(index.unwrap(), lifetime, 0);
    }

    /// Ends a mint in flight well; the server's clock may be ahead of ours.
    pub(super) fn succeed_at(&mut self, index: usize, lifetime: i64, ahead: i64) {
        let server = self.now.wall.millis() + ahead;
        self.grant(index, server + lifetime, server);
    }

    /// Ends a mint in flight well, with an end and a date by the server's clock; answers whose keys were granted.
    pub(super) fn grant(&mut self, index: usize, end: i64, date: i64) -> String {
        let mint = self.mints.remove(index);
        self.minted += 1;
        let name = format!("ASIA{}", self.minted);
        let minted = Minted {
            credentials: credentials(&name),
            expires: Timestamp::from_millis(end),
            server_date: Some(Timestamp::from_millis(date / 1_000 * 1_000)),
            signed_in_until: None,
        };
        self.handle(Event::Minted { mint: mint.id, sent: self.now, result: Ok(minted) });
        name
    }

    pub(super) fn fail(&mut self, kind: MintErrorKind) {
        self.refuse(0, kind, self.now.wall.millis());
    }

    /// Ends a mint in flight badly, with a date by the server's clock.
    pub(super) fn refuse(&mut self, index: usize, kind: MintErrorKind, date: i64) {
        let mint = self.mints.remove(index);
        let failure = Failure::new(FailureKind::Upstream, format!("{kind:?}"));
        let server_date = Some(Timestamp::from_millis(date / 1_000 * 1_000));
        let result = Err(MintError { kind, failure, server_date });
        self.handle(Event::Minted { mint: mint.id, sent: self.now, result });
    }

    /// Lets time pass, waking the engine whenever it asked for it.
    pub(super) fn pass(&mut self, millis: i64) {
        let end = self.now.monotonic.plus(millis);
        while let Some((moment, _)) = self.engine.poll_timeout().filter(|(moment, _)| *moment <= end) {
            self.shift(moment.0 - self.now.monotonic.0);
            self.ticks += 1;
            self.handle(Event::Tick);
        }
        self.shift(end.0 - self.now.monotonic.0);
        self.handle(Event::Tick);
    }

    fn shift(&mut self, millis: i64) {
        self.now.monotonic = self.now.monotonic.plus(millis);
        self.now.wall = Timestamp::from_millis(self.now.wall.millis() + millis);
        self.server += millis;
    }

    /// Lets time pass in which the machine is suspended.
    pub(super) fn sleep(&mut self, millis: i64) {
        self.shift(millis);
        self.handle(Event::Tick);
    }

    /// Answers the world after the daemon has ended and another was started; what was in flight is lost.
    pub(super) fn restarted(mut self, text: &str, boot: &str) -> Self {
        self.engine = Engine::new(self.now, boot, 7);
        self.mints.clear();
        self.reads.clear();
        self.handle(Event::Configured(config(text)));
        self
    }

    pub(super) fn step_wall_clock(&mut self, millis: i64) {
        self.now.wall = Timestamp::from_millis(self.now.wall.millis() + millis);
        self.handle(Event::Tick);
    }

    pub(super) fn status(&self, profile: &str) -> keyfob_shared::wire::ProfileStatus {
        self.engine.profiles().into_iter().find(|status| status.name.as_str() == profile).unwrap()
    }

    pub(super) fn state(&self, profile: &str) -> String {
        self.status(profile).state
    }
}
