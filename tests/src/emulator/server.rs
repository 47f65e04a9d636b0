//! The two listening sockets, each on a thread of its own: a load on the object store must not hold up STS.

use super::answer::{Answer, Cut, object_error};
use super::{Fault, State, lock, objects, sts};
use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{DATE, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const MAX_BODY: usize = 64 * 1024 * 1024;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    Sts,
    Objects,
}

pub(super) fn start(state: &Arc<Mutex<State>>, sts: u16, objects: u16) -> (SocketAddr, SocketAddr) {
    (start_one(state, sts, Service::Sts), start_one(state, objects, Service::Objects))
}

fn start_one(state: &Arc<Mutex<State>>, port: u16, service: Service) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    let state = state.clone();
    let serve = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = listen(port)?;
            let _ = tell.send(listener.local_addr()?);
            accept(listener, state, service).await;
            std::io::Result::Ok(())
        })
    };
    let spawned = std::thread::Builder::new().name("emulator".into()).spawn(serve);
    spawned.expect("a thread can be started");
    told.recv().expect("the emulator listens")
}

fn listen(port: u16) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    socket.listen(1_024)
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>, service: Service) {
    const PAUSE: Duration = Duration::from_millis(20);
    let Ok(address) = listener.local_addr() else { return };
    let refuses = || service == Service::Sts && lock(&state).fault == Fault::Refuse;
    let mut listener = Some(listener);
    loop {
        if refuses() {
            listener = None;
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        let Some(open) = listener.take().or_else(|| listen(address.port()).ok()) else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        if let Ok(Ok((connection, _))) = tokio::time::timeout(PAUSE, open.accept()).await {
            tokio::spawn(converse(connection, state.clone(), service));
        }
        listener = Some(open);
    }
}

async fn converse(connection: TcpStream, state: Arc<Mutex<State>>, service: Service) {
    let answer = service_fn(|request: Request<Incoming>| answer(request, state.clone(), service));
    let io = TokioIo::new(connection);
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).auto_date_header(false);
    // A client may break off.
    let _ = builder.serve_connection(io, answer).await;
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
    service: Service,
) -> Result<Answer, io::Error> {
    let (head, body) = request.into_parts();
    let admitted = match service {
        Service::Sts => Ok(()),
        Service::Objects => objects::admit(&state, &head),
    };
    let body = Limited::new(body, MAX_BODY).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut answer = match (service, admitted) {
        (_, Err(wrong)) => object_error(&wrong),
        (Service::Sts, Ok(())) => sts::serve(&state, &head.headers, &body).await,
        (Service::Objects, Ok(())) => objects::serve(&state, &head, body).await,
    };
    if answer.extensions().get::<Cut>().is_some() {
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    let now = Duration::from_millis(lock(&state).now().unsigned_abs());
    let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + now);
    if let Ok(date) = HeaderValue::from_str(&date) {
        answer.headers_mut().insert(DATE, date);
    }
    // So that a test sees a fault at once: no connection outlives its answer.
    if service == Service::Sts {
        answer.headers_mut().insert("connection", HeaderValue::from_static("close"));
    }
    Ok(answer)
}
