//! The promises of the design about other users, other processes and secrets.

use keyfob_tests::world::{OTHER_USER, eventually, is_private, signal};
use keyfob_tests::{Run, World, parts};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

fn open_to_all(world: &World) {
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(&world.path("run"), 0o755);
    mode(&world.path("run/keyfob"), 0o755);
    mode(&world.socket(), 0o666);
}

/// Connects as a user, sends a whole request and answers what came back, in hexadecimal.
fn knock(world: &World, user: Option<u32>) -> Run {
    let script = r#"use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
connect($s, sockaddr_un($ARGV[0])) or die "connect: $!";
$SIG{PIPE} = "IGNORE"; my $r = '{"get":{"profile":"p"}}';
syswrite($s, pack("N", 1) . "1" . pack("N", length $r) . $r);
my ($all, $piece) = ("", ""); while (sysread($s, $piece, 65536)) { $all .= $piece } print unpack("H*", $all);"#;
    let mut perl = world.command_as(user, "perl");
    Run::from(perl.args(["-e", script]).arg(world.socket()).output().unwrap())
}

#[test]
fn another_user_gets_no_byte() {
    if !parts::is_root() {
        return;
    }
    let mut world = World::with_profile();
    world.get("p").ok();
    open_to_all(&world);
    let served = knock(&world, None);
    assert!(served.ok().len() > 100, "the knock works for the user: {served:?}");
    assert_eq!(knock(&world, Some(OTHER_USER)).ok(), "");
    // The client too: it refuses a daemon of somebody else, and the daemon refuses it.
    world.copy_programs();
    let mut client = world.command_as(Some(OTHER_USER), world.program("keyfob"));
    let run = Run::from(client.args(["get", "p"]).env("KEYFOB_SOCKET", world.socket()).output().unwrap());
    assert!(run.failed(5).contains("another user"), "{run:?}");
    eventually("the refusal is in the audit", Duration::from_secs(3), || {
        world.keyfob(&["audit", "--json"]).ok().contains("\"outcome\":\"refused\"")
    });
    let audit = world.keyfob(&["audit", "--json"]);
    assert!(audit.ok().contains(&format!("\"uid\":{OTHER_USER}")), "{audit:?}");
}

#[test]
fn root_gets_no_byte_unless_it_is_allowed() {
    if !parts::is_root() {
        return;
    }
    let mut world = World::new();
    world.give_to(OTHER_USER);
    let text = "[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n";
    world.config(text);
    world.add_key("alice");
    world.get("p").ok();
    assert_eq!(knock(&world, Some(0)).ok(), "");
    assert!(knock(&world, Some(OTHER_USER)).ok().len() > 100);
    world.config(&format!("[daemon]\nvault = \"memory\"\nallow_root = true\n{text}"));
    world.keyfob(&["daemon", "restart"]).ok();
    world.add_key("alice");
    world.get("p").ok();
    assert!(knock(&world, Some(0)).ok().len() > 100);
}

#[test]
fn other_processes_of_the_user_can_not_read_the_daemon() {
    if !parts::is_root() {
        return;
    }
    let mut world = World::new();
    world.give_to(OTHER_USER);
    world.config("[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n");
    world.add_key("alice");
    world.get("p").ok();
    let daemon = world.daemons()[0];
    let mut sleep = world.command("sleep").arg("60").spawn().unwrap();
    // setpriv becomes sleep.
    eventually("sleep runs", Duration::from_secs(3), || {
        fs::read_to_string(format!("/proc/{}/comm", sleep.id())).is_ok_and(|name| name.trim() == "sleep")
    });
    let read = |pid: u32, name: &str| {
        let path = format!("/proc/{pid}/{name}");
        Run::from(world.command("cat").arg(path).output().unwrap())
    };
    for name in ["environ", "maps"] {
        assert_eq!(read(sleep.id(), name).status, 0, "{name} of an ordinary process");
        assert_ne!(read(daemon, name).status, 0, "{name}");
    }
    let memory = read(daemon, "mem");
    assert!(memory.status != 0 && memory.stderr.contains("ermission denied"), "{memory:?}");
    if parts::find("gdb").is_some() {
        let attach = |pid: u32| {
            let mut gdb = world.command("gdb");
            let run = Run::from(gdb.args(["-batch", "-nx", "-p", &pid.to_string()]).output().unwrap());
            format!("{}{}", run.stdout, run.stderr)
        };
        assert!(!attach(sleep.id()).contains("not permitted"), "gdb can attach at all");
        assert!(attach(daemon).contains("not permitted"), "{}", attach(daemon));
    }
    let _ = sleep.kill();
    let _ = sleep.wait();
    world.get("p").ok();
}

