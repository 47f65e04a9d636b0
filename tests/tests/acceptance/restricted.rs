//! Restricted sockets: whoever is behind one gets less than the person.

use keyfob_tests::world::{OTHER_USER, eventually};
use keyfob_tests::{Run, World, parts};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const SECOND: Duration = Duration::from_secs(1);

/// Two profiles, of which a socket serves one, and that scoped down.
fn text(socket: &str) -> String {
    let role = |name: &str, role: &str| {
        format!(
            "[profile.{name}]\nidentity = \"alice\"\nregion = \"eu-west-1\"\nrole_arn = \"arn:aws:iam::111122223333:role/{role}\"\n"
        )
    };
    format!(
        "[identity.alice]\ntype = \"iam-user\"\n{}{}{}{socket}",
        role("ci", "Ci"),
        role("build-1", "Build"),
        role("prod", "Production")
    )
}

pub(crate) fn scoped() -> String {
    text(&format!("[socket.ci-agent]\nprofiles = [\"ci\", \"build-*\"]\npolicy_arns = [\"{READ_ONLY}\"]\n"))
}

pub(crate) fn world(text: &str) -> World {
    let world = World::new();
    world.config(text);
    world.add_key("alice");
    world
}

pub(crate) fn socket(world: &World) -> PathBuf {
    world.path("run/keyfob/ci-agent.sock")
}

/// Runs the client as somebody who knows only a socket, and has no daemon.
fn inside_at(world: &World, socket: &Path, arguments: &[&str]) -> Run {
    let alone = world.path("home/keyfob");
    if !alone.exists() {
        // Not by this process: a child that is started meanwhile would hold the file open for writing.
        let copied = world.command("cp").arg(world.program("keyfob")).arg(&alone).status();
        assert!(copied.unwrap().success());
    }
    let mut client = world.command(alone);
    client.env_clear().env("KEYFOB_SOCKET", socket).env("HOME", world.path("home")).args(arguments);
    let run = Run::from(client.output().unwrap());
    let is_document = matches!(arguments.first(), Some(&("get" | "env"))) && run.status == 0;
    no_secrets(world, &run.stderr);
    no_secrets(world, if is_document { "" } else { &run.stdout });
    run
}

pub(crate) fn inside(world: &World, arguments: &[&str]) -> Run {
    inside_at(world, &socket(world), arguments)
}

#[track_caller]
pub(crate) fn no_secrets(world: &World, text: &str) {
    assert!(!world.secrets().iter().any(|secret| text.contains(secret.as_str())), "a secret: {text}");
}

fn sockets(world: &World) -> Vec<Value> {
    world.status()["sockets"].as_array().cloned().unwrap_or_default()
}

