//! Catches the answer of an authorization server on 127.0.0.1 (RFC 8252, 7.3): one path, one answer, then nobody listens.
//!
//! Whoever answers without the state that only the browser was told is not heard, and changes nothing.

use crate::quote;
use crate::trouble::Trouble;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use keyfob_shared::{Failure, FailureKind, Secret};
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// The path that providers redirect to; it has to be registered there as it is.
pub(crate) const PATH: &str = "/oauth/callback";
/// How long a person has in the browser.
const PERSON_TIME: Duration = Duration::from_secs(5 * 60);
const CONNECTION_TIME: Duration = Duration::from_secs(20);
const LAST_WORDS: Duration = Duration::from_millis(500);
const MAX_CONNECTIONS: usize = 16;
/// The longest head of a request, in bytes: codes are long, cookies of other services on this computer come along.
const MAX_HEAD: usize = 64 * 1024;
const DONE: &str = "<!doctype html><title>keyfob</title><p>You can close this page; keyfob goes on.";
const WRONG: &str = "<!doctype html><title>keyfob</title><p>No answer that keyfob waits for.";

/// A port that waits for one answer.
pub(crate) struct Loopback {
    listener: TcpListener,
    port: u16,
}

/// What an answer must be.
struct Expected {
    host: String,
    state: Secret,
    /// The issuer, and whether it has to name itself (RFC 9207).
    issuer: Option<(String, bool)>,
}

type Outcome = Result<Secret, Trouble>;

impl Loopback {
    /// Listens on a port, or on any.
    pub(crate) async fn bind(port: Option<u16>) -> Result<Self, Trouble> {
        let wanted = port.unwrap_or(0);
        let bound = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).await?;
            let port = listener.local_addr()?.port();
            std::io::Result::Ok(Self { listener, port })
        };
        bound.await.map_err(|cause| {
            let failure = Failure::new(FailureKind::Usage, format!("listen on 127.0.0.1:{wanted}: {cause}"));
            Trouble::Lasting(failure.hint("end the program that listens there, or set another port"))
        })
    }

    /// Answers the address that the browser is to come back to.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// Waits for the code that goes with a state; an issuer that names itself must be the given one.
    pub(crate) async fn code(self, state: Secret, issuer: Option<(String, bool)>) -> Outcome {
        let expected = Expected { host: format!("127.0.0.1:{}", self.port), state, issuer };
        let caught = tokio::time::timeout(PERSON_TIME, self.catch(Arc::new(expected))).await;
        caught.unwrap_or_else(|_| {
            let minutes = PERSON_TIME.as_secs() / 60;
            Err(Trouble::person(format!("no answer came back within {minutes} minutes")))
        })
    }

    async fn catch(self, expected: Arc<Expected>) -> Outcome {
        let (sender, mut outcomes) = mpsc::channel::<Outcome>(1);
        let mut connections = JoinSet::new();
        let outcome = loop {
            tokio::select! {
                accepted = self.listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                    if let Ok((stream, _)) = accepted {
                        let connection = converse(stream, expected.clone(), sender.clone());
                        connections.spawn(async { let _ = tokio::time::timeout(CONNECTION_TIME, connection).await; });
                    } else {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
                Some(_) = connections.join_next() => {}
                Some(outcome) = outcomes.recv() => break outcome,
            }
        };
        drop((self.listener, outcomes));
        // The browser is to have its page.
        let rest = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_WORDS, rest).await;
        outcome
    }
}

async fn converse(stream: TcpStream, expected: Arc<Expected>, sender: mpsc::Sender<Outcome>) {
    let respond = service_fn(|request: Request<Incoming>| {
        let outcome = expected.read(&request);
        // A second one finds no place, and nobody who waits.
        let taken = outcome.map(|outcome| sender.try_send(outcome).is_ok()).unwrap_or(false);
        std::future::ready(Ok::<_, Infallible>(page(taken)))
    });
    let mut server = http1::Builder::new();
    server.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(CONNECTION_TIME);
    server.max_buf_size(MAX_HEAD);
    let _ = server.serve_connection(TokioIo::new(stream), respond).await;
}

impl Expected {
    /// Reads an answer; `None` if it is not one that was waited for.
    fn read<B>(&self, request: &Request<B>) -> Option<Outcome> {
        let host = request.headers().get("host").and_then(|host| host.to_str().ok());
        // Security: under another name it is a page of somebody else that has us for its server.
        if request.method() != Method::GET || request.uri().path() != PATH || host != Some(&*self.host) {
            return None;
        }
        let query = request.uri().query().unwrap_or_default();
        let (mut state, mut issuer, mut code, mut error, mut description) = (None, None, None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "state" => &mut state,
                "iss" => &mut issuer,
                "code" => &mut code,
                "error" => &mut error,
                "error_description" => &mut description,
                _ => continue,
            };
            // RFC 6749, 3.1: no parameter comes twice.
            if place.replace(Secret::new(value)).is_some() {
                return None;
            }
        }
        if state.as_ref() != Some(&self.state) {
            return None;
        }
        // Security: an answer of another issuer is for another client (RFC 9207, 2.4).
        let is_issuer = match (&self.issuer, &issuer) {
            (Some((own, _)), Some(named)) => named.expose() == own,
            (Some((_, must)), None) => !must,
            (None, _) => true,
        };
        if !is_issuer {
            return None;
        }
        let told = |text: &Option<Secret>| {
            text.as_ref().map(|text| quote::text(text.expose(), &[&self.state])).unwrap_or_default()
        };
        match (error.is_some(), code.filter(|code| !code.expose().is_empty())) {
            (true, _) => Some(Err(denied(&told(&error), &told(&description)))),
            (false, Some(code)) => Some(Ok(code)),
            (false, None) => None,
        }
    }
}

