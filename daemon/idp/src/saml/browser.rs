//! A sign-in in the browser of the person: whatever the provider asks for, passkeys too, is between those two.
//!
//! The response is caught on loopback, where the provider can be told to send it there; else it is pasted.

use super::assertion::MAX_ENCODED;
use super::{Settings, SignedIn, assertion_of, login, received};
use crate::Ask;
use crate::ask::while_there;
use crate::trouble::Trouble;
use crate::web::Place;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use keyfob_shared::wire::Prompt;
use keyfob_shared::{Failure, FailureKind, Secret};
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How long a person has in the browser.
const PERSON_TIME: Duration = Duration::from_secs(5 * 60);
const CONNECTION_TIME: Duration = Duration::from_secs(20);
const MAX_CONNECTIONS: usize = 16;
/// Every character may be escaped, and other fields stand beside.
const MAX_BODY: usize = 4 * MAX_ENCODED;
const DONE: &str = "<!doctype html><title>keyfob</title><p>Signed in. You can close this page.";
const WRONG: &str =
    "<!doctype html><title>keyfob</title><p>No response of an identity provider that can be used.";

/// Opens the page, and waits for the response.
pub(super) async fn sign_in(settings: &Settings, ask: &mut impl Ask) -> Result<SignedIn, Trouble> {
    let listener = match settings.port {
        Some(port) => listen(port, ask).await?,
        None => None,
    };
    let port = listener.as_ref().and_then(|listener| listener.local_addr().ok()).map_or(0, |own| own.port());
    let url = settings.url.replace("{port}", &port.to_string());
    if let Err(wrong) = Place::parse(&url) {
        let failure = Failure::new(FailureKind::Usage, format!("sign in at {:?}: {wrong}", settings.url));
        return Err(Trouble::Lasting(failure.hint("keyfob profile check")));
    }
    ask.show(Prompt::OpenUrl { url, code: None }).await.map_err(Trouble::Lasting)?;
    let assertion = match listener {
        Some(listener) => {
            let caught = tokio::time::timeout(PERSON_TIME, catch(listener, settings));
            let caught = while_there(ask, caught).await?;
            caught.map_err(|_| {
                let minutes = PERSON_TIME.as_secs() / 60;
                Trouble::person(format!(
                    "sign in: no response came back to port {port} within {minutes} minutes"
                ))
                .hint(login(settings))
            })??
        }
        None => {
            let label = "the SAMLResponse that the browser sends to AWS (network tools, request `saml`)";
            let pasted = ask.ask(Prompt::Secret { label: label.into() }).await.map_err(Trouble::Lasting)?;
            // A terminal cuts a line off after 4,095 letters.
            let hint = format!("paste the whole response, or give it as a file: {} < FILE", login(settings));
            assertion_of(settings, &received::of_text(&pasted), None).map_err(|trouble| trouble.hint(hint))?
        }
    };
    Ok(SignedIn { assertion, kept: Secret::default() })
}

/// Listens, or says why that can't be and the response has to be pasted.
async fn listen(port: u16, ask: &mut impl Ask) -> Result<Option<TcpListener>, Trouble> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => Ok(Some(listener)),
        Err(cause) => {
            let text = format!("listen on 127.0.0.1:{port}: {cause}; the response has to be pasted");
            ask.show(Prompt::Note { text }).await.map_err(Trouble::Lasting)?;
            Ok(None)
        }
    }
}

/// Waits for one form with a response that can be used; what else comes changes nothing.
///
/// Where it comes from is not asked: the page of a provider has any origin. A response of somebody else's account can be
/// sent by any page, and gets no further than the roles that are configured.
async fn catch(listener: TcpListener, settings: &Settings) -> Result<super::Assertion, Trouble> {
    let (sender, mut responses) = mpsc::channel::<(Secret, mpsc::Sender<bool>)>(1);
    let mut connections = JoinSet::new();
    let mut last = None;
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                if let Ok((stream, _)) = accepted {
                    let connection = converse(stream, sender.clone());
                    connections.spawn(async { let _ = tokio::time::timeout(CONNECTION_TIME, connection).await; });
                } else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            Some(_) = connections.join_next() => {}
            Some((response, told)) = responses.recv() => {
                let read = assertion_of(settings, &response, None);
                let _ = told.send(read.is_ok()).await;
                match read {
                    Ok(assertion) => {
                        last_words(connections).await;
                        return Ok(assertion);
                    }
                    // The provider says no, which no other response will change.
                    Err(trouble) if trouble.is_for_person() => {
                        last_words(connections).await;
                        return Err(trouble);
                    }
                    Err(trouble) => last = Some(trouble),
                }
            }
        }
        if let Some(trouble) = last.take() {
            tracing::debug!(failure = %trouble.into_failure(), "a response that can't be used");
        }
    }
}

/// Lets the browser have its page.
async fn last_words(mut connections: JoinSet<()>) {
    let _ = tokio::time::timeout(Duration::from_millis(500), async {
        while connections.join_next().await.is_some() {}
    })
    .await;
}

async fn converse(stream: TcpStream, sender: mpsc::Sender<(Secret, mpsc::Sender<bool>)>) {
    let respond = service_fn(|request: Request<Incoming>| respond(request, sender.clone()));
    let mut server = http1::Builder::new();
    server.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(CONNECTION_TIME);
    let _ = server.serve_connection(TokioIo::new(stream), respond).await;
}

async fn respond(
    request: Request<Incoming>,
    sender: mpsc::Sender<(Secret, mpsc::Sender<bool>)>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() != Method::POST {
        return Ok(page(StatusCode::METHOD_NOT_ALLOWED, WRONG));
    }
    let body = Limited::new(request.into_body(), MAX_BODY).collect().await;
    let response = body.ok().and_then(|body| received::of_form(&body.to_bytes()));
    let (tell, mut told) = mpsc::channel(1);
    let is_good = match response {
        Some(response) => sender.send((response, tell)).await.is_ok() && told.recv().await == Some(true),
        None => false,
    };
    Ok(if is_good { page(StatusCode::OK, DONE) } else { page(StatusCode::BAD_REQUEST, WRONG) })
}

fn page(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut page = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *page.status_mut() = status;
    page.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    page
}
