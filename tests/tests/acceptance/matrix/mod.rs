//! Every client works on across renewals: each SDK and tool, in each way to get credentials, as one process.

mod table;

use crate::clients::{self, Way};
use keyfob_tests::World;
use keyfob_tests::emulator::Traffic;
use keyfob_tests::world::signal;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use table::{CLIENTS, Kit, Need, SETUP};

/// Longer than what the SDKs want to be left of a session: 15 s for Java, 10 s for Rust.
const LIFETIME: u64 = 20;
/// How long each client makes requests at least, from the first to the last.
const LEAST: Duration = Duration::from_secs(LIFETIME * 5 / 2);
/// How long they are told to: some take seconds until the first.
const SECONDS: u64 = LIFETIME * 3;
/// How long each request to the object store takes, so that tools are as slow as the SDKs' loops.
const DELAY: Duration = Duration::from_millis(200);
/// A client that is not done by then hangs.
const LIMIT: Duration = Duration::from_secs(SECONDS * 3);

#[test]
fn every_client_works_on_across_renewals_through_credential_process() {
    across_renewals(Way::CredentialProcess);
}

#[test]
fn every_client_works_on_across_renewals_through_exec() {
    across_renewals(Way::Exec);
}

fn across_renewals(way: Way) {
    let world = world();
    let mut table = format!(
        "{:18} {:24} seconds  requests  refused  sessions  mints  helper starts\n",
        format!("{way:?}"),
        "version"
    );
    let mut failures = Vec::new();
    let mut running = Vec::new();
    for client in CLIENTS {
        match (client.prepare)(&Kit { world: &world, way, name: client.name }) {
            Ok(command) => running.push((client, start(&world, client.name, command))),
            Err(why) => {
                let _ = writeln!(table, "{:18} skipped: {}", client.name, why.trim());
                let required = client.need == Need::Required && std::env::var_os("CI").is_some();
                failures.extend(required.then(|| format!("{}: {why}", client.name)));
            }
        }
    }
    let end = Instant::now() + LIMIT;
    for (client, child) in running {
        let ended = wait(child, end);
        let traffic = world.aws.traffic(client.name);
        let _ = writeln!(table, "{}", row(&world, client.name, &traffic));
        if let Err(why) = ended.and_then(|()| judge(&traffic)) {
            let said = fs::read_to_string(world.path(&format!("{}.out", client.name))).unwrap_or_default();
            failures.push(format!("{}: {why}\n{:?}\n{said}", client.name, traffic.refused));
        }
    }
    // Past the runner, which shows nothing of a test that passes.
    let _ = std::io::stderr().write_all(table.as_bytes());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(world.aws.unserved(), Vec::<String>::new());
}

fn world() -> World {
    let world = World::new();
    let mut config = String::from("[identity.alice]\ntype = \"iam-user\"\n");
    let names: Vec<&str> = CLIENTS.iter().map(|client| client.name).chain([SETUP]).collect();
    for name in &names {
        let _ = write!(
            config,
            "[profile.{name}]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/{name}\"\nregion = \"eu-west-1\"\n"
        );
    }
    world.config(&config);
    world.add_key("alice");
    world.aws.lifetime(Duration::from_secs(LIFETIME));
    world.aws.objects_delay(DELAY);
    clients::configure(&world, &names);
    world
}

fn start(world: &World, name: &str, mut command: Command) -> Child {
    let output = File::create(world.path(&format!("{name}.out"))).unwrap();
    command.stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap()
}

fn wait(mut child: Child, end: Instant) -> Result<(), String> {
    while Instant::now() < end {
        match child.try_wait().unwrap() {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(status.to_string()),
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    }
    signal(child.id(), rustix::process::Signal::KILL);
    let _ = child.wait();
    Err(format!("not done within {LIMIT:?}"))
}

fn judge(traffic: &Traffic) -> Result<(), String> {
    if !traffic.refused.is_empty() {
        return Err("requests were refused".into());
    }
    if traffic.lasted() < LEAST {
        return Err(format!("it made requests for {:?} only", traffic.lasted()));
    }
    match traffic.keys.len() {
        0 | 1 => Err("it used one session only".into()),
        _ => Ok(()),
    }
}

/// Answers the helper starts that the audit has of a profile, and the sessions minted for it.
fn row(world: &World, name: &str, traffic: &Traffic) -> String {
    let audit = world.keyfob(&["audit", "--json"]);
    let lines = audit.ok().lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let starts = lines.filter(|line| line["request"] == "get" && line["profile"] == name).count();
    let role = format!(":role/{name}");
    let is_own = |call: &keyfob_tests::emulator::Call| {
        call.parameters.get("RoleArn").is_some_and(|arn| arn.ends_with(&role))
    };
    let mints = world.aws.mints().into_iter().filter(is_own).count();
    let version = traffic.agent.split(' ').find(|part| part.contains('/')).unwrap_or("unknown");
    let seconds = traffic.lasted().as_secs();
    let (accepted, refused, sessions) = (traffic.accepted, traffic.refused.len(), traffic.keys.len());
    format!("{name:18} {version:24} {seconds:7} {accepted:9} {refused:8} {sessions:9} {mints:6} {starts:14}")
}
