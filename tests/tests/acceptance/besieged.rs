//! A restricted socket under attack, as a container would do it: no byte too much, and the person is served as ever.

use super::restricted::{audit, inside, no_secrets, scoped, socket, world};
use keyfob_shared::frame;
use keyfob_tests::World;
use keyfob_tests::world::eventually;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// Sends bytes to a socket and answers everything that comes back.
fn exchange(socket: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let _ = stream.write_all(bytes);
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8_lossy(&reply).into_owned()
}

fn request(body: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for body in ["1", body] {
        frame::append(&mut bytes, body.as_bytes()).unwrap();
    }
    bytes
}

#[test]
fn nothing_else_is_served() {
    let world = world(&scoped());
    let own = world.get("ci").access_key_id();
    let pid = world.daemons();
    for arguments in [
        &["login", "alice"] as &[&str],
        &["login", "ci"],
        &["logout", "ci"],
        &["logout", "--all"],
        &["key", "list"],
        &["key", "remove", "alice"],
        &["key", "add", "alice", "--import", "default", "--file", "/etc/passwd"],
        &["lock"],
        &["unlock"],
        &["doctor"],
        &["profile", "check"],
        &["daemon", "reload"],
        &["daemon", "stop"],
        &["daemon", "restart"],
    ] {
        let run = inside(&world, arguments);
        let told = run.failed(4);
        assert!(told.contains("restricted") && told.contains("hint: on the host"), "{arguments:?}: {told}");
    }
    for body in [
        r#""status""#,
        r#"{"profiles":{"name":null}}"#,
        r#"{"login":{"name":"alice"}}"#,
        r#"{"logout":{"name":null}}"#,
        r#"{"key_add":{"identity":"alice","access_key_id":"AKIAEVIL","secret_access_key":"x"}}"#,
        r#"{"key_import":{"identity":"alice","aws_profile":"x","file":"/etc/shadow"}}"#,
        r#"{"key_remove":{"identity":"alice"}}"#,
        r#""check""#,
        r#""doctor""#,
        r#""key_list""#,
        r#""lock""#,
        r#""unlock""#,
        r#""reload""#,
        r#""stop""#,
        r#"{"text":"123456"}"#,
        r#"{"get":{"profile":"prod","socket":null}}"#,
        r#"{"get_restricted":{"profile":"prod"}}"#,
    ] {
        let reply = exchange(&socket(&world), &request(body));
        no_secrets(&world, &reply);
        for hidden in ["prompt", "prod", "alice", "config.toml", "AKIA"] {
            assert!(!reply.contains(hidden), "{body}: {reply}");
        }
        let is_listing = body == r#""status""# || body.contains("profiles");
        assert_eq!(reply.contains("failed"), !is_listing, "{body}: {reply}");
    }
    assert_eq!(world.daemons(), pid);
    assert_eq!(world.status()["daemon"]["locked"], false);
    assert_eq!(world.get("ci").access_key_id(), own, "nothing was logged out");
    eventually("it is written down", 3 * SECOND, || {
        let lines = audit(&world);
        let refused =
            lines.iter().filter(|line| line["socket"] == "ci-agent" && line["outcome"] == "refused");
        refused.count() >= 26
    });
}

#[test]
fn what_is_not_on_its_list_is_refused_and_not_told_apart_from_what_is_not_there() {
    let world = world(&scoped());
    world.get("prod").ok();
    let ci = inside(&world, &["get", "ci"]);
    let mut told = Vec::new();
    for name in
        ["prod", "absent", "ci*", "CI", "cі", "../ci", "ci/../prod", "build-", "build-*", "*", "ci ", "ｃｉ"]
    {
        let run = inside(&world, &["get", name]);
        told.push(run.failed(4).replacen(&format!("{}: ", name.trim()), "", 1));
        let listed = inside(&world, &["profile", "show", name]);
        assert_eq!(listed.failed(4).replacen(&format!("{}: ", name.trim()), "", 1), told[0], "{name}");
    }
    assert!(told.iter().all(|text| *text == told[0]), "{told:?}");
    assert_eq!(inside(&world, &["get", "ci"]).access_key_id(), ci.access_key_id());
    assert_eq!(world.aws.mints().len(), 2);
}