fn denied(error: &str, description: &str) -> Trouble {
    let description = if description.is_empty() { String::new() } else { format!(": {description}") };
    match error {
        "temporarily_unavailable" | "server_error" => {
            Trouble::passing(format!("it says {error}{description}"))
        }
        _ => Trouble::person(format!("it says {error}{description}")),
    }
}

fn page(taken: bool) -> Response<Full<Bytes>> {
    let (status, text) = if taken { (StatusCode::OK, DONE) } else { (StatusCode::BAD_REQUEST, WRONG) };
    let mut page = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *page.status_mut() = status;
    let headers = page.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(target: &str, issuer: Option<(&str, bool)>) -> Option<Outcome> {
        let expected = Expected {
            host: "127.0.0.1:8".into(),
            state: Secret::new("st4te"),
            issuer: issuer.map(|(issuer, must)| (issuer.to_owned(), must)),
        };
        expected.read(&Request::builder().uri(target).header("host", "127.0.0.1:8").body(()).unwrap())
    }

    #[test]
    fn only_the_answer_that_was_waited_for_is_heard() {
        let own = Some(("https://idp.example", false));
        for (target, issuer) in [
            ("/oauth/callback?code=c&state=st4te", None),
            ("/oauth/callback?code=c&state=st4te&more=1&more=2", own),
            ("/oauth/callback?state=st4te&code=c&iss=https://idp.example", own),
        ] {
            assert_eq!(read(target, issuer).unwrap().unwrap().expose(), "c", "{target}");
        }
        let must = Some(("https://idp.example", true));
        for (target, issuer) in [
            ("/?code=c&state=st4te", None),
            ("/oauth/callback/?code=c&state=st4te", None),
            ("/oauth/callback?code=c", None),
            ("/oauth/callback?code=c&state=", None),
            ("/oauth/callback?code=c&state=ST4TE", None),
            ("/oauth/callback?state=st4te", None),
            ("/oauth/callback?state=st4te&code=", None),
            ("/oauth/callback?code=c&state=st4te&state=st4te", None),
            ("/oauth/callback?code=c&code=d&state=st4te", None),
            ("/oauth/callback?code=c&state=st4te&iss=https://evil.example", own),
            ("/oauth/callback?code=c&state=st4te", must),
            ("/oauth/callback?error=access_denied&state=x", None),
        ] {
            assert!(read(target, issuer).is_none(), "{target}");
        }
    }

    #[test]
    fn other_names_and_methods_are_not_heard() {
        let expected = Expected { host: "127.0.0.1:8".into(), state: Secret::new("st4te"), issuer: None };
        let request = |host: &str, method: &str| {
            let request = Request::builder().uri("/oauth/callback?code=c&state=st4te").header("host", host);
            expected.read(&request.method(method).body(()).unwrap()).is_some()
        };
        assert!(request("127.0.0.1:8", "GET"));
        assert!(!request("evil.example:8", "GET"));
        assert!(!request("127.0.0.1:8", "POST"));
    }

    #[test]
    fn a_refusal_is_told_without_what_steers_a_terminal() {
        let target = "/oauth/callback?error=access_denied&error_description=no%1B%5B2J&state=st4te";
        match read(target, None).unwrap() {
            Err(Trouble::Lasting(failure)) => {
                assert_eq!(failure.message, "it says access_denied: no\u{fffd}[2J");
                assert_eq!(failure.kind, FailureKind::Person);
            }
            other => panic!("{other:?}"),
        }
        let passing = read("/oauth/callback?error=temporarily_unavailable&state=st4te", None).unwrap();
        assert!(matches!(passing, Err(Trouble::Passing(_))));
    }

    #[tokio::test]
    async fn one_answer_is_taken_and_then_nobody_listens() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        async fn ask(port: u16, target: &str) -> std::io::Result<String> {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
            stream
                .write_all(format!("GET {target} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n").as_bytes())
                .await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok(answer)
        }
        let loopback = Loopback::bind(None).await.unwrap();
        let port = loopback.port;
        assert!(Loopback::bind(Some(port)).await.is_err());
        let code = tokio::spawn(loopback.code(Secret::new("st4te"), None));
        let wrong = ask(port, "/oauth/callback?code=evil&state=x").await.unwrap();
        assert!(wrong.starts_with("HTTP/1.1 400"), "{wrong}");
        let right = ask(port, "/oauth/callback?code=c&state=st4te").await.unwrap();
        assert!(right.starts_with("HTTP/1.1 200") && right.contains("no-store"), "{right}");
        assert_eq!(code.await.unwrap().unwrap().expose(), "c");
        assert!(ask(port, "/oauth/callback?code=d&state=st4te").await.is_err());
    }
}
