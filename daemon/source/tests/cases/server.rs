//! `answer.http`: the answer as it goes over the wire; the lines of its head end in CR LF there.
//!
//! `{fill:N}` stands for N letters, `{elsewhere}` for the URL of another host that must not be called. A first line
//! of one word says what the server does: `CLOSE` and `HANG` (nothing is sent), `SLOW` (a byte every 50 ms), `ENDLESS`
//! (spaces follow for ever), `RAW` (no line end is changed).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const DRIP: Duration = Duration::from_millis(50);

/// What reached the server.
pub(crate) struct Seen {
    pub(crate) calls: usize,
    pub(crate) elsewhere: usize,
    pub(crate) parameters: BTreeMap<String, String>,
}

pub(crate) struct Server {
    pub(crate) url: String,
    calls: Arc<AtomicUsize>,
    elsewhere: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
    trap: JoinHandle<()>,
    bodies: tokio::sync::mpsc::UnboundedReceiver<String>,
}

pub(crate) async fn start(answer: Vec<u8>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let other = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().expect("an address"));
    let script = Arc::new(Script::read(&answer, &url(&other)));
    let (calls, elsewhere): (Arc<AtomicUsize>, Arc<AtomicUsize>) = Default::default();
    let (sender, bodies) = tokio::sync::mpsc::unbounded_channel();
    let (counted, trapped) = (calls.clone(), elsewhere.clone());
    let url = url(&listener);
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (script, counted, sender) = (script.clone(), counted.clone(), sender.clone());
            tokio::spawn(async move {
                let Some(body) = request(&mut stream).await else { return };
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = sender.send(body);
                script.play(&mut stream).await;
            });
        }
    });
    let trap = tokio::spawn(async move {
        while other.accept().await.is_ok() {
            trapped.fetch_add(1, Ordering::SeqCst);
        }
    });
    Server { url, calls, elsewhere, serving, trap, bodies }
}

impl Server {
    pub(crate) async fn end(mut self) -> Seen {
        // A call that was made is in the queue of the other listener: it has its turn.
        tokio::time::sleep(DRIP).await;
        self.serving.abort();
        self.trap.abort();
        let body = self.bodies.try_recv().unwrap_or_default();
        Seen {
            calls: self.calls.load(Ordering::SeqCst),
            elsewhere: self.elsewhere.load(Ordering::SeqCst),
            parameters: body.split('&').filter_map(|pair| pair.split_once('=')).map(decoded).collect(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Whole,
    Close,
    Hang,
    Slow,
    Endless,
    Raw,
}

struct Script {
    manner: Manner,
    bytes: Vec<u8>,
}

impl Script {
    fn read(answer: &[u8], elsewhere: &str) -> Self {
        let end = answer.iter().position(|byte| *byte == b'\n').map_or(answer.len(), |end| end + 1);
        let manner = match answer[..end].trim_ascii() {
            b"CLOSE" => Manner::Close,
            b"HANG" => Manner::Hang,
            b"SLOW" => Manner::Slow,
            b"ENDLESS" => Manner::Endless,
            b"RAW" => Manner::Raw,
            _ => Manner::Whole,
        };
        let text = if manner == Manner::Whole { answer } else { &answer[end..] };
        let text = replaced(text, b"{elsewhere}", elsewhere.as_bytes());
        let text = filled(text);
        let bytes = if manner == Manner::Raw { text } else { with_line_ends(&text) };
        Self { manner, bytes }
    }

    async fn play(&self, stream: &mut TcpStream) {
        match self.manner {
            Manner::Close => {}
            Manner::Hang => wait_for_the_end(stream).await,
            Manner::Whole | Manner::Raw => {
                let _ = stream.write_all(&self.bytes).await;
                let _ = stream.shutdown().await;
                wait_for_the_end(stream).await;
            }
            Manner::Slow => {
                for byte in &self.bytes {
                    if stream.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(DRIP).await;
                }
            }
            Manner::Endless => {
                let _ = stream.write_all(&self.bytes).await;
                while stream.write_all(&[b' '; 4_096]).await.is_ok() {}
            }
        }
    }
}

// Closing with unread bytes would reset the connection under the answer.
async fn wait_for_the_end(stream: &mut TcpStream) {
    let mut rest = [0; 1_024];
    while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
}

/// Reads one request and answers its body.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    loop {
        let mut piece = [0; 4_096];
        let read = stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
        text.extend_from_slice(&piece[..read]);
        let seen = String::from_utf8_lossy(&text);
        let Some((head, body)) = seen.split_once("\r\n\r\n") else { continue };
        let lengths = head.lines().filter_map(|line| line.split_once(':'));
        let length = lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length: usize = length.filter_map(|(_, value)| value.trim().parse().ok()).next().unwrap_or(0);
        if body.len() >= length {
            return Some(body.to_owned());
        }
    }
}

fn with_line_ends(text: &[u8]) -> Vec<u8> {
    let head = text.windows(2).position(|pair| pair == b"\n\n").map_or(text.len(), |end| end + 2);
    let mut bytes = replaced(&text[..head], b"\n", b"\r\n");
    bytes.extend_from_slice(&text[head..]);
    bytes
}

fn filled(text: Vec<u8>) -> Vec<u8> {
    let Some(start) = find(&text, b"{fill:") else { return text };
    let Some(length) = find(&text[start..], b"}") else { return text };
    let number = String::from_utf8_lossy(&text[start + 6..start + length]).parse().expect("{fill:N}");
    [&text[..start], &vec![b'x'; number], &text[start + length + 1..]].concat()
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(start) = find(rest, from) {
        bytes.extend_from_slice(&rest[..start]);
        bytes.extend_from_slice(to);
        rest = &rest[start + from.len()..];
    }
    bytes.extend_from_slice(rest);
    bytes
}

/// Undoes the form encoding of a parameter.
fn decoded((name, value): (&str, &str)) -> (String, String) {
    let decode = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'%' => {
                    let digits: String = rest.by_ref().take(2).map(char::from).collect();
                    u8::from_str_radix(&digits, 16).expect("two digits")
                }
                b'+' => b' ',
                other => other,
            });
        }
        String::from_utf8(bytes).expect("UTF-8")
    };
    (decode(name), decode(value))
}
