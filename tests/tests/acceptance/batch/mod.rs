//! The long batch: uploads that outlive any session, while everything around them goes wrong, one thing after another.

mod clocks;
mod disturbances;
mod forecast;
mod load;

use crate::clients::Way;
use forecast::{Clocks, LIFETIME, Stretch};
use keyfob_tests::keychain::Keychain;
use keyfob_tests::world::{eventually, signal};
use keyfob_tests::{Emulator, World};
use load::{Credentials, Load, PARTS, Wanted};
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime};

const LIFETIMES: u32 = 20;
const LIFE: Duration = Duration::from_millis(LIFETIME as u64);

/// Clients at work, and what has happened to them so far.
struct Batch {
    load: Load,
    keychain: Keychain,
    world: World,
    start: Instant,
    stretches: Vec<Stretch>,
    clocks: Clocks,
    table: String,
}

/// How much of something there was.
struct Count {
    accepted: u64,
    refused: usize,
    mints: usize,
}

impl Count {
    fn of(aws: &Emulator) -> Self {
        Self { accepted: aws.accepted(), refused: aws.refused().len(), mints: aws.mints().len() }
    }
}

impl Batch {
    /// Starts clients, each with its way to get credentials, in a world that was prepared; `None` where a part is missing.
    fn start(title: &str, wanted: &[Wanted], prepare: impl FnOnce(&mut World) -> Option<()>) -> Option<Self> {
        let mut world = World::new();
        world.copy_programs();
        let keychain = Keychain::start(&mut world)?;
        prepare(&mut world)?;
        world.config(&format!("[daemon]\nvault = \"auto\"\n{}", roles(wanted)));
        world.add_key("alice");
        world.aws.lifetime(LIFE);
        for (name, _) in wanted {
            eventually("the first session", Duration::from_secs(60), || world.get(name).status == 0);
        }
        world.aws.judge_by_signature();
        let load = Load::start(&world, wanted)?;
        let (start, stretches) = (Instant::now(), Vec::new());
        let table = format!("{title}\n   at s  for s  requests  refused  STS calls\n");
        let mut batch = Self { load, keychain, world, start, stretches, clocks: Clocks::Same, table };
        batch.step("all clients come to work", 0, Duration::ZERO, |batch| {
            let names: Vec<&str> = batch.load.clients.iter().map(|client| client.name).collect();
            eventually("parts of every client", Duration::from_secs(180), || {
                let works = |name: &&str| batch.world.aws.traffic(name).accepted > PARTS;
                names.iter().all(works) || !batch.load.ended().is_empty()
            });
        });
        Some(batch)
    }

    /// Does something to the clients or to what they depend on, and looks what became of them.
    ///
    /// `more` are the calls of STS for each profile that need no reason of the margin, and `lost` the time without any.
    fn step(&mut self, name: &str, more: usize, lost: Duration, act: impl FnOnce(&mut Self)) {
        let (from, clocks) = (SystemTime::now(), self.clocks);
        self.stretches.push(Stretch { name: name.to_owned(), from, clocks, more, lost });
        let (before, start) = (Count::of(&self.world.aws), Instant::now());
        act(self);
        let after = Count::of(&self.world.aws);
        let _ = writeln!(
            self.table,
            "{:7.1} {:6.1} {:9} {:8} {:10}  {name}",
            (start - self.start).as_secs_f32(),
            start.elapsed().as_secs_f32(),
            after.accepted - before.accepted,
            after.refused - before.refused,
            after.mints - before.mints
        );
        let ended = self.load.ended();
        let said: String = ended.iter().map(|name| load::said(&self.world, name)).collect();
        let refused = self.world.aws.refused();
        assert!(
            ended.is_empty() && refused.is_empty(),
            "{ended:?} have ended; {refused:?}\n{said}\n{}",
            self.table
        );
    }

    /// Lets time pass.
    fn pass(&self, time: Duration) {
        std::thread::sleep(time);
    }