pub(crate) fn audit(world: &World) -> Vec<Value> {
    let run = world.keyfob(&["audit", "--json"]);
    run.ok().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn its_profiles_are_served_with_sessions_of_their_own() {
    let world = world(&scoped());
    let own = world.get("ci").access_key_id();
    let scoped = inside(&world, &["get", "ci"]).access_key_id();
    assert_ne!(own, scoped);
    let mints = world.aws.mints();
    assert_eq!(mints[1].parameters["PolicyArns.member.1.arn"], READ_ONLY);
    assert!(!mints[0].parameters.contains_key("PolicyArns.member.1.arn"));
    assert_eq!(inside(&world, &["get", "ci"]).access_key_id(), scoped, "kept like any other");
    assert_eq!(world.get("ci").access_key_id(), own);
    inside(&world, &["get", "build-1"]).ok();
    assert_eq!(world.aws.mints().len(), 3);
    eventually("it is written down", 3 * SECOND, || audit(&world).len() >= 6);
    let lines = audit(&world);
    let of = |key: &str| lines.iter().filter(|line| line["access_key_id"] == key).collect::<Vec<_>>();
    assert!(of(&scoped).iter().all(|line| line["socket"] == "ci-agent" && line["profile"] == "ci"));
    assert!(of(&own).iter().all(|line| line.get("socket").is_none()));
    let people = world.keyfob(&["audit"]);
    assert!(people.ok().contains("get      ci-agent  ci"), "{people:?}");
    world.keyfob(&["audit", "--verify"]).ok();
}

#[test]
fn without_policies_the_person_s_own_sessions_are_served() {
    let world = world(&text("[socket.ci-agent]\nprofiles = [\"ci\"]\n"));
    let own = world.get("ci").access_key_id();
    assert_eq!(inside(&world, &["get", "ci"]).access_key_id(), own);
    assert_eq!(inside(&world, &["get", "prod"]).status, 4);
    assert_eq!(world.aws.mints().len(), 1);
}

#[test]
fn listings_show_its_profiles_and_no_identity() {
    let world = world(&scoped());
    world.get("ci").ok();
    world.get("prod").ok();
    inside(&world, &["get", "ci"]).ok();
    let status = inside(&world, &["status", "--json"]).json();
    let names = |value: &Value| {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&status["profiles"]), ["build-1", "ci"]);
    assert_eq!(status["profiles"][1]["state"], "ready");
    assert_eq!((&status["identities"], &status["sockets"]), (&Value::Array(vec![]), &Value::Array(vec![])));
    assert_eq!(status["daemon"]["pid"], 0);
    let text = status.to_string();
    assert!(!text.contains("alice") && !text.contains(world.path("").to_str().unwrap()), "{text}");
    let listed = inside(&world, &["profile", "list", "--json"]);
    assert_eq!(names(&listed.json()), ["build-1", "ci"]);
    assert!(!listed.ok().contains("alice"));
    assert!(
        inside(&world, &["profile", "show", "ci"])
            .ok()
            .contains("AssumeRole arn:aws:iam::111122223333:role/Ci")
    );
    assert!(inside(&world, &["env", "ci", "--shell", "bash"]).status == 0, "env is a get");
    inside(&world, &["status"]).ok();
    // What the person sees: own profiles first, then those of the socket, marked.
    let person = world.status();
    let marks: Vec<_> =
        person["profiles"].as_array().unwrap().iter().map(|profile| profile.get("socket")).collect();
    assert_eq!(marks.iter().filter(|mark| mark.is_none()).count(), 3);
    assert!(marks[..3].iter().all(Option::is_none) && marks.len() == 5);
    assert_eq!(sockets(&world)[0]["state"], "ready");
    assert!(world.keyfob(&["status"]).ok().contains("ci (socket ci-agent)"));
}

#[test]
fn nobody_is_asked_for_anything_on_its_behalf() {
    let world = World::new();
    let ran = world.path("state/ran");
    let command = format!("echo x >> {}; echo 123456", ran.display());
    let identity = format!(
        "[identity.alice]\ntype = \"iam-user\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/alice\"\nmfa_command = [\"sh\", \"-c\", \"{command}\"]\n"
    );
    world.config(&scoped().replace("[identity.alice]\ntype = \"iam-user\"\n", &identity));
    world.add_key("alice");
    let run = inside(&world, &["get", "ci"]);
    assert!(run.failed(3).contains("hint: on the host: keyfob login ci"), "{run:?}");
    assert!(!ran.exists(), "the command that prints codes was run");
    assert!(world.aws.mints().is_empty());
    world.get("ci").ok();
    assert!(ran.exists(), "for the person it is");
    inside(&world, &["get", "ci"]).ok();
}

#[test]
fn failures_tell_less_than_on_the_host() {
    let world = world(&scoped());
    world.get("prod").ok();
    let message = "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: sts:AssumeRole";
    world.aws.fault(keyfob_tests::Fault::Error("AccessDenied", message));
    let run = inside(&world, &["get", "ci"]);
    assert!(
        run.failed(1).contains("hint: on the host: keyfob status") && !run.stderr.contains("alice"),
        "{run:?}"
    );
    assert!(!inside(&world, &["status", "--json"]).ok().contains("alice"));
    let told = world.status()["profiles"].to_string();
    assert!(told.contains("user/alice"), "the person sees it: {told}");
    world.keyfob(&["lock"]).ok();
    assert!(inside(&world, &["get", "ci"]).failed(4).contains("hint: on the host: keyfob unlock"));
}

