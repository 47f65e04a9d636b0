//! The client itself: how long it waits, where it looks, what it says, and where it writes.

use keyfob_tests::world::{OTHER_USER, eventually, signal};
use keyfob_tests::{Run, World, parts};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

/// Runs a line of shell in which `$0` is the client.
fn shell(world: &World, line: &str) -> Run {
    Run::from(world.command("sh").args(["-c", line]).arg(world.program("keyfob")).output().unwrap())
}

/// Runs a line of shell on a terminal of its own, and answers what is to be read there.
fn on_terminal(world: &World, line: &str) -> Option<String> {
    let script = parts::find("script")?;
    let line = line.replace("$0", &world.program("keyfob").display().to_string());
    let output = world.command(script).args(["-qec", &line, "/dev/null"]).output().unwrap();
    Some(String::from_utf8_lossy(&output.stdout).replace('\r', ""))
}

fn timed(run: impl FnOnce() -> Run) -> (Run, Duration) {
    let start = Instant::now();
    (run(), start.elapsed())
}

/// Puts a program in the place of the daemon that answers every request with the same failure.
fn fake_daemon(world: &World, failure: &str) -> u32 {
    let script = format!(
        r#"#!/usr/bin/perl
use Socket; $SIG{{PIPE}} = "IGNORE"; socket(my $s, PF_UNIX, SOCK_STREAM, 0); bind($s, sockaddr_un($ARGV[0])) or die; listen($s, 9);
my $r = '{{"failed":{failure}}}';
while (accept(my $c, $s)) {{ sysread($c, my $all, 65536); syswrite($c, pack("N", length $r) . $r); close $c; }}"#
    );
    fs::create_dir_all(world.path("fake")).unwrap();
    let program = world.path("fake/keyfobd");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    fs::create_dir_all(world.path("run/keyfob")).unwrap();
    fs::set_permissions(world.path("run/keyfob"), fs::Permissions::from_mode(0o700)).unwrap();
    let child = world.command(&program).arg(world.socket()).spawn().unwrap();
    eventually("the fake listens", Duration::from_secs(5), || UnixStream::connect(world.socket()).is_ok());
    // Whoever reaps it must not wait for the end of the test.
    let number = child.id();
    std::thread::spawn(move || child.wait_with_output());
    number
}

#[test]
fn a_daemon_that_does_not_answer_is_told_of_and_restarted() {
    let world = World::with_profile();
    let stopped = world.daemons();
    signal(stopped[0], Signal::STOP);
    for arguments in [&["status"] as &[_], &["profile", "list"], &["lock"]] {
        let (run, time) = timed(|| world.keyfob(arguments));
        assert!(run.failed(5).contains("does not answer\nhint: keyfob daemon restart\n"), "{run:?}");
        assert!((8..14).contains(&time.as_secs()), "{time:?}");
    }
    let (run, time) = timed(|| world.keyfob(&["daemon", "restart"]));
    assert!(run.ok().contains(&format!("process {}", stopped[0])), "{run:?}");
    assert!(run.stdout.contains("keyfobd runs as process") && time < Duration::from_secs(25), "{time:?}");
    assert!(world.daemons().len() == 1 && world.daemons() != stopped);
    world.add_key("alice");
    world.get("p").ok();
    signal(world.daemons()[0], Signal::STOP);
    assert!(world.keyfob(&["daemon", "stop"]).ok().contains("SIGTERM"));
    assert!(world.daemons().is_empty());
}

#[test]
fn a_get_waits_as_long_as_a_mint_may_take_and_no_longer() {
    let world = World::with_profile();
    signal(world.daemons()[0], Signal::STOP);
    let (run, time) = timed(|| world.get("p"));
    assert!(
        run.failed(5).starts_with("keyfob: p: the daemon does not answer\nhint: keyfob daemon restart\n")
    );
    assert!((50..60).contains(&time.as_secs()), "{time:?}");
}

#[test]
fn a_daemon_that_takes_no_connections_is_told_of() {
    let world = World::new();
    fs::create_dir_all(world.path("run/keyfob")).unwrap();
    let listener = UnixListener::bind(world.socket()).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _first = UnixStream::connect(world.socket()).unwrap();
    for arguments in [&["status"] as &[_], &["get", "p"]] {
        let (run, time) = timed(|| world.keyfob(arguments));
        assert!(run.failed(5).contains("does not answer"), "{run:?}");
        assert!(time < Duration::from_secs(15), "{time:?}");
    }
}

