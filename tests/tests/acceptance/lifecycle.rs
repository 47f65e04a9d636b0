//! How the daemon is started, stopped and replaced.

use keyfob_tests::world::{copy_program, eventually, is_private, signal};
use keyfob_tests::{Run, World};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Child, Stdio};
use std::time::Duration;

/// Starts the daemon on a socket that is listening already, as systemd does.
fn activate(world: &World, listener: UnixListener) -> Child {
    let script = format!(
        "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec {}",
        world.program("keyfobd").display()
    );
    let mut command = world.command("sh");
    command.args(["-c", &script]).stdin(Stdio::from(OwnedFd::from(listener))).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn a_socket_that_systemd_listens_on_is_taken_over_and_left_there() {
    let world = World::new();
    world.config("[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\n");
    let path = world.path("run/activated.sock");
    let listener = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    let mut world = world;
    world.environment.insert("KEYFOB_SOCKET".into(), path.clone().into());
    // The request is there before the daemon is.
    let waiting = {
        let mut status = world.command(world.program("keyfob"));
        status.args(["status", "--json"]).stdout(Stdio::piped()).spawn().unwrap()
    };
    let mut daemon = activate(&world, listener.try_clone().unwrap());
    Run::from(waiting.wait_with_output().unwrap()).ok();
    assert!(is_private(&path), "others may not connect, whatever the unit says");
    world.add_key("alice");
    world.get("p").ok();
    signal(daemon.id(), rustix::process::Signal::TERM);
    assert!(daemon.wait().unwrap().success());
    assert!(path.exists(), "the socket is systemd's");
    let mut again = activate(&world, listener);
    eventually("the next daemon serves", Duration::from_secs(5), || world.keyfob(&["status"]).status == 0);
    world.kill_daemons();
    let _ = again.wait();
}

#[test]
fn a_signal_ends_it_in_good_order() {
    let world = World::new();
    let key = world.path("config/key");
    world.config(&format!(
        "[daemon]\nvault = \"file\"\nvault_key_file = \"{}\"\n[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\n",
        key.display()
    ));
    world.add_key("alice");
    let id = world.get("p").access_key_id();
    for end in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        signal(world.daemons()[0], end);
        eventually("it has ended", Duration::from_secs(5), || world.daemons().is_empty());
        assert!(!world.socket().exists());
        assert_eq!(world.get("p").access_key_id(), id, "what was in memory is in the vault");
    }
    assert_eq!(world.aws.mints().len(), 1);
    assert!(world.keyfob(&["audit", "--verify"]).ok().contains("none changed"));
}

#[test]
fn logs_are_for_people_or_one_object_a_line() {
    for (format, expected) in [("human", " INFO "), ("json", "\"level\":\"INFO\"")] {
        let world = World::new();
        let mut run = world.command(world.program("keyfob"));
        run.args(["daemon", "run", "--log-format", format]).stderr(Stdio::piped());
        let daemon = run.spawn().unwrap();
        eventually("it serves", Duration::from_secs(5), || world.socket().exists());
        world.keyfob(&["status"]).ok();
        world.keyfob(&["daemon", "stop"]).ok();
        let run = Run::from(daemon.wait_with_output().unwrap());
        assert!(run.status == 0 && run.stderr.contains(expected), "{run:?}");
        if format == "json" {
            let is_object = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
            assert!(run.stderr.lines().all(is_object), "{run:?}");
        }
    }
}

#[test]
fn who_started_it_may_go_away() {
    let world = World::with_profile();
    world.keyfob(&["daemon", "stop"]).ok();
    // The reader of the readiness line has gone before it is written.
    let script = format!("{} --detached | true", world.program("keyfobd").display());
    let mut starter = world.command("sh").args(["-c", &script]).spawn().unwrap();
    eventually("it serves", Duration::from_secs(5), || world.socket().exists());
    let pid = world.daemons();
    world.keyfob(&["status"]).ok();
    assert_eq!(world.daemons(), pid);
    world.kill_daemons();
    starter.wait().unwrap();
}