#[test]
fn other_users_are_served_only_where_they_are_named() {
    if !parts::is_root() {
        return;
    }
    let mut world = World::new();
    world.copy_programs();
    world.config(&scoped());
    world.add_key("alice");
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let socket = socket(&world);
    assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o600);
    open(&world.path("run"), 0o711);
    open(&world.path("run/keyfob"), 0o711);
    open(&socket, 0o666);
    let ask = |told: Option<&str>| {
        let mut client = world.command_as(Some(OTHER_USER), world.program("keyfob"));
        client.env_remove("XDG_RUNTIME_DIR").env("KEYFOB_SOCKET", &socket).args(["get", "ci"]);
        told.map(|user| client.env("KEYFOB_DAEMON_UID", user));
        Run::from(client.output().unwrap())
    };
    assert_eq!(ask(Some("0")).status, 5, "the daemon closes without a byte");
    world.config(
        &scoped().replace("[socket.ci-agent]", &format!("[socket.ci-agent]\nallow_uids = [{OTHER_USER}]")),
    );
    eventually("they are served", SECOND, || ask(Some("0")).status == 0);
    assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o666);
    let refused = ask(None);
    assert!(refused.failed(5).contains("another user"), "the client does not trust the daemon: {refused:?}");
    assert_eq!(ask(Some("12345")).status, 5);
    let served = ask(Some("0"));
    assert!(served.access_key_id().starts_with("ASIA"), "{served:?}");
    eventually("it is written down", 3 * SECOND, || {
        audit(&world).iter().any(|line| line["uid"] == OTHER_USER && line["socket"] == "ci-agent")
    });
    let main = |user| {
        let mut client = world.command_as(Some(user), world.program("keyfob"));
        client.env("KEYFOB_SOCKET", world.socket()).env("KEYFOB_DAEMON_UID", "0").args(["get", "ci"]);
        Run::from(client.output().unwrap())
    };
    open(&world.socket(), 0o666);
    assert_eq!(main(OTHER_USER).status, 5, "the main socket is for its user");
    world.config(&scoped());
    eventually("the mode is changed", SECOND, || {
        fs::metadata(&socket).is_ok_and(|found| found.mode() & 0o777 == 0o600)
    });
    open(&socket, 0o666);
    assert_eq!(ask(Some("0")).status, 5);
}

