//! Random histories: whatever happens in whatever order, the promises of the engine hold.

use super::world::{CONFIG, HOUR, World, config};
use super::*;
use crate::mint::MintErrorKind;
use proptest::prelude::*;
use std::collections::HashSet;

#[derive(Clone, Debug)]
enum Op {
    Get(usize),
    Pass(i64),
    Succeed(usize, i64, i64),
    Fail(usize, usize),
    StepWallClock(i64),
    Login,
    Loaded(bool),
    Lock,
    Unlock,
    Logout,
    KeyChanged,
    Configure(usize),
}

const PROFILES: [&str; 6] = ["a", "b", "plain", "role", "chain", "absent"];
const KINDS: [MintErrorKind; 6] = [
    MintErrorKind::Transient,
    MintErrorKind::SourceExpired,
    MintErrorKind::ClockSkew,
    MintErrorKind::DurationTooLong,
    MintErrorKind::MfaRefused,
    MintErrorKind::Final,
];
const RENEW: [&str; 3] = ["active", "always", "on-demand"];

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..PROFILES.len()).prop_map(Op::Get),
        6 => prop_oneof![0..5_000i64, 0..HOUR, 0..20 * HOUR].prop_map(Op::Pass),
        8 => (0..8usize, prop_oneof![0..3_000i64, 0..60_000i64, Just(HOUR), Just(12 * HOUR)], prop_oneof![4 => Just(0), 1 => -HOUR..HOUR])
            .prop_map(|(index, life, ahead)| Op::Succeed(index, life, ahead)),
        6 => (0..8usize, 0..KINDS.len()).prop_map(|(index, kind)| Op::Fail(index, kind)),
        1 => (-3 * HOUR..3 * HOUR).prop_map(Op::StepWallClock),
        2 => Just(Op::Login),
        2 => any::<bool>().prop_map(Op::Loaded),
        1 => Just(Op::Lock),
        2 => Just(Op::Unlock),
        1 => Just(Op::Logout),
        1 => Just(Op::KeyChanged),
        1 => (0..RENEW.len()).prop_map(Op::Configure),
    ]
}

/// The world, and what must stay true in it.
struct Model {
    world: World,
    asked: Vec<WaiterId>,
    seen_answers: usize,
    codes: HashSet<String>,
    next_code: u32,
    // Mints whose result nobody wants any more.
    abandoned: HashSet<MintId>,
    // The true end of each session by the clock that does not step.
    ends: std::collections::BTreeMap<String, Monotonic>,
}

impl Model {
    fn run(&mut self, op: Op) {
        match op {
            Op::Get(index) => {
                let waiter = self.world.get(PROFILES[index]);
                self.asked.push(waiter);
            }
            Op::Pass(millis) => {
                let before = self.world.ticks;
                self.world.pass(millis);
                let ticks = self.world.ticks - before;
                assert!(ticks <= 60 + millis as usize / 1_000, "{ticks} wake-ups in {millis} ms");
            }
            Op::Succeed(index, lifetime, ahead) => {
                if !self.world.mints.is_empty() {
                    let end = self.world.now.monotonic.plus(lifetime);
                    self.ends.insert(format!("ASIA{}", self.world.minted + 1), end);
                    self.world.succeed_at(index % self.world.mints.len(), lifetime, ahead);
                }
            }
            Op::Fail(index, kind) => {
                if !self.world.mints.is_empty() {
                    self.world.fail_at(index % self.world.mints.len(), KINDS[kind]);
                }
            }
            Op::StepWallClock(millis) => self.world.step_wall_clock(millis),
            Op::Login => {
                self.next_code += 1;
                let waiter = self.world.login("alice", Some(&format!("{:06}", self.next_code)));
                self.asked.push(waiter);
            }
            Op::Loaded(works) => {
                let items = self.world.saved.clone().into_iter().collect();
                let failure = Failure::new(keyfob_shared::FailureKind::Upstream, "no keychain");
                self.world.loaded(if works { Ok(items) } else { Err(failure) });
            }
            Op::Lock => self.disturb(Event::Lock),
            Op::Unlock => self.world.handle(Event::Unlock),
            Op::Logout => self.disturb(Event::Logout(Scope::All)),
            Op::KeyChanged => {
                let identity = "bob".parse().unwrap();
                self.disturb(Event::KeyChanged { identity, replaced: Replaced::OtherKey });
            }
            Op::Configure(index) => {
                let text = format!(
                    "[daemon]\nrenew = \"{}\"\n{}",
                    RENEW[index],
                    CONFIG.replace("role/R", &format!("role/R{index}"))
                );
                self.disturb(Event::Configured(config(&text)));
            }
        }
        self.check();
    }

    /// An event after which mints in flight may be left to themselves.
    fn disturb(&mut self, event: Event) {
        self.abandoned.extend(self.world.mints.iter().map(|mint| mint.id));
        self.world.handle(event);
    }

    fn check(&mut self) {
        let mut in_flight = HashSet::new();
        for mint in self.world.mints.iter().filter(|mint| !self.abandoned.contains(&mint.id)) {
            assert!(in_flight.insert((mint.identity.clone(), mint.step.clone())), "two mints for one slot");
        }
        for mint in &self.world.mints {
            if let Some(code) = &mint.code {
                self.codes.insert(code.expose().to_owned());
            }
        }
        let now = self.world.now;
        for (_, answer) in self.world.answers.iter().skip(self.seen_answers) {
            if let Answer::Served { reply, access_key_id } = answer {
                // The `Date` header has whole seconds.
                let end = self.ends[access_key_id].plus(1_000);
                assert!(now.monotonic < end, "served {access_key_id} after its end");
                let told =
                    reply.expose().split("\"Expiration\":\"").nth(1).unwrap().split('"').next().unwrap();
                let told = Timestamp::parse(told).unwrap();
                assert!(told > now.wall, "told an end that is past");
                let left = told.millis() - now.wall.millis();
                assert!(now.monotonic.plus(left) <= end, "told a later end than the true one");
            }
        }
        self.seen_answers = self.world.answers.len();
    }

    fn end(&mut self) {
        self.world.pass(51_000);
        self.check();
        let mut answered = HashMap::new();
        for (waiter, _) in &self.world.answers {
            *answered.entry(*waiter).or_insert(0) += 1;
        }
        for waiter in &self.asked {
            assert_eq!(answered.get(waiter), Some(&1), "waiter {waiter}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn promises_hold_in_every_history(ops in prop::collection::vec(op(), 1..80), loaded: bool) {
        let world = if loaded { World::new(CONFIG) } else { World::unloaded(CONFIG) };
        let mut model = Model {
            world,
            asked: Vec::new(),
            seen_answers: 0,
            codes: HashSet::new(),
            next_code: 100_000,
            abandoned: HashSet::new(),
            ends: std::collections::BTreeMap::new(),
        };
        for op in ops {
            model.run(op);
        }
        model.end();
    }
}