#[test]
fn a_daemon_that_is_stopped_with_a_full_queue_is_restarted() {
    let world = World::with_profile();
    let stopped = world.daemons()[0];
    signal(stopped, Signal::STOP);
    fs::remove_file(world.socket()).unwrap();
    let run = world.keyfob(&["daemon", "restart"]);
    assert!(run.ok().contains("takes no connections: keyfobd, process"), "{run:?}");
    assert!(world.daemons().len() == 1 && world.daemons()[0] != stopped);
}

#[test]
fn a_daemon_of_another_protocol_is_replaced() {
    let world = World::with_profile();
    world.keyfob(&["daemon", "stop"]).ok();
    let failure = r#"{"kind":"unreachable","message":"the daemon speaks protocol 2, and the client 1","hint":"keyfob daemon restart"}"#;
    let fake = fake_daemon(&world, failure);
    let run = world.get("p");
    assert!(run.failed(5).contains("protocol 2") && run.stderr.contains("hint: keyfob daemon restart"));
    let run = world.keyfob(&["daemon", "restart"]);
    assert!(run.ok().contains("protocol 2") && run.stdout.contains(&format!("process {fake}")), "{run:?}");
    assert!(world.daemons().len() == 1 && world.daemons()[0] != fake);
}

#[test]
fn a_daemon_is_restarted_while_others_go_on_starting_it() {
    let world = World::with_profile();
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let start = Instant::now();
                    while start.elapsed() < Duration::from_secs(6) {
                        let run = world.get("p");
                        assert!(run.status == 0 || run.stderr.contains("no access key"), "{run:?}");
                    }
                })
            })
            .collect();
        for round in 0..20 {
            let (run, time) = timed(|| world.keyfob(&["daemon", ["restart", "stop"][round % 2]]));
            run.ok();
            assert!(time < Duration::from_secs(5), "{time:?}: {run:?}");
        }
        callers.into_iter().for_each(|caller| caller.join().unwrap());
    });
}