    /// Ends the clients and judges what they have done.
    fn end(mut self, uploads: usize) {
        self.step("all clients come to their end", 0, Duration::ZERO, |batch| {
            batch.load.end(&batch.world);
        });
        let done = self.world.aws.uploads();
        let names: Vec<String> = self.names();
        for name in &names {
            let traffic = self.world.aws.traffic(name);
            let own: Vec<_> = done.iter().filter(|upload| upload.bucket == *name).collect();
            let is_right = |upload: &&&keyfob_tests::emulator::Finished| {
                upload.parts as u64 == PARTS && upload.sha256 == self.load.sha256
            };
            let right = own.iter().filter(is_right).count();
            let _ = writeln!(
                self.table,
                "{name:8} {right} of {} uploads right, of {PARTS} parts each; {} requests in {} s, {} refused; {} sessions",
                own.len(),
                traffic.accepted,
                traffic.lasted().as_secs(),
                traffic.refused.len(),
                traffic.keys.len()
            );
            assert!(right == own.len() && right >= uploads, "{}", self.table);
        }
        let mut wrong = Vec::new();
        let log = std::fs::read_to_string(self.world.path("state/keyfobd.log")).unwrap();
        for name in &names {
            let role = format!(":role/{name}");
            let mut calls = self.world.aws.mints();
            calls.retain(|call| call.parameters.get("RoleArn").is_some_and(|arn| arn.ends_with(&role)));
            match forecast::judge(name, &calls, &self.stretches, starved(&log, name)) {
                Ok(line) => writeln!(self.table, "{line}").unwrap(),
                Err(why) => wrong.push(why),
            }
        }
        let _ = writeln!(self.table, "{} requests at a time at most", self.world.aws.most_at_once());
        // Past the runner, which shows nothing of a test that passes.
        let _ = std::io::stderr().write_all(self.table.as_bytes());
        assert_eq!(wrong, Vec::<String>::new());
        assert!(self.world.aws.most_at_once() >= 16, "{}", self.table);
        assert_eq!(self.world.aws.refused(), Vec::<String>::new());
        assert_eq!(self.world.aws.unserved(), Vec::<String>::new());
    }

    /// Answers the names of the profiles.
    fn names(&self) -> Vec<String> {
        let profiles = self.world.status()["profiles"].as_array().cloned().unwrap_or_default();
        profiles.iter().filter_map(|profile| profile["name"].as_str().map(str::to_owned)).collect()
    }
}

/// Answers a profile, with a role of its own, for each client.
fn roles(wanted: &[Wanted]) -> String {
    let mut config = String::from("[identity.alice]\ntype = \"iam-user\"\n");
    for (name, _) in wanted {
        let _ = write!(
            config,
            "[profile.{name}]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/{name}\"\nregion = \"eu-west-1\"\n"
        );
    }
    config
}

/// Answers how often the machine was too slow for a call of a profile, by the daemon's log: each is made again.
fn starved(log: &str, name: &str) -> usize {
    let role = format!("role/{name}:");
    let is_slow = |line: &&str| {
        line.contains("no answer within") && line.contains(&role) || line.contains("keychain does not answer")
    };
    log.lines().filter(is_slow).count()
}

impl Drop for Batch {
    fn drop(&mut self) {
        for pid in self.world.processes() {
            signal(pid, rustix::process::Signal::KILL);
        }
    }
}

const EXEC: Credentials = Credentials::Renewed(Way::Exec);
const PROCESS: Credentials = Credentials::Renewed(Way::CredentialProcess);

#[test]
fn a_batch_outlives_twenty_sessions_and_everything_that_goes_wrong() {
    let title = "the long batch: cli and boto3 through exec, rclone through credential_process";
    let wanted = [("cli", EXEC), ("boto3", EXEC), ("rclone", PROCESS)];
    let Some(mut batch) = Batch::start(title, &wanted, |_| Some(())) else { return };
    batch.nothing(Duration::from_secs(20));
    batch.outages();
    batch.restart();
    batch.upgrade();
    batch.kill();
    batch.suspend();
    batch.clock_steps();
    batch.keychain_restarts();
    batch.until(LIFE * LIFETIMES);
    batch.end(3);
}

#[test]
fn a_batch_the_other_way_round_outlives_a_kill_a_suspension_and_an_outage() {
    let title = "the same with cli and boto3 through credential_process, rclone through exec";
    let wanted = [("cli", PROCESS), ("boto3", PROCESS), ("rclone", EXEC)];
    let Some(mut batch) = Batch::start(title, &wanted, |_| Some(())) else { return };
    batch.outages();
    batch.kill();
    batch.suspend();
    batch.end(1);
}

#[test]
fn the_same_batch_with_static_keys_fails_at_the_first_expiry() {
    let world = World::new();
    let wanted = ["cli", "boto3", "rclone"].map(|name| (name, Credentials::Static));
    world.config(&roles(&wanted));
    world.add_key("alice");
    world.aws.lifetime(LIFE);
    let Some(mut load) = Load::start(&world, &wanted) else { return };
    let mut table = String::from("the same with static keys\n");
    for client in &mut load.clients {
        let status = client.wait(Duration::from_secs(120));
        let (said, traffic) = (load::said(&world, client.name), world.aws.traffic(client.name));
        assert!(!status.success(), "{}: {said}", client.name);
        // Some are refused; others know the end and don't ask any more.
        let why = traffic.refused.first().cloned().unwrap_or_else(|| said.trim().to_owned());
        assert!(why.contains("expired"), "{}: {why}", client.name);
        assert_eq!(traffic.keys.len(), 1);
        let done = world.aws.uploads().iter().filter(|upload| upload.bucket == client.name).count();
        let (accepted, refused) = (traffic.accepted, traffic.refused.len());
        let _ = writeln!(
            table,
            "{:8} {accepted} requests, then {refused} refused; {done} uploads done; {}",
            client.name,
            why.lines().last().unwrap_or_default()
        );
    }
    let _ = std::io::stderr().write_all(table.as_bytes());
}