#[test]
fn it_comes_and_goes_with_the_configuration() {
    let world = world(&text(""));
    world.get("ci").ok();
    let place = world.path("run/elsewhere/agent.sock");
    let at = |profiles: &str, more: &str| {
        text(&format!(
            "[socket.ci-agent]\npath = \"{}\"\nprofiles = [\"{profiles}\"]\n{more}",
            place.display()
        ))
    };
    let within_a_second = |what: &str, condition: &mut dyn FnMut() -> bool| {
        let start = Instant::now();
        while !condition() {
            assert!(start.elapsed() < SECOND, "{what}: {:?}", world.status());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    world.config(&at("ci", ""));
    within_a_second("it appears", &mut || {
        place.exists() && inside_at(&world, &place, &["get", "ci"]).status == 0
    });
    let scope = format!("policy_arns = [\"{READ_ONLY}\"]\n");
    let own = world.get("ci").access_key_id();
    world.config(&at("ci", &scope));
    within_a_second("the policy is in force", &mut || {
        inside_at(&world, &place, &["get", "ci"]).access_key_id() != own
    });
    let first = inside_at(&world, &place, &["get", "ci"]).access_key_id();
    let tight = r#"policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}'"#;
    world.config(&at("ci", &format!("{scope}{tight}\n")));
    within_a_second("an edited policy has a new session", &mut || {
        inside_at(&world, &place, &["get", "ci"]).access_key_id() != first
    });
    assert!(world.aws.mints().last().unwrap().parameters["Policy"].contains("Deny"));
    world.config(&at("prod", ""));
    within_a_second("the list is in force", &mut || inside_at(&world, &place, &["get", "ci"]).status == 4);
    world.keyfob(&["daemon", "restart"]).ok();
    world.add_key("alice");
    inside_at(&world, &place, &["get", "prod"]).ok();
    world.kill_daemons();
    eventually("the daemon has ended", 3 * SECOND, || world.daemons().is_empty());
    assert!(place.exists(), "a dead file is left");
    world.add_key("alice");
    inside_at(&world, &place, &["get", "prod"]).ok();
    fs::remove_file(&place).unwrap();
    eventually("a file that was removed is made again", 3 * SECOND, || {
        place.exists() && inside_at(&world, &place, &["get", "prod"]).status == 0
    });
    world.config(&text(""));
    within_a_second("it disappears", &mut || !place.exists());
    assert!(sockets(&world).is_empty());
    assert_eq!(world.daemons().len(), 1);
}

#[test]
fn a_path_that_can_not_be_had_harms_nobody_else() {
    let world = world(&text(""));
    fs::write(world.path("run/precious"), "precious").unwrap();
    let free = world.path("run/keyfob/free.sock");
    let socket = |name: &str, path: &Path| {
        format!("[socket.{name}]\npath = \"{}\"\nprofiles = [\"ci\"]\n", path.display())
    };
    fs::create_dir(world.path("run/open")).unwrap();
    fs::set_permissions(world.path("run/open"), fs::Permissions::from_mode(0o777)).unwrap();
    let long = world.path(&format!("run/{}.sock", "x".repeat(120)));
    world.config(&text(
        &[
            socket("precious", &world.path("run/precious")),
            socket("open", &world.path("run/open/agent.sock")),
            socket("main", &world.socket()),
            socket("nowhere", Path::new("/proc/keyfob/agent.sock")),
            socket("long", &long),
            socket("free", &free),
            "[socket.agent]\nprofiles = [\"ci\"]\n".into(),
        ]
        .concat(),
    ));
    eventually("the free one serves", 2 * SECOND, || inside_at(&world, &free, &["get", "ci"]).status == 0);
    world.get("prod").ok();
    let states: Vec<(String, String)> = sockets(&world)
        .iter()
        .map(|socket| (socket["name"].as_str().unwrap().into(), socket["state"].as_str().unwrap().into()))
        .collect();
    let failed = |name: &str| (name.to_owned(), "failed".to_owned());
    let ready = ("free".to_owned(), "ready".to_owned());
    let expected = [
        failed("agent"),
        ready,
        failed("long"),
        failed("main"),
        failed("nowhere"),
        failed("open"),
        failed("precious"),
    ];
    assert_eq!(states, expected, "by default `agent` would be where the main one is");
    let doctor = world.keyfob(&["doctor"]);
    for name in ["precious", "open", "main", "nowhere", "long", "agent"] {
        assert!(doctor.stdout.contains(&format!("error: socket {name}: ")), "{name}: {doctor:?}");
    }
    assert_eq!(fs::read_to_string(world.path("run/precious")).unwrap(), "precious");
    // What was in the way is gone: it is tried again.
    world.config(&text(&socket("precious", &world.path("run/precious"))));
    fs::remove_file(world.path("run/precious")).unwrap();
    eventually("it is had now", 3 * SECOND, || {
        sockets(&world).iter().all(|socket| socket["state"] == "ready")
            && inside_at(&world, &world.path("run/precious"), &["get", "ci"]).status == 0
    });
}

#[test]
fn a_client_of_a_restricted_socket_starts_no_daemon_that_would_give_it_all() {
    let mut world = world(&scoped());
    world.keyfob(&["daemon", "stop"]).ok();
    world.environment.insert("KEYFOB_SOCKET".into(), socket(&world).into());
    let run = world.get("prod");
    assert!(run.failed(5).contains("is restricted socket ci-agent"), "{run:?}");
    eventually("none is left", 3 * SECOND, || world.daemons().is_empty());
    world.environment.remove("KEYFOB_SOCKET");
    world.keyfob(&["daemon", "start"]).ok();
}
