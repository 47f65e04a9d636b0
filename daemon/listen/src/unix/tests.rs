//! The socket, claim by claim; what needs another user is in the acceptance suite.

use crate::{Arrival, BindError, Kind, Listener, MAX_UNFINISHED, Settings};
use keyfob_shared::frame;
use keyfob_shared::wire::Request;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700)).unwrap();
        Self { directory }
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("run").join("agent.sock")
    }

    fn bind(&self) -> Result<Listener, BindError> {
        Listener::bind(&Settings {
            socket: self.socket(),
            allow_root: false,
            descriptors: 1_024,
            kind: Kind::Main,
        })
    }
}

fn request() -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::append(&mut bytes, b"1").unwrap();
    frame::append(&mut bytes, br#"{"get":{"profile":"p"}}"#).unwrap();
    bytes
}

async fn arrival(listener: &mut Listener) -> Arrival {
    tokio::time::timeout(Duration::from_secs(4), listener.next()).await.unwrap()
}

#[tokio::test]
async fn a_request_comes_with_its_peer_and_is_answered() {
    let place = Place::new();
    let mut listener = place.bind().unwrap();
    let mut client = UnixStream::connect(place.socket()).unwrap();
    client.write_all(&request()).unwrap();
    let Arrival::Request(incoming) = arrival(&mut listener).await else { panic!() };
    assert_eq!(incoming.request, Request::Get { profile: "p".parse().unwrap() });
    assert_eq!(incoming.peer.pid, std::process::id());
    assert!(incoming.peer.start.is_some());
    incoming.connection.reply(b"fine");
    assert_eq!(frame::read(&mut client).unwrap(), b"fine");
    assert_eq!(client.read(&mut [0]).unwrap(), 0, "the connection is closed after the reply");
}

#[tokio::test]
async fn a_request_in_pieces_is_put_together() {
    let place = Place::new();
    let mut listener = place.bind().unwrap();
    let mut client = UnixStream::connect(place.socket()).unwrap();
    let bytes = request();
    client.write_all(&bytes[..7]).unwrap();
    let rest = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        client.write_all(&bytes[7..]).unwrap();
        client
    });
    let Arrival::Request(incoming) = arrival(&mut listener).await else { panic!() };
    incoming.connection.reply(b"fine");
    assert_eq!(frame::read(&mut rest.await.unwrap()).unwrap(), b"fine");
}

#[tokio::test]
async fn a_long_reply_reaches_a_slow_peer() {
    let place = Place::new();
    let mut listener = place.bind().unwrap();
    let mut client = UnixStream::connect(place.socket()).unwrap();
    rustix::net::sockopt::set_socket_recv_buffer_size(&client, 4_096).unwrap();
    client.write_all(&request()).unwrap();
    let Arrival::Request(incoming) = arrival(&mut listener).await else { panic!() };
    let body = vec![b'x'; frame::MAX_FRAME];
    incoming.connection.reply(&body);
    let read = tokio::task::spawn_blocking(move || frame::read(&mut client).unwrap());
    assert_eq!(read.await.unwrap(), body);
}

#[tokio::test]
async fn hostile_clients_do_not_keep_others_out() {
    let place = Place::new();
    let mut listener = place.bind().unwrap();
    let idle: Vec<UnixStream> = (0..2 * MAX_UNFINISHED)
        .map(|_| {
            let mut client = UnixStream::connect(place.socket()).unwrap();
            client.write_all(&[0]).unwrap();
            client
        })
        .collect();
    let mut huge = UnixStream::connect(place.socket()).unwrap();
    huge.write_all(&u32::MAX.to_be_bytes()).unwrap();
    let mut client = UnixStream::connect(place.socket()).unwrap();
    client.write_all(&request()).unwrap();
    let Arrival::Request(incoming) = arrival(&mut listener).await else { panic!() };
    incoming.connection.reply(b"fine");
    assert_eq!(frame::read(&mut client).unwrap(), b"fine");
    assert!(String::from_utf8(frame::read(&mut huge).unwrap()).unwrap().contains("too long"));
    drop(idle);
}

#[tokio::test]
async fn the_socket_is_private_before_it_listens_and_gone_after() {
    let place = Place::new();
    let listener = place.bind().unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.socket()), 0o600);
    assert_eq!(mode(place.socket().parent().unwrap()), 0o700);
    drop(listener);
    assert!(!place.socket().exists());
}

#[tokio::test]
async fn a_live_socket_is_not_stolen_and_a_dead_one_is_replaced() {
    let place = Place::new();
    let first = place.bind().unwrap();
    assert!(matches!(place.bind(), Err(BindError::AlreadyRunning)));
    assert!(first.still_ours());
    drop(first);
    drop(std::os::unix::net::UnixListener::bind(place.socket()).unwrap());
    assert!(place.socket().exists());
    let second = place.bind().unwrap();
    assert!(second.still_ours());
    std::fs::remove_file(place.socket()).unwrap();
    assert!(!second.still_ours());
}

#[tokio::test]
async fn a_path_that_others_could_change_is_refused() {
    let place = Place::new();
    std::fs::create_dir(place.socket().parent().unwrap()).unwrap();
    std::fs::write(place.socket(), "precious").unwrap();
    assert!(matches!(place.bind(), Err(BindError::Unsafe(_))));
    assert_eq!(std::fs::read_to_string(place.socket()).unwrap(), "precious");
    std::fs::remove_file(place.socket()).unwrap();
    std::fs::set_permissions(place.socket().parent().unwrap(), std::fs::Permissions::from_mode(0o777))
        .unwrap();
    assert!(matches!(place.bind(), Err(BindError::Unsafe(_))));
}

#[tokio::test]
async fn a_path_that_is_too_long_is_told() {
    let place = Place::new();
    let socket = place.directory.path().join("x".repeat(120));
    let error = Listener::bind(&Settings { socket, allow_root: false, descriptors: 1_024, kind: Kind::Main })
        .unwrap_err();
    assert!(error.to_string().contains("bytes that a socket path may have"), "{error}");
}

#[tokio::test]
async fn a_further_socket_is_open_only_where_other_users_are_named() {
    let place = Place::new();
    for (users, mode) in [(Vec::new(), 0o600), (vec![12_345], 0o666)] {
        let kind = Kind::Restricted { users };
        let settings = Settings { socket: place.socket(), allow_root: false, descriptors: 1_024, kind };
        let mut listener = Listener::bind(&settings).unwrap();
        let found = std::fs::metadata(place.socket()).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode);
        assert!(listener.file().is_there() && listener.file().path() == place.socket());
        let mut client = UnixStream::connect(place.socket()).unwrap();
        client.write_all(&request()).unwrap();
        assert!(matches!(arrival(&mut listener).await, Arrival::Request(_)));
        let file = listener.file().clone();
        drop(listener);
        assert!(!file.is_there());
    }
}
