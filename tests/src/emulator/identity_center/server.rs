//! Its socket, on one thread, and which request is which call.

use super::super::answer::{Answer, endless, text};
use super::super::{Fault, lock};
use super::{State, portal, takes_one, tokens};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};

const MAX_BODY: usize = 256 * 1024;

/// What is wrong with a request.
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
}

pub(super) fn refusal(status: u16, code: &'static str) -> Refusal {
    Refusal { status, code }
}

/// A request, taken apart.
pub(super) struct Asked {
    pub(super) query: HashMap<String, String>,
    pub(super) body: Value,
    pub(super) token: Option<String>,
}

impl Asked {
    pub(super) fn field(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }

    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let list = self.body[name].as_array().map_or(&[][..], Vec::as_slice);
        list.iter().filter_map(|entry| entry.as_str().map(str::to_owned)).collect()
    }

    pub(super) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map(String::as_str).unwrap_or_default()
    }
}

pub(super) fn start(state: &Arc<Mutex<State>>) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    let state = state.clone();
    let serve = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let address = listener.local_addr()?;
            let _ = tell.send(address);
            loop {
                let (connection, _) = listener.accept().await?;
                tokio::spawn(converse(connection, state.clone(), address));
            }
            #[allow(unreachable_code, reason = "it says what the block answers")]
            io::Result::Ok(())
        })
    };
    std::thread::Builder::new().name("identity-center".into()).spawn(serve).expect("a thread can be started");
    told.recv().expect("the emulator listens")
}

async fn converse(connection: TcpStream, state: Arc<Mutex<State>>, address: SocketAddr) {
    let answer = service_fn(|request: Request<Incoming>| answer(request, state.clone(), address));
    // A client may break off, and so do we where an answer is to be lost.
    let _ =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), answer).await;
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
    address: SocketAddr,
) -> io::Result<Answer> {
    let lost = || io::Error::from(io::ErrorKind::ConnectionAborted);
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let query = head.uri.query().unwrap_or_default();
    let asked = Asked {
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        token: head
            .headers
            .get("x-amz-sso_bearer_token")
            .and_then(|token| token.to_str().ok())
            .map(str::to_owned),
    };
    let call = match (&head.method, head.uri.path()) {
        (&Method::POST, "/client/register") => "RegisterClient",
        (&Method::POST, "/device_authorization") => "StartDeviceAuthorization",
        (&Method::POST, "/token") => "CreateToken",
        (&Method::GET, "/federation/credentials") => "GetRoleCredentials",
        (&Method::GET, "/assignment/accounts") => "ListAccounts",
        (&Method::GET, "/assignment/roles") => "ListAccountRoles",
        (&Method::GET, "/authorize") => return Ok(tokens::authorize(&mut lock(&state), &asked)),
        (&Method::GET, "/device") => return Ok(tokens::decide(&mut lock(&state), &asked)),
        _ => return Ok(error(&refusal(404, "UnknownOperationException"))),
    };
    let fault = {
        let mut state = lock(&state);
        state.count(call);
        if call == "CreateToken" {
            let grant = asked.field("grantType");
            let grant = grant.rsplit(':').next().unwrap_or_default();
            state.count(&format!("{call}/{grant}"));
        }
        match takes_one(&mut state.throttles, call) {
            true => Fault::Throttle,
            false => state.faults.get(call).cloned().unwrap_or(Fault::None),
        }
    };
    match fault {
        Fault::None => {}
        Fault::Refuse => return Err(lost()),
        Fault::Hang => std::future::pending::<()>().await,
        Fault::ServerError => return Ok(text(500, "text/html", "<h1>it broke</h1>")),
        Fault::Throttle => return Ok(error(&refusal(429, "TooManyRequestsException"))),
        Fault::Malformed => return Ok(text(200, "text/html", "welcome to the hotel network")),
        Fault::Torn => return Ok(text(200, "application/json", "{\"accessToken\":\"s3cr")),
        Fault::Oversized => return Ok(endless()),
        Fault::Error(code, _) => return Ok(error(&refusal(400, code))),
    }
    let mut state = lock(&state);
    let result = match call {
        "RegisterClient" => tokens::register(&mut state, &asked),
        "StartDeviceAuthorization" => tokens::start_device(&mut state, &asked, address),
        "CreateToken" => tokens::create(&mut state, &asked),
        "GetRoleCredentials" => portal::credentials(&mut state, &asked),
        "ListAccounts" => portal::accounts(&state, &asked),
        _ => portal::roles(&state, &asked),
    };
    if takes_one(&mut state.losses, call) {
        return Err(lost());
    }
    Ok(result.map_or_else(|wrong| error(&wrong), |body| text(200, "application/json", body.to_string())))
}

fn error(refusal: &Refusal) -> Answer {
    let body = json!({ "message": "no", "error_description": "no" }).to_string();
    let mut answer = text(refusal.status, "application/json", body);
    answer.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(refusal.code));
    answer
}
