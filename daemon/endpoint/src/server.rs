//! The server of one endpoint: bounded in connections, time and size.

use crate::answer::{self, Answer};
use crate::door::Visitor;
use crate::rules::Rules;
use crate::user::User;
use crate::{
    ANSWER_TIME, CONNECTION_TIME, Door, HEAD_TIME, MAX_CONNECTIONS, OWN_CONNECTIONS, Owner, STRANGER_TIME,
};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use keyfob_shared::{Failure, FailureKind, Secret};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

/// The longest head of a request, in bytes; hyper takes no less.
const MAX_HEAD: usize = 8 * 1024;
const MAX_HEADERS: usize = 32;
/// What somebody is told who was too slow.
const TOO_SLOW: &[u8] = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Answers requests until it is dropped, which closes all connections.
///
/// `token` is what the program sends as `Authorization`; `pool` has the connections that all endpoints share.
///
/// # Errors
/// If the socket has no address, or does not listen.
pub async fn serve(
    door: &mut Door,
    token: Secret,
    owner: impl Owner,
    pool: &Arc<Semaphore>,
) -> std::io::Result<()> {
    let rules = Arc::new(Rules::new(door.port()?, token));
    let (mut connections, mut strangers) = (JoinSet::new(), JoinSet::new());
    loop {
        let visitor = tokio::select! {
            visitor = door.next() => visitor,
            Some(_) = connections.join_next() => continue,
            Some(_) = strangers.join_next() => continue,
        };
        let Visitor { stream, user, place } = visitor?;
        let connection = connection(stream, user, rules.clone(), owner.clone());
        let bounded = async { drop(tokio::time::timeout(CONNECTION_TIME, connection).await) };
        if let Some(place) = place {
            strangers.spawn(async {
                tokio::join!(bounded, tokio::time::sleep(STRANGER_TIME));
                drop(place);
            });
            continue;
        }
        let place = room(&mut connections, pool).await;
        connections.spawn(async {
            bounded.await;
            drop(place);
        });
    }
}

/// Waits for room for one more connection of this user; further ones wait in the listening socket meanwhile.
async fn room(connections: &mut JoinSet<()>, pool: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() < OWN_CONNECTIONS {
            return None;
        }
        if connections.len() < MAX_CONNECTIONS
            && let Ok(place) = pool.clone().try_acquire_owned()
        {
            return Some(place);
        }
        let _ = connections.join_next().await;
    }
}

async fn connection(stream: TcpStream, who: User, rules: Arc<Rules>, owner: impl Owner) {
    let respond = service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(respond(request, who, &rules, &owner).await)
    });
    let mut server = http1::Builder::new();
    server.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    server.max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    let mut connection = server.serve_connection(TokioIo::new(stream), respond);
    if let Err(error) = (&mut connection).await
        && error.is_timeout()
    {
        let mut stream = connection.into_parts().io.into_inner();
        let _ = stream.write_all(TOO_SLOW).await;
    }
}

async fn respond(request: Request<Incoming>, who: User, rules: &Rules, owner: &impl Owner) -> Answer {
    let (head, _body) = request.into_parts();
    let checked = match who {
        User::Own => rules.check(&head),
        User::Other(_) => {
            Err(crate::rules::Refusal { status: StatusCode::FORBIDDEN, why: "it is of another user" })
        }
    };
    if let Err(refusal) = checked {
        owner.refused(who.number(), refusal.why);
        return answer::refused(refusal);
    }
    match tokio::time::timeout(ANSWER_TIME, owner.credentials()).await {
        Ok(Ok(reply)) => answer::credentials(&reply).unwrap_or_else(|| {
            answer::failure(&Failure::new(FailureKind::Refused, "these credentials have no session token"))
        }),
        Ok(Err(failure)) => answer::failure(&failure),
        Err(_) => {
            answer::failure(&Failure::new(FailureKind::Upstream, "the session is being renewed: ask again"))
        }
    }
}
