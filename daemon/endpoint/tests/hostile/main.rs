//! What strangers send to an endpoint: each gets a refusal, and none a byte of credentials.

#![allow(clippy::unwrap_used, reason = "tests")]

mod table;

use keyfob_endpoint::{Door, MAX_CONNECTIONS, Owner, serve};
use keyfob_shared::{Failure, FailureKind, Secret};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use table::{CLOSED, HOSTILE};
use tokio::sync::Semaphore;

const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const DOCUMENT: &str = r#"{"document":{"Version":1,"AccessKeyId":"ASIACANARY","SecretAccessKey":"canary-secret","SessionToken":"canary-token","Expiration":"2026-01-02T03:04:05Z"}}"#;
/// None of these may reach a stranger.
const CANARIES: &[&str] = &["ASIACANARY", "canary", "Expiration", TOKEN];

#[derive(Clone)]
struct Granted {
    answer: Result<&'static str, Failure>,
    refusals: Arc<Mutex<Vec<&'static str>>>,
}

impl Owner for Granted {
    async fn credentials(&self) -> Result<Arc<Secret>, Failure> {
        match self.answer.clone()? {
            "" => std::future::pending().await,
            document => Ok(Arc::new(Secret::new(document))),
        }
    }

    fn refused(&self, _: Option<u32>, why: &'static str) {
        self.refusals.lock().unwrap().push(why);
    }
}

struct Endpoint {
    address: SocketAddr,
    refusals: Arc<Mutex<Vec<&'static str>>>,
}

impl Endpoint {
    fn start(answer: Result<&'static str, Failure>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let refusals = Arc::new(Mutex::new(Vec::new()));
        let owner = Granted { answer, refusals: refusals.clone() };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut door = Door::open(listener).unwrap();
                serve(&mut door, Secret::new(TOKEN), owner, &Arc::new(Semaphore::new(MAX_CONNECTIONS))).await
            })
        });
        Self { address, refusals }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends bytes and answers everything that comes back.
    fn send(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // The other end may have had enough before the end.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Fills in the port and the token.
    fn fill(&self, request: &str) -> String {
        request.replace("PORT", &self.address.port().to_string()).replace("TOKEN", TOKEN)
    }
}

const GOOD: &str = "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n";

#[test]
fn the_program_it_was_made_for_gets_credentials() {
    let endpoint = Endpoint::start(Ok(DOCUMENT));
    let answer = endpoint.send(endpoint.fill(GOOD).as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains(r#""Token":"canary-token""#) && answer.contains("no-store"), "{answer}");
    for name in ["access-control", "server:", "set-cookie"] {
        assert!(!answer.to_lowercase().contains(name), "{answer}");
    }
    assert!(endpoint.refusals.lock().unwrap().is_empty());
}

#[test]
fn strangers_are_refused_without_a_byte_of_credentials() {
    let endpoint = Endpoint::start(Ok(DOCUMENT));
    for (name, request, status) in HOSTILE {
        let answer = endpoint.send(endpoint.fill(request).as_bytes());
        let told = answer.split(' ').nth(1).map_or(CLOSED, |status| status.parse().unwrap());
        assert_eq!(told, *status, "{name}: {answer}");
        assert!(!answer.to_lowercase().contains("access-control"), "{name}: {answer}");
        for canary in CANARIES {
            assert!(!answer.contains(canary), "{name}: {answer}");
        }
    }
    println!("{} hostile requests", HOSTILE.len());
    // It still works for whom it was made.
    assert!(endpoint.send(endpoint.fill(GOOD).as_bytes()).starts_with("HTTP/1.1 200 OK"));
    assert!(!endpoint.refusals.lock().unwrap().is_empty());
}

#[test]
fn a_head_without_end_is_cut_off() {
    let endpoint = Endpoint::start(Ok(DOCUMENT));
    let long =
        format!("GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nA: {}\r\n\r\n", "a".repeat(100_000));
    let many =
        format!("GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n{}\r\n", "A: a\r\n".repeat(1_000));
    let address = format!("GET /{} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", "a".repeat(100_000));
    for request in [long, many, address] {
        let answer = endpoint.send(endpoint.fill(&request).as_bytes());
        // What was not read may reset the connection before the answer is.
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert!(CANARIES.iter().all(|canary| !answer.contains(canary)), "{answer}");
    }
}

#[test]
fn whoever_is_slow_is_told_so_and_gives_room_to_the_next() {
    let endpoint = Endpoint::start(Ok(DOCUMENT));
    let mut slow: Vec<TcpStream> = (0..3 * MAX_CONNECTIONS).map(|_| endpoint.connect()).collect();
    for stream in &mut slow {
        let _ = stream.write_all(b"GET /credentials HTTP/1.1\r\n");
    }
    assert!(endpoint.send(endpoint.fill(GOOD).as_bytes()).starts_with("HTTP/1.1 200 OK"));
    let mut last = slow.pop().unwrap();
    let mut answer = String::new();
    last.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn however_many_ask_at_once_all_are_answered() {
    // Each answer takes as long as it may.
    let endpoint = Endpoint::start(Ok(""));
    let request = endpoint.fill(GOOD);
    let ask = |_| {
        let mut stream = endpoint.connect();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let mut asking: Vec<TcpStream> = (0..3 * MAX_CONNECTIONS).map(ask).collect();
    for stream in &mut asking {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
}

#[test]
fn there_is_an_error_in_time_and_never_a_blank_success() {
    let signed_out = Failure::new(FailureKind::Person, "a sign-in is needed").hint("keyfob login corp");
    for (answer, status) in [
        (Err(signed_out), 403),
        (Err(Failure::new(FailureKind::Upstream, "STS does not answer")), 503),
        (Ok(""), 503),
        (Ok(r#"{"document":{"Version":1,"AccessKeyId":"","SecretAccessKey":""}}"#), 403),
        (Ok(r#"{"document":{}}"#), 403),
        (
            Ok(
                r#"{"document":{"Version":1,"AccessKeyId":"A","SecretAccessKey":"","SessionToken":"","Expiration":"2026-01-02T03:04:05Z"}}"#,
            ),
            403,
        ),
    ] {
        let endpoint = Endpoint::start(answer);
        let answer = endpoint.send(endpoint.fill(GOOD).as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains(r#""code":"#) && answer.contains(r#""message":"keyfob: "#), "{answer}");
        assert!(!answer.contains("AccessKeyId"), "{answer}");
    }
}