#[test]
fn a_new_program_takes_over_and_no_request_fails() {
    let mut world = World::new();
    world.copy_programs();
    let key = world.path("config/key");
    world.config(&format!(
        "[daemon]\nvault = \"file\"\nvault_key_file = \"{}\"\n[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\n",
        key.display()
    ));
    world.add_key("alice");
    let id = world.get("p").access_key_id();
    let ended = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut served = 0;
            while !ended.load(std::sync::atomic::Ordering::Relaxed) {
                assert_eq!(world.get("p").access_key_id(), id);
                served += 1;
            }
            served
        });
        let mut restarts = Vec::new();
        for _ in 0..3 {
            let daemon = world.program("keyfobd");
            let copy = daemon.with_extension("new");
            copy_program(&daemon, &copy);
            std::fs::rename(&copy, &daemon).unwrap();
            restarts.push(world.keyfob(&["daemon", "restart"]));
            std::thread::sleep(Duration::from_millis(300));
        }
        ended.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(asking.join().unwrap() > 20);
        for restart in &restarts {
            restart.ok();
        }
    });
    assert_eq!(world.aws.mints().len(), 1);
    assert_eq!(world.daemons().len(), 1);
}

#[test]
fn a_program_that_is_being_written_is_waited_for() {
    let mut world = World::with_profile();
    world.copy_programs();
    world.kill_daemons();
    let writing = std::fs::OpenOptions::new().write(true).open(world.program("keyfobd")).unwrap();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| world.keyfob(&["status"]));
        std::thread::sleep(Duration::from_millis(300));
        drop(writing);
        asking.join().unwrap().ok();
    });
}

#[test]
fn a_daemon_that_was_started_without_a_runtime_directory_serves_the_next_log_in() {
    let mut world = World::new();
    world.config("[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\n");
    let at_boot = world.path("state/agent.sock");
    world.environment.insert("KEYFOB_SOCKET".into(), at_boot.clone().into());
    world.add_key("alice");
    let id = world.get("p").access_key_id();
    let first = world.daemons();
    world.environment.remove("KEYFOB_SOCKET");
    let start = std::time::Instant::now();
    assert_eq!(world.get("p").access_key_id(), id);
    assert_eq!(world.status()["daemon"]["pid"], first[0]);
    assert!(world.keyfob(&["daemon", "start"]).ok().contains(&first[0].to_string()));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(!world.socket().exists());
    // From here it can be replaced, too, and its next one listens where this log-in looks first.
    world.keyfob(&["daemon", "restart"]).ok();
    assert!(world.daemons() != first && world.daemons().len() == 1);
    assert!(world.socket().exists() && !at_boot.exists());
    assert!(world.keyfob(&["daemon", "stop"]).ok().contains("has stopped"));
    assert!(world.keyfob(&["daemon", "stop"]).ok().contains("no daemon runs"));
}

#[test]
fn a_daemon_elsewhere_that_takes_no_connections_is_told_of_and_ended() {
    let mut world = World::new();
    world.config("[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\n");
    let before = world.path("before/agent.sock");
    world.environment.insert("KEYFOB_SOCKET".into(), before.clone().into());
    world.keyfob(&["daemon", "start"]).ok();
    let first = world.daemons();
    signal(first[0], rustix::process::Signal::STOP);
    std::fs::remove_dir_all(world.path("before")).unwrap();
    world.environment.remove("KEYFOB_SOCKET");
    let run = world.get("p");
    let told = format!("process {} at {}", first[0], before.display());
    assert!(run.failed(5).contains(&told), "{run:?}");
    assert!(run.stderr.contains("\nhint: keyfob daemon restart\n"), "{run:?}");
    let run = world.keyfob(&["daemon", "restart"]);
    assert!(run.ok().contains(&format!("process {}", first[0])), "{run:?}");
    assert!(world.daemons() != first && world.daemons().len() == 1);
}

#[test]
fn clients_that_look_in_two_places_start_one_daemon() {
    let world = World::new();
    world.config("");
    let other = world.path("run/other.sock");
    std::thread::scope(|scope| {
        let starts: Vec<_> = (0..6)
            .map(|number| {
                let mut status = world.command(world.program("keyfob"));
                status.arg("status");
                if number % 2 == 0 {
                    status.env("KEYFOB_SOCKET", &other);
                }
                scope.spawn(move || Run::from(status.output().unwrap()))
            })
            .collect();
        for start in starts {
            start.join().unwrap().ok();
        }
    });
    eventually("one is left", Duration::from_secs(5), || world.daemons().len() == 1);
}