#[test]
fn the_start_of_a_daemon_is_not_waited_for_without_end() {
    let mut world = World::with_profile();
    world.keyfob(&["daemon", "stop"]).ok();
    let lock = fs::File::open(world.path("run/keyfob/agent.sock.start")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let (run, time) = timed(|| world.keyfob(&["status"]));
    run.ok();
    assert!(time < Duration::from_secs(15), "who holds the lock and starts nothing is passed over: {time:?}");
    drop(lock);
    world.copy_programs();
    world.keyfob(&["daemon", "stop"]).ok();
    fs::remove_file(world.program("keyfobd")).unwrap();
    fs::write(world.program("keyfobd"), "#!/bin/sh\nexec sleep 20\n").unwrap();
    fs::set_permissions(world.program("keyfobd"), fs::Permissions::from_mode(0o755)).unwrap();
    let (run, time) = timed(|| world.get("p"));
    assert!(run.failed(5).contains("not ready within 10 s\nhint: keyfob daemon restart"), "{run:?}");
    assert!(time < Duration::from_secs(15), "{time:?}");
    fs::remove_file(world.program("keyfobd")).unwrap();
    let run = world.get("p");
    assert!(run.failed(5).contains("there is no ") && run.stderr.contains("hint: install keyfob"), "{run:?}");
}

#[test]
fn without_a_runtime_directory_in_the_environment_client_and_daemon_meet() {
    let mut world = World::with_profile();
    world.keyfob(&["daemon", "stop"]).ok();
    let user = rustix::process::geteuid().as_raw();
    if std::path::Path::new(&format!("/run/user/{user}")).exists() {
        return parts::missing("the runtime directory of the machine is not for tests");
    }
    for nowhere in [None, Some("relative")] {
        world.environment.remove("XDG_RUNTIME_DIR");
        world.environment.extend(nowhere.map(|value| ("XDG_RUNTIME_DIR".into(), value.into())));
        world.add_key("alice");
        world.get("p").ok();
        assert!(world.path("state/agent.sock").exists() && world.daemons().len() == 1);
    }
}

#[test]
fn paths_that_can_not_be_are_refused_before_anything_is_made() {
    let long = format!("/tmp/{}", "x".repeat(120));
    let cases = [
        ("KEYFOB_SOCKET", "here/agent.sock", "not an absolute path"),
        ("KEYFOB_STATE_DIR", "here", "not an absolute path"),
        ("KEYFOB_CONFIG", "config.toml", "not an absolute path"),
        ("KEYFOB_SOCKET", long.as_str(), "the path of a socket has"),
    ];
    for (variable, value, cause) in cases {
        let mut world = World::new();
        world.environment.insert(variable.into(), value.into());
        for arguments in [&["get", "p"] as &[_], &["status"], &["daemon", "start"]] {
            let run = world.keyfob(arguments);
            assert!(run.failed(2).contains(cause) && run.stderr.contains("hint: set KEYFOB_"), "{run:?}");
        }
        let run = Run::from(world.command(world.program("keyfobd")).output().unwrap());
        assert!(run.status == 2 && run.stderr.contains(cause), "{run:?}");
        let made = |name: &str| fs::read_dir(world.path(name)).unwrap().count();
        assert_eq!((made("run"), made("state"), made("home")), (0, 0, 1), "{variable}");
    }
}

#[test]
fn a_socket_that_can_not_be_reached_is_not_taken_for_none() {
    if !parts::is_root() {
        return;
    }
    let mut world = World::with_profile();
    let path = world.path("run");
    world.copy_programs();
    let stop = |mode: u32| {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        fs::set_permissions(path.join("keyfob"), fs::Permissions::from_mode(mode)).unwrap();
        fs::set_permissions(world.socket(), fs::Permissions::from_mode(0o666)).unwrap();
        let mut client = world.command_as(Some(OTHER_USER), world.program("keyfob"));
        Run::from(client.args(["daemon", "stop"]).output().unwrap())
    };
    let closed = stop(0o700);
    assert!(
        closed.failed(5).contains("Permission denied") && closed.stderr.contains("hint: set KEYFOB_SOCKET")
    );
    let foreign = stop(0o755);
    assert!(foreign.failed(5).contains("another user"), "{foreign:?}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(world.daemons().len(), 1);
}

#[test]
fn a_stdout_that_takes_nothing_is_told() {
    let world = World::with_profile();
    world.get("p").ok();
    for command in ["get p", "status", "env p", "--help"] {
        let run = shell(&world, &format!("$0 {command} >/dev/full"));
        assert!(run.failed(2).contains("write to stdout: No space left on device"), "{command}: {run:?}");
    }
    world.keyfob(&["daemon", "stop"]).ok();
    world.add_key("alice");
    assert!(shell(&world, "$0 get p >/dev/full").failed(2).contains("No space left on device"));
}

#[test]
fn closed_streams_get_nothing_that_was_meant_for_others() {
    let world = World::with_profile();
    world.get("p").ok();
    for command in ["get p", "status"] {
        let run = shell(&world, &format!("$0 {command} >&-"));
        assert!(run.failed(2).contains("write to stdout: Bad file descriptor"), "{command}: {run:?}");
        shell(&world, &format!("$0 {command} <&- 2>&-")).ok();
        let run = shell(&world, &format!("$0 {command} <&- >&- 2>&-"));
        assert_eq!(run.status, 2, "{run:?}");
    }
    let run = shell(&world, "$0 get absent 2>&-");
    assert!(run.status == 2 && run.stdout.is_empty(), "{run:?}");
    world.keyfob(&["daemon", "stop"]).ok();
    assert_eq!(shell(&world, "$0 status >/dev/null <&- 2>&-").status, 0, "a daemon is started as well");
}

#[test]
fn a_reader_that_has_gone_ends_a_command_quietly() {
    let world = World::with_profile();
    world.get("p").ok();
    // A process substitution would do, but sh has none: the reader ends before the client begins.
    let gone = |trap: &str, command: &str| {
        let line = format!("{trap} {{ sleep 0.2; \"$0\" {command}; echo $? >&2; }} | true");
        shell(&world, &line)
    };
    for trap in ["", "trap '' PIPE;"] {
        for command in ["get p", "status", "--help"] {
            assert_eq!(gone(trap, command).stderr.trim(), "141", "{trap} {command}");
        }
    }
    let run = shell(&world, "trap '' PIPE; { sleep 0.2; \"$0\" get absent 2>&1; echo $? >&2; } | true");
    assert_eq!(run.stderr.trim(), "2", "{run:?}");
}

#[test]
fn mistakes_on_the_command_line_have_the_form_of_all_failures() {
    let world = World::new();
    for (arguments, hint) in [
        (&[] as &[&str], "keyfob --help"),
        (&["gett", "p"], "keyfob --help"),
        (&["get"], "keyfob get --help"),
        (&["daemon"], "keyfob daemon --help"),
        (&["env", "p", "--shell", "tcsh"], "keyfob env --help"),
        (&["get", ""], "keyfob status"),
        (&["key", "remove", "a\nb"], "keyfob status"),
    ] {
        let run = world.keyfob(arguments);
        let lines: Vec<&str> = run.failed(2).lines().collect();
        assert!(lines.len() == 2 && lines[1] == format!("hint: {hint}"), "{run:?}");
        assert!(!lines[0].starts_with("keyfob: :"), "{run:?}");
    }
    for arguments in [&["--help"] as &[_], &["--version"], &["key", "add", "--help"]] {
        assert!(world.keyfob(arguments).stderr.is_empty());
        world.keyfob(arguments).ok();
    }
    world.config("");
    let run = world.keyfob(&["logout", "nobody"]);
    assert!(run.failed(2).starts_with("keyfob: nobody: "), "{run:?}");
    let run = world.keyfob_with_input(&["key", "add", "bob", "--access-key-id", "AKIA0000000000000000"], "x");
    assert!(run.failed(2).starts_with("keyfob: bob: "), "{run:?}");
}

#[test]
fn a_key_is_asked_for_line_by_line() {
    let world = World::with_profile();
    world.keyfob(&["key", "remove", "alice"]).ok();
    let key = world.aws.add_user("alice");
    let lines = format!("{}\n{}", key.access_key_id, key.secret_access_key);
    world.keyfob_with_input(&["key", "add", "alice"], &lines).ok();
    world.get("p").ok();
    assert_eq!(world.aws.mints().last().unwrap().access_key_id, key.access_key_id);
    let none = world.keyfob_with_input(&["key", "add", "alice"], "");
    assert!(none.failed(3).contains("no access key id was given\nhint: keyfob key add alice"), "{none:?}");
    let run = shell(&world, &format!("echo {} | $0 key add alice", key.access_key_id));
    assert!(run.failed(3).contains("no secret access key was given"), "{run:?}");
}

#[test]
fn a_failure_is_shown_on_the_terminal_once() {
    let world = World::with_profile();
    let line = "for i in 1 2 3; do $0 get a 2>/dev/null; $0 get b 2>/dev/null; done; $0 get c";
    let Some(shown) = on_terminal(&world, line) else { return };
    for profile in ["a", "b", "c"] {
        let line = format!("keyfob: {profile}: there is no such profile");
        assert_eq!(shown.matches(&line).count(), 1, "{shown}");
    }
    assert_eq!(shown.matches("hint: ").count(), 3, "{shown}");
    let beside = fs::read_dir(world.path("run/keyfob")).unwrap().flatten();
    let names: Vec<_> = beside.map(|entry| entry.file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("hint")), "{names:?}");
    let notes = fs::metadata(world.path("state/hints")).unwrap();
    assert!(notes.len() < 200 && notes.permissions().mode() & 0o077 == 0);
}

#[test]
fn the_status_fits_the_terminal() {
    let world = World::with_profile();
    world.keyfob(&["key", "remove", "alice"]).ok();
    assert_ne!(world.get("p").status, 0);
    let Some(shown) = on_terminal(&world, "stty cols 72; $0 status") else { return };
    let line = shown.lines().find(|line| line.starts_with("p ")).unwrap();
    assert!(line.chars().count() <= 72 && line.ends_with('…'), "{shown}");
    assert!(!world.keyfob(&["status"]).ok().contains('…'), "a file gets all of it");
}