#[test]
fn a_crash_leaves_no_core() {
    let world = World::with_profile();
    world.get("p").ok();
    let daemon = world.daemons()[0];
    let limits = fs::read_to_string(format!("/proc/{daemon}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    signal(daemon, rustix::process::Signal::ABORT);
    eventually("the daemon has ended", Duration::from_secs(3), || world.daemons().is_empty());
    // The hunt at the end of the world reads every file below its directory.
}

#[test]
fn credentials_of_the_environment_are_neither_used_nor_kept() {
    let mut world = World::with_profile();
    world.keyfob(&["daemon", "stop"]).ok();
    let poison = "AKIAPOISONPOISON0000";
    world.add_secret(poison);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"] {
        world.environment.insert(name.into(), poison.into());
    }
    let key = world.aws.add_user("alice");
    let mut run = world.command(world.program("keyfobd"));
    let mut daemon = run.stderr(std::process::Stdio::null()).spawn().unwrap();
    eventually("the daemon serves", Duration::from_secs(5), || world.socket().exists());
    world
        .keyfob_with_input(
            &["key", "add", "alice", "--access-key-id", &key.access_key_id],
            &key.secret_access_key,
        )
        .ok();
    world.get("p").ok();
    assert_eq!(world.aws.mints()[0].access_key_id, key.access_key_id);
    let environment = fs::read_to_string(format!("/proc/{}/environ", world.daemons()[0])).unwrap();
    assert!(environment.contains("KEYFOB_CONFIG") && !environment.contains("AWS_"), "{environment}");
    world.kill_daemons();
    let _ = daemon.wait();
}

#[test]
fn a_locked_agent_serves_nothing() {
    let world = World::with_profile();
    world.get("p").ok();
    world.keyfob(&["lock"]).ok();
    for arguments in [&["get", "p"] as &[_], &["env", "p"], &["key", "list"], &["login", "alice"]] {
        assert!(world.keyfob(arguments).failed(4).contains("hint: keyfob unlock"), "{arguments:?}");
    }
    assert_eq!(world.profile("p")["state"], "locked");
    assert_eq!(world.status()["daemon"]["locked"], true);
    world.kill_daemons();
    assert_eq!(world.get("p").status, 4, "a lock outlives the daemon");
    world.keyfob(&["unlock"]).ok();
    world.add_key("alice");
    world.get("p").ok();
    world.keyfob(&["daemon", "restart"]).ok();
    assert_eq!(world.get("p").status, 3, "unlocked, but the memory vault has forgotten the key");
}

#[test]
fn files_are_for_their_owner_only() {
    let mut world = World::with_profile();
    world.config(&format!(
        "[daemon]\nvault = \"file\"\nvault_key_file = \"{}\"\n[identity.alice]\ntype = \"iam-user\"\n",
        world.path("state/own.key").display()
    ));
    world.environment.insert("XDG_RUNTIME_DIR".into(), world.path("run/fresh").into());
    fs::create_dir(world.path("run/fresh")).unwrap();
    world.keyfob(&["daemon", "stop"]).ok();
    world.kill_daemons();
    world.add_key("alice");
    world.keyfob(&["audit"]).ok();
    for name in [
        "state/audit.jsonl",
        "state/keyfobd.log",
        "state/own.key",
        "state/vault",
        "run/fresh/keyfob",
        "run/fresh/keyfob/agent.sock",
    ] {
        eventually(name, Duration::from_secs(3), || is_private(&world.path(name)));
    }
}

#[test]
fn the_hunt_finds_what_was_planted() {
    let world = World::with_profile();
    world.get("p").ok();
    assert!(world.hunt().is_empty());
    let secret = world.aws.secrets().pop().unwrap();
    fs::write(world.path("state/planted"), &secret).unwrap();
    assert_eq!(world.hunt().len(), 1);
    fs::remove_file(world.path("state/planted")).unwrap();
    world.keyfob(&["profile", "show", &secret[..20]]).failed(2);
    assert!(world.hunt().is_empty());
}
