//! A peer of the same user that misbehaves harms only itself.

use keyfob_shared::frame;
use keyfob_tests::world::eventually;
use keyfob_tests::{Run, World, parts};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

fn connect(world: &World) -> UnixStream {
    let stream = UnixStream::connect(world.socket()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(12))).unwrap();
    stream
}

/// Sends bytes and answers everything that comes back.
fn exchange(world: &World, bytes: &[u8]) -> String {
    let mut stream = connect(world);
    let _ = stream.write_all(bytes);
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8_lossy(&reply).into_owned()
}

fn frames(bodies: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for body in bodies {
        frame::append(&mut bytes, body).unwrap();
    }
    bytes
}

#[test]
fn nonsense_gets_an_answer_or_an_end_and_the_daemon_serves_on() {
    let world = World::with_profile();
    let id = world.get("p").access_key_id();
    let pid = world.daemons();
    let deep = [b"[".repeat(30_000), b"]".repeat(30_000)].concat();
    for bytes in [
        vec![0; 4],
        u32::MAX.to_be_bytes().to_vec(),
        (u32::try_from(frame::MAX_FRAME).unwrap() + 1).to_be_bytes().to_vec(),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        frames(&[b"1", b"{}"]),
        frames(&[b"1", b"\"nonsense\""]),
        frames(&[b"1", br#"{"get":{"profile":"a\u0000b"}}"#]),
        frames(&[b"1", br#"{"get":{"profile":"p"},"get":{"profile":"p"}}"#]),
        frames(&[b"1", &deep]),
        frames(&[b"-1", b"{}"]),
        frames(&[b"1e9", b"{}"]),
        frames(&[b"\xff\xfe", b"{}"]),
    ] {
        let reply = exchange(&world, &bytes);
        assert!(!reply.contains("s3cr"), "{reply}");
    }
    let version = exchange(&world, &frames(&[b"2", br#"{"get":{"profile":"p"}}"#]));
    assert!(version.contains("unreachable") && version.contains("keyfob daemon restart"), "{version}");
    assert_eq!(world.get("p").access_key_id(), id);
    assert_eq!(world.daemons(), pid);
}

#[test]
fn many_silent_connections_do_not_keep_others_from_being_served() {
    let world = World::with_profile();
    world.get("p").ok();
    let mut silent: Vec<UnixStream> = (0..700).map(|_| connect(&world)).collect();
    for stream in silent.iter_mut().take(600) {
        let _ = stream.write_all(&[0, 0]);
    }
    let start = Instant::now();
    for _ in 0..20 {
        world.get("p").ok();
    }
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    // A half request is not waited for longer than five seconds.
    let mut last = silent.pop().unwrap();
    let _ = last.write_all(&[0]);
    let start = Instant::now();
    assert_eq!(last.read(&mut [0; 8]).unwrap_or(0), 0);
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

#[test]
fn a_peer_that_does_not_read_holds_up_nobody() {
    let world = World::with_profile();
    world.get("p").ok();
    let request = frames(&[b"1", b"\"status\""]);
    let mut idle = Vec::new();
    for _ in 0..50 {
        let mut stream = connect(&world);
        stream.write_all(&request).unwrap();
        idle.push(stream);
    }
    let start = Instant::now();
    for _ in 0..20 {
        world.get("p").ok();
    }
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[test]
fn a_caller_that_has_gone_does_not_spoil_the_mint() {
    let world = World::with_profile();
    world.aws.delay(Duration::from_millis(500));
    for _ in 0..20 {
        let mut stream = connect(&world);
        stream.write_all(&frames(&[b"1", br#"{"get":{"profile":"p"}}"#])).unwrap();
    }
    world.get("p").ok();
    assert_eq!(world.aws.mints().len(), 1);
}

#[test]
fn idle_conversations_leave_room_for_others() {
    let world = World::new();
    world.config("[identity.alice]\ntype = \"iam-user\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/alice\"\n[profile.p]\nidentity = \"alice\"\nmfa = false\n");
    let script = format!("ulimit -n 256; exec {} daemon start", world.program("keyfob").display());
    assert!(world.command("sh").args(["-c", &script]).status().unwrap().success());
    world.add_key("alice");
    world.get("p").ok();
    let request = frames(&[b"1", br#"{"login":{"name":"alice"}}"#]);
    let mut idle = Vec::new();
    for _ in 0..300 {
        let mut stream = connect(&world);
        let _ = stream.write_all(&request);
        idle.push(stream);
    }
    let start = Instant::now();
    for _ in 0..10 {
        world.get("p").ok();
        world.keyfob(&["status"]).ok();
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn three_hundred_listings_at_once_are_all_answered() {
    let world = World::with_profile();
    world.get("p").ok();
    for request in [&b"\"status\""[..], br#"{"profiles":{}}"#, b"\"doctor\""] {
        let mut streams: Vec<UnixStream> = (0..300).map(|_| connect(&world)).collect();
        for stream in &mut streams {
            stream.write_all(&frames(&[b"1", request])).unwrap();
        }
        for (number, stream) in streams.iter_mut().enumerate() {
            let reply = frame::read(stream).unwrap_or_else(|error| panic!("{number}: {error}"));
            assert!(!reply.starts_with(b"{\"failed\""), "{}", String::from_utf8_lossy(&reply));
        }
    }
}

#[test]
fn a_conversation_too_many_is_refused_and_no_other_is_broken_off() {
    let world = World::new();
    world.config("[identity.alice]\ntype = \"iam-user\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/alice\"\n[profile.p]\nidentity = \"alice\"\n");
    world.add_key("alice");
    let request = frames(&[b"1", br#"{"login":{"name":"alice"}}"#]);
    let ask = || {
        let mut stream = connect(&world);
        stream.write_all(&request).unwrap();
        let reply = frame::read(&mut stream).unwrap();
        (stream, String::from_utf8(reply).unwrap())
    };
    let mut all: Vec<_> = (0..100).map(|_| ask()).collect();
    let prompted = all.iter().filter(|(_, reply)| reply.contains("\"prompt\"")).count();
    let refused = all.iter().filter(|(_, reply)| reply.contains("too many conversations")).count();
    assert!(prompted == 64 && refused == 36, "{prompted} {refused}");
    let run = world.keyfob_with_input(&["login", "alice"], "123456");
    assert!(run.failed(4).contains("too many conversations"), "{run:?}");
    // Others go on, and the first one is still there.
    world.keyfob(&["status"]).ok();
    let (mut first, _) = all.swap_remove(0);
    frame::write(&mut first, br#"{"text":"123456"}"#).unwrap();
    let reply = frame::read(&mut first).unwrap();
    assert!(String::from_utf8_lossy(&reply).contains("signed in"), "{reply:?}");
    world.get("p").ok();
    // Whoever goes away leaves a place.
    all.clear();
    eventually("there is room", Duration::from_secs(5), || ask().1.contains("\"prompt\""));
}

#[test]
fn callers_who_wait_keep_nobody_from_what_is_there_already() {
    let world = World::new();
    world.config("[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\n[profile.slow]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/Slow\"\n[profile.other]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/Other\"\n");
    let script = format!("ulimit -n 256; exec {} daemon start", world.program("keyfob").display());
    assert!(world.command("sh").args(["-c", &script]).status().unwrap().success());
    world.add_key("alice");
    world.get("p").ok();
    world.aws.slow_role("arn:aws:iam::111122223333:role/Slow", Duration::from_secs(3));
    let request = frames(&[b"1", br#"{"get":{"profile":"slow"}}"#]);
    let ask = |_| {
        let mut stream = connect(&world);
        stream.write_all(&request).unwrap();
        stream
    };
    let mut waiting: Vec<UnixStream> = (0..140).map(ask).collect();
    world.get("p").ok();
    assert!(world.get("other").failed(4).contains("too many callers"));
    let replies: Vec<String> =
        waiting.iter_mut().map(|stream| String::from_utf8(frame::read(stream).unwrap()).unwrap()).collect();
    let count = |text: &str| replies.iter().filter(|reply| reply.contains(text)).count();
    // Half of the 224 descriptors that are not kept for restricted sockets.
    assert_eq!((count("Expiration"), count("too many callers")), (112, 28));
}

#[test]
fn a_request_that_drips_in_costs_nobody_else_time() {
    let world = World::with_profile();
    world.get("p").ok();
    let padded = format!("{}1", " ".repeat(60_000));
    let reply = exchange(&world, &frames(&[padded.as_bytes()]));
    assert!(reply.contains("too long"), "{reply}");
    let bytes = frames(&[b"1", br#"{"get":{"profile":"p"}}"#]);
    let mut stream = connect(&world);
    for byte in bytes {
        stream.write_all(&[byte]).unwrap();
    }
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.contains("Expiration"), "a slow request is served too");
}

#[test]
fn a_peer_in_another_process_namespace_is_served_and_written_down() {
    if !parts::is_root() {
        return;
    }
    let world = World::with_profile();
    world.get("p").ok();
    let script = format!("exec {} get p", world.program("keyfob").display());
    let mut client = world.command("unshare");
    let run =
        Run::from(client.args(["--pid", "--fork", "--mount-proc", "sh", "-c", &script]).output().unwrap());
    run.ok();
    // And the other way: the daemon can't see the process.
    let mut inside = World::with_profile();
    inside.keyfob(&["daemon", "stop"]).ok();
    let mut daemon = inside.command("unshare");
    daemon.args(["--pid", "--fork", "--kill-child"]).arg(inside.program("keyfobd"));
    let mut daemon = daemon.stderr(std::process::Stdio::null()).spawn().unwrap();
    eventually("the daemon serves", Duration::from_secs(5), || inside.socket().exists());
    inside.add_key("alice");
    inside.get("p").ok();
    eventually("it is written down", Duration::from_secs(3), || {
        inside.keyfob(&["audit", "--json"]).ok().contains("\"pid\":0")
    });
    inside.kill_daemons();
    let _ = daemon.kill();
    let _ = daemon.wait();
    inside.environment.clear();
}

#[test]
fn a_key_file_that_is_a_pipe_or_has_no_end_holds_up_nobody() {
    let world = World::with_profile();
    world.get("p").ok();
    let pipe = world.path("pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    for file in [pipe.to_str().unwrap(), "/dev/zero"] {
        let start = Instant::now();
        let run = world.keyfob(&["key", "add", "alice", "--import", "x", "--file", file]);
        assert!(run.failed(2).contains("not a file"), "{run:?}");
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
    world.get("p").ok();
}
