//! Random histories: whatever happens in whatever order, the promises of the engine hold.

use super::world::{CONFIG, HOUR, World, config};
use super::*;
use crate::mint::MintErrorKind;
use keyfob_shared::{FailureKind, IdentityName};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet};

#[derive(Clone, Debug)]
enum Op {
    Get(usize),
    Pass(i64),
    Succeed(usize, i64),
    Fail(usize, usize),
    StepWallClock(i64),
    Login(usize),
    Loaded(usize, bool),
    Lock,
    Unlock,
    Logout(usize),
    KeyChanged(usize, bool),
    Configure(usize),
    Hold(usize, Option<i64>),
    Release(u64),
    Restart(bool),
}

const PROFILES: [&str; 7] = ["a", "b", "plain", "role", "chain", "command", "absent"];
const IDENTITIES: [&str; 3] = ["alice", "bob", "dora"];
const KINDS: [MintErrorKind; 6] = [
    MintErrorKind::Transient,
    MintErrorKind::SourceExpired,
    MintErrorKind::ClockSkew,
    MintErrorKind::DurationTooLong,
    MintErrorKind::MfaRefused,
    MintErrorKind::Final,
];
const RENEW: [&str; 3] = ["active", "always", "on-demand"];
const DORA: &str = r#"
[identity.dora]
type = "iam-user"
mfa_serial = "arn:aws:iam::111122223333:mfa/dora"
mfa_command = ["code"]
[profile.command]
identity = "dora"
role_arn = "arn:aws:iam::111122223333:role/D"
"#;

/// Two ways to renew for each of: the profiles, one of them edited, none.
fn text(index: usize) -> String {
    let daemon = format!("[daemon]\nrenew = \"{}\"\n", RENEW[index % RENEW.len()]);
    match index / RENEW.len() {
        0 => format!("{daemon}{CONFIG}{DORA}"),
        1 => format!("{daemon}{}{DORA}", CONFIG.replace("role/R", "role/Q")),
        _ => daemon,
    }
}

fn op() -> impl Strategy<Value = Op> {
    let lifetime = prop_oneof![0..3_000i64, 0..60_000i64, Just(HOUR), Just(12 * HOUR)];
    let step = prop_oneof![-3 * HOUR..-2_001, 2_001..3 * HOUR];
    prop_oneof![
        8 => (0..PROFILES.len()).prop_map(Op::Get),
        6 => prop_oneof![0..5_000i64, 0..HOUR, 0..20 * HOUR].prop_map(Op::Pass),
        8 => (0..8usize, lifetime).prop_map(|(index, life)| Op::Succeed(index, life)),
        6 => (0..8usize, 0..KINDS.len()).prop_map(|(index, kind)| Op::Fail(index, kind)),
        1 => step.prop_map(Op::StepWallClock),
        2 => (0..IDENTITIES.len()).prop_map(Op::Login),
        2 => (0..3usize, prop::bool::weighted(0.8)).prop_map(|(index, works)| Op::Loaded(index, works)),
        1 => Just(Op::Lock),
        2 => Just(Op::Unlock),
        1 => (0..=IDENTITIES.len() + PROFILES.len()).prop_map(Op::Logout),
        1 => (0..IDENTITIES.len(), any::<bool>()).prop_map(|(index, same)| Op::KeyChanged(index, same)),
        1 => (0..3 * RENEW.len()).prop_map(Op::Configure),
        1 => (0..PROFILES.len(), prop::option::of(0..20 * HOUR)).prop_map(|(index, lease)| Op::Hold(index, lease)),
        1 => (0..4u64).prop_map(Op::Release),
        1 => any::<bool>().prop_map(Op::Restart),
    ]
}

/// A mint as it was asked for.
#[derive(Clone, Debug)]
struct Asked {
    slot: SlotKey,
    identity: IdentityName,
    by_key: bool,
}

/// The world, and what must stay true in it.
struct Model {
    world: World,
    config: usize,
    stepped: bool,
    boot: usize,
    callers: HashMap<WaiterId, Option<ProfileName>>,
    seen_answers: usize,
    codes: HashSet<String>,
    next_code: u32,
    next_hold: u64,
    // Mints that were asked for, and those whose result nobody may see any more.
    mints: BTreeMap<MintId, Asked>,
    unwanted: HashSet<MintId>,
    // Of each session: what it was minted for, and its true end by the server's clock.
    sessions: BTreeMap<String, (Asked, i64)>,
    forgotten: HashSet<String>,
}