#[test]
fn a_flood_is_the_flooder_s_own_trouble() {
    let world = World::new();
    world.config(&scoped());
    let script = format!("ulimit -n 256; exec {} daemon start", world.program("keyfob").display());
    assert!(world.command("sh").args(["-c", &script]).status().unwrap().success());
    world.add_key("alice");
    world.get("ci").ok();
    inside(&world, &["get", "ci"]).ok();
    let socket = socket(&world);
    // Callers who wait for a mint that hangs, people who do not read, silent ones, and nonsense.
    world.aws.fault(keyfob_tests::Fault::Hang);
    let bodies = [
        request(r#"{"get":{"profile":"build-1"}}"#),
        request(r#""status""#),
        vec![0, 0],
        u32::MAX.to_be_bytes().to_vec(),
        request(r#"{"get":{"profile":"prod"}}"#),
        request(r#"{"login":{"name":"alice"}}"#),
    ];
    let flood = std::thread::spawn(move || {
        let mut kept = std::collections::VecDeque::new();
        for number in 0..10_000 {
            let Ok(mut stream) = UnixStream::connect(&socket) else { continue };
            let _ = stream.set_write_timeout(Some(Duration::from_millis(100)));
            let _ = stream.write_all(&bodies[number % bodies.len()]);
            kept.push_back(stream);
            if kept.len() > 400 {
                kept.pop_front();
            }
        }
    });
    let start = Instant::now();
    let mut rounds = 0;
    let mut slowest = Duration::ZERO;
    while !flood.is_finished() || rounds < 20 {
        let one = Instant::now();
        world.get("ci").ok();
        world.keyfob(&["status"]).ok();
        slowest = slowest.max(one.elapsed());
        rounds += 1;
        if start.elapsed() > Duration::from_secs(8) {
            break;
        }
    }
    assert!(slowest < 4 * SECOND, "the person waited {slowest:?}");
    drop(flood);
    world.aws.fault(keyfob_tests::Fault::None);
    world.get("prod").ok();
}

#[test]
fn its_conversations_break_off_none_of_the_person_s() {
    let world = World::new();
    let mfa = "type = \"iam-user\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/alice\"\n";
    let many = |number| {
        format!(
            "[profile.build-x{number}]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/{number}\"\n"
        )
    };
    let many: String = (0..3_000).map(many).collect();
    world.config(&format!("{}{many}", scoped().replace("type = \"iam-user\"\n", mfa)));
    world.add_key("alice");
    let mut person = UnixStream::connect(world.socket()).unwrap();
    person.set_read_timeout(Some(10 * SECOND)).unwrap();
    person.write_all(&request(r#"{"login":{"name":"alice"}}"#)).unwrap();
    let prompt = String::from_utf8(frame::read(&mut person).unwrap()).unwrap();
    assert!(prompt.contains("MFA code"), "{prompt}");
    // More than all conversations that there can be at once, of peers that read the first page of several.
    let mut idle = Vec::new();
    for _ in 0..100 {
        let mut stream = UnixStream::connect(socket(&world)).unwrap();
        stream.write_all(&request(r#"{"profiles":{"name":null}}"#)).unwrap();
        idle.push(stream);
    }
    for stream in &mut idle {
        let _ = frame::read(stream);
    }
    let mut answer = Vec::new();
    frame::append(&mut answer, br#"{"text":"123456"}"#).unwrap();
    person.write_all(&answer).unwrap();
    let done = String::from_utf8(frame::read(&mut person).unwrap()).unwrap();
    assert!(done.contains("is signed in"), "{done}");
    inside(&world, &["get", "ci"]).ok();
}

#[test]
fn few_of_its_callers_may_wait_at_once() {
    let world = World::new();
    world.config(&scoped());
    let script = format!("ulimit -n 1024; exec {} daemon start", world.program("keyfob").display());
    assert!(world.command("sh").args(["-c", &script]).status().unwrap().success());
    world.add_key("alice");
    world.get("ci").ok();
    world.aws.fault(keyfob_tests::Fault::Hang);
    let mut callers: Vec<UnixStream> = (0..60)
        .map(|_| {
            let mut stream = UnixStream::connect(socket(&world)).unwrap();
            stream.set_read_timeout(Some(20 * SECOND)).unwrap();
            stream.write_all(&request(r#"{"get":{"profile":"build-1"}}"#)).unwrap();
            stream
        })
        .collect();
    let replies = callers.iter_mut().map(|stream| String::from_utf8(frame::read(stream).unwrap()).unwrap());
    let refused = replies.filter(|reply| reply.contains("too many callers wait at this socket")).count();
    assert!((40..60).contains(&refused), "{refused} were turned away");
    world.aws.fault(keyfob_tests::Fault::None);
    inside(&world, &["get", "ci"]).ok();
}

#[test]
fn nonsense_gets_an_answer_or_an_end() {
    let world = world(&scoped());
    let id = inside(&world, &["get", "ci"]).access_key_id();
    world.get("prod").ok();
    let pid = world.daemons();
    let most = u32::try_from(frame::MAX_FRAME).unwrap();
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let long = format!(r#"{{"get":{{"profile":"{}"}}}}"#, "x".repeat(60_000));
    for bytes in [
        vec![0; 4],
        u32::MAX.to_be_bytes().to_vec(),
        [&1_u32.to_be_bytes()[..], b"1", &(most + 1).to_be_bytes()[..]].concat(),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        request(&deep),
        request(&long),
        request(r#"{"get":{"profile":"ci"},"get":{"profile":"prod"}}"#),
        request(r#"{"get":{"profile":"ci","profile":"prod"}}"#),
        request(r#"{"get":{"profile":"prod\u0000ci"}}"#),
        request(r#"{"get":{"profile":["prod"]}}"#),
        request(r#"[{"get":{"profile":"prod"}}]"#),
        [request(r#"{"get":{"profile":"absent"}}"#), request(r#"{"get":{"profile":"prod"}}"#)].concat(),
    ] {
        let reply = exchange(&socket(&world), &bytes);
        no_secrets(&world, &reply);
        assert!(!reply.contains("AccessKeyId"), "{reply}");
    }
    assert_eq!(inside(&world, &["get", "ci"]).access_key_id(), id);
    assert_eq!(world.daemons(), pid);
}

#[test]
fn a_file_that_is_taken_away_again_and_again_costs_the_person_nothing() {
    let world = world(&scoped());
    world.get("ci").ok();
    let (socket, start) = (socket(&world), Instant::now());
    let mut removed = 0;
    while start.elapsed() < 3 * SECOND {
        removed += u32::from(std::fs::remove_file(&socket).is_ok());
        world.get("ci").ok();
    }
    assert!((2..=10).contains(&removed), "it was made again {removed} times");
    // In its place stands something else, which is left alone; the main socket goes on.
    eventually("it is gone", 2 * SECOND, || std::fs::remove_file(&socket).is_ok() || !socket.exists());
    std::os::unix::fs::symlink(world.socket(), &socket).unwrap();
    std::thread::sleep(Duration::from_millis(700));
    assert!(std::fs::read_link(&socket).is_ok());
    assert_eq!(world.status()["sockets"][0]["state"], "failed");
    std::fs::remove_file(&socket).unwrap();
    eventually("it serves again", 3 * SECOND, || {
        socket.exists() && inside(&world, &["get", "ci"]).status == 0
    });
    assert_eq!(world.daemons().len(), 1);
}
