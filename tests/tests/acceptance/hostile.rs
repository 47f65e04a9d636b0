//! A peer of the same user that misbehaves harms only itself.

use keyfob_shared::frame;
use keyfob_tests::World;
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