impl Model {
    fn new(loaded: bool, ahead: i64) -> Self {
        let mut world = World::unloaded(&text(0));
        world.server += ahead;
        if loaded {
            world.loaded(Ok(Vec::new()));
        }
        Self {
            world,
            config: 0,
            stepped: false,
            boot: 0,
            callers: HashMap::new(),
            seen_answers: 0,
            codes: HashSet::new(),
            next_code: 100_000,
            next_hold: 0,
            mints: BTreeMap::new(),
            unwanted: HashSet::new(),
            sessions: BTreeMap::new(),
            forgotten: HashSet::new(),
        }
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Get(index) => {
                let waiter = self.world.get(PROFILES[index]);
                self.callers.insert(waiter, Some(PROFILES[index].parse().unwrap()));
            }
            Op::Pass(millis) => self.pass(millis),
            Op::Succeed(index, lifetime) => self.succeed(index, lifetime),
            Op::Fail(index, kind) => {
                if !self.world.mints.is_empty() {
                    let index = index % self.world.mints.len();
                    self.world.refuse(index, KINDS[kind], self.world.server);
                }
            }
            Op::StepWallClock(step) => {
                self.stepped = true;
                // A server that is ahead by less than a second can't be told from one that is not.
                let ahead = self.world.server - self.world.now.wall.millis() - step;
                let step = if (1..2_000).contains(&ahead) { step + ahead } else { step };
                self.world.step_wall_clock(step);
            }
            Op::Login(index) => {
                self.next_code += 1;
                let code = (index != 2).then(|| format!("{:06}", self.next_code));
                let waiter = self.world.login(IDENTITIES[index], code.as_deref());
                self.callers.insert(waiter, None);
            }
            Op::Loaded(index, works) => {
                if !self.world.reads.is_empty() {
                    let (load, items) = self.world.reads.remove(index % self.world.reads.len());
                    let failure = Failure::new(FailureKind::Upstream, "no keychain");
                    self.world
                        .handle(Event::Loaded { load, result: if works { Ok(items) } else { Err(failure) } });
                }
            }
            Op::Lock => {
                self.unwanted.extend(self.mints.keys());
                self.world.handle(Event::Lock);
            }
            Op::Unlock => self.world.handle(Event::Unlock),
            Op::Logout(index) => self.logout(index),
            Op::KeyChanged(index, same) => {
                let identity: IdentityName = IDENTITIES[index].parse().unwrap();
                let replaced = if same { Replaced::SameKey } else { Replaced::OtherKey };
                self.forget(|asked| asked.identity == identity && (asked.by_key || !same), !same);
                self.world.handle(Event::KeyChanged { identity, replaced });
            }
            Op::Configure(index) => {
                self.config = index;
                self.world.handle(Event::Configured(config(&text(index))));
            }
            Op::Hold(index, lease) => {
                self.next_hold += 1;
                let (id, profile) = (HoldId(self.next_hold), PROFILES[index].parse().unwrap());
                self.world.handle(Event::Hold { id, profile, lease });
            }
            Op::Release(id) => self.world.handle(Event::Release(HoldId(self.next_hold.saturating_sub(id)))),
            // What is forgotten before the vault was read is remembered only by the daemon that was told.
            Op::Restart(same_boot) if self.world.engine.ended.is_empty() => self.restart(same_boot),
            Op::Restart(_) => {}
        }
        self.check();
    }

    fn succeed(&mut self, index: usize, lifetime: i64) {
        if self.world.mints.is_empty() {
            return;
        }
        let index = index % self.world.mints.len();
        let mint = self.world.mints[index].id;
        let (server, name) = (self.world.server, format!("ASIA{}", self.world.minted + 1));
        let end = (server + lifetime) / 1_000 * 1_000;
        self.sessions.insert(name.clone(), (self.mints[&mint].clone(), end));
        if self.unwanted.contains(&mint) {
            self.forgotten.insert(name);
        }
        self.world.grant(index, end, server);
    }

    fn pass(&mut self, millis: i64) {
        let before = self.world.ticks;
        self.world.pass(millis);
        // A renewal, an end and a pause for each slot, the ends of waits, the vault: nothing that goes on and on.
        let most = 3 * self.world.engine.slots.len() + self.callers.len() + 5;
        let ticks = self.world.ticks - before;
        assert!(ticks <= most, "{ticks} wake-ups in {millis} ms");
    }

    fn logout(&mut self, index: usize) {
        let scope = match index {
            0 => Scope::All,
            1..=3 => Scope::Identity(IDENTITIES[index - 1].parse().unwrap()),
            _ => Scope::Profile(PROFILES[index - 1 - IDENTITIES.len()].parse().unwrap()),
        };
        match &scope {
            Scope::All => self.forget(|_| true, true),
            Scope::Identity(identity) => self.forget(|asked| asked.identity == *identity, true),
            Scope::Profile(profile) => {
                let slot = self.world.engine.profiles.get(profile).map(|handed| handed.slot);
                self.forget(|asked| Some(asked.slot) == slot, true);
            }
        }
        self.world.handle(Event::Logout(scope));
    }

    /// Takes note that mints, and sessions too, may never be served from now on.
    fn forget(&mut self, which: impl Fn(&Asked) -> bool, sessions_too: bool) {
        let mints = self.mints.iter().filter(|(_, asked)| which(asked));
        self.unwanted.extend(mints.map(|(mint, _)| *mint));
        if sessions_too {
            let sessions = self.sessions.iter().filter(|(_, (asked, _))| which(asked));
            self.forgotten.extend(sessions.map(|(name, _)| name.clone()));
        }
    }

    /// Starts the daemon anew, also after a boot as long as nobody has set our clock: a record can't tell.
    fn restart(&mut self, same_boot: bool) {
        if self.stepped && (self.boot > 0 || !same_boot) {
            return;
        }
        if !same_boot {
            self.boot += 1;
            self.world.now.monotonic = Monotonic(500);
        }
        let world = std::mem::replace(&mut self.world, World::unloaded(""));
        self.world = world.restarted(&text(self.config), &boot_name(self.boot));
        self.mints.clear();
        self.unwanted.clear();
        self.callers.clear();
    }

    fn check(&mut self) {
        let engine = &self.world.engine;
        let wanted: HashSet<SlotKey> = engine.mints.values().copied().collect();
        assert_eq!(wanted.len(), engine.mints.len(), "two mints for one slot");
        for mint in &self.world.mints {
            if self.mints.contains_key(&mint.id) {
                continue;
            }
            // A mint that was abandoned by the event which asked for it is not known any more.
            let Some(slot) = engine.mints.get(&mint.id).copied() else { continue };
            let by_key = matches!(mint.from, From::Identity);
            self.mints.insert(mint.id, Asked { slot, identity: mint.identity.clone(), by_key });
            if let Some(code) = &mint.code {
                assert!(self.codes.insert(code.expose().to_owned()), "a code is in two mints");
            }
            if let From::Session(credentials) = &mint.from {
                let name = &credentials.access_key_id;
                assert!(!self.forgotten.contains(name), "{name} signs after it was forgotten");
            }
        }
        let fresh: Vec<_> = self.world.answers[self.seen_answers..].to_vec();
        self.seen_answers = self.world.answers.len();
        for (waiter, answer) in fresh {
            let profile = self.callers.remove(&waiter).expect("one answer for each caller");
            if let Answer::Served { reply, access_key_id } = answer {
                self.check_served(&profile.expect("a caller"), reply.expose(), &access_key_id);
            }
        }
    }

    fn check_served(&self, profile: &ProfileName, reply: &str, name: &str) {
        let (engine, now) = (&self.world.engine, self.world.now);
        let (asked, end) = &self.sessions[name];
        assert!(!engine.locked, "served by a locked agent");
        assert!(!self.forgotten.contains(name), "{name} was forgotten");
        assert_eq!(engine.profiles[profile].slot, asked.slot, "{name} is of another definition");
        assert!(self.world.server < *end, "served {name} after its end");
        let told = reply.split("\"Expiration\":\"").nth(1).unwrap().split('"').next().unwrap();
        let left = Timestamp::parse(told).unwrap().millis() - now.wall.millis();
        assert!(left > 0, "told an end that is past");
        assert!(self.world.server + left <= *end, "told a later end than the true one");
    }

    fn end(&mut self) {
        self.pass(51_000);
        self.check();
        assert!(self.callers.is_empty(), "nobody has answered {:?}", self.callers);
    }
}

fn boot_name(boot: usize) -> String {
    match boot {
        0 => "boot".into(),
        later => format!("boot {later}"),
    }
}

fn ahead() -> impl Strategy<Value = i64> {
    prop_oneof![2 => Just(0), 1 => -HOUR..=0, 1 => 1_000..HOUR, 1 => 1_000..5_000i64]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn promises_hold_in_every_history(ops in prop::collection::vec(op(), 1..80), loaded: bool, ahead in ahead()) {
        let mut model = Model::new(loaded, ahead);
        for op in ops {
            model.run(op);
        }
        model.end();
    }
}
