//! A client that passes a listening socket to the daemon, keeps it, and misbehaves with it.

use crate::exec::Program;
use keyfob_shared::frame;
use keyfob_tests::world::{OTHER_USER, eventually};
use keyfob_tests::{World, parts};
use rustix::cmsg_space;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::Uid;
use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Has an endpoint granted behind a socket, and answers the connection and what the daemon says to it.
fn grant(world: &World, socket: BorrowedFd<'_>) -> (UnixStream, String) {
    let mut stream = UnixStream::connect(world.socket()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(12))).unwrap();
    let request = format!(r#"{{"grant":{{"profile":"p","token":"{TOKEN}","port":0,"lease":null}}}}"#);
    let mut bytes = Vec::new();
    frame::append(&mut bytes, b"1").unwrap();
    frame::append(&mut bytes, request.as_bytes()).unwrap();
    stream.write_all(&bytes).unwrap();
    let reply = String::from_utf8(frame::read(&mut stream).unwrap()).unwrap();
    assert!(reply.contains("send_listener"), "{reply}");
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let sockets = [socket];
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&sockets)));
    sendmsg(stream.as_fd(), &[IoSlice::new(b"x")], &mut ancillary, SendFlags::empty()).unwrap();
    let reply = String::from_utf8(frame::read(&mut stream).unwrap()).unwrap();
    (stream, reply)
}

#[test]
fn a_client_that_makes_accept_wait_holds_up_nobody() {
    let world = World::with_profile();
    world.get("p").ok();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (stream, reply) = grant(&world, listener.as_fd());
    assert!(reply.contains("granted"), "{reply}");
    // The flag belongs to both ends.
    listener.set_nonblocking(false).unwrap();
    for _ in 0..20 {
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    }
    let start = Instant::now();
    world.get("p").ok();
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    drop((stream, listener));
    eventually("the grant ends", Duration::from_secs(5), || world.profile("p")["programs"] == 0);
}

#[test]
fn another_user_who_connects_without_end_does_not_starve_a_program() {
    if !parts::is_root() {
        return;
    }
    let world = World::with_profile();
    let program = Program::start(&world, &["p"]);
    program.access_key_id();
    let address = ("127.0.0.1", program.port);
    let mut own = TcpStream::connect(address).unwrap();
    own.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let connect = move || {
        let user = Uid::from_raw(OTHER_USER);
        // Of this thread alone.
        rustix::thread::set_thread_res_uid(user, user, user).unwrap();
        (0..300).map(|_| TcpStream::connect(address)).collect::<Vec<_>>()
    };
    let strangers = std::thread::spawn(connect).join().unwrap();
    let (port, token) = (program.port, &program.token);
    let request =
        format!("GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {token}\r\n\r\n");
    own.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    let read = own.read_to_string(&mut answer);
    assert!(read.is_ok() && answer.starts_with("HTTP/1.1 200 "), "{read:?} {answer}");
    program.access_key_id();
    drop(strangers);
    program.end();
}

#[test]
fn a_daemon_with_few_descriptors_says_how_many_programs_it_serves() {
    let world = World::new();
    world.config("[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n");
    let script = format!("ulimit -n 256; exec {} daemon start", world.program("keyfob").display());
    assert!(world.command("sh").args(["-c", &script]).status().unwrap().success());
    world.add_key("alice");
    let programs: Vec<_> = (0..5).map(|_| Program::start(&world, &["p"])).collect();
    let refused = world.keyfob(&["exec", "p", "--", "true"]);
    assert!(refused.failed(4).contains("5 programs run with a profile already"), "{refused:?}");
    // One that takes all connections that it can leaves the others theirs.
    let greedy: Vec<_> = (0..200).map(|_| TcpStream::connect(("127.0.0.1", programs[0].port))).collect();
    programs[1].access_key_id();
    world.get("p").ok();
    drop(greedy);
    programs.into_iter().for_each(Program::end);
}
