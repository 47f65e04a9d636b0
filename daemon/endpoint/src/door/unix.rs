//! Linux and macOS: a thread for each endpoint accepts its connections.
//!
//! Security: the client keeps the listening socket, and with it the flag by which `accept` does not wait. One that
//! clears the flag stops this thread, and nothing but its own endpoint.

use super::Visitor;
use crate::MAX_STRANGERS;
use crate::user::{self, User};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::{self, PipeReader, PipeWriter};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};

/// Connections that are accepted and not yet served.
const MAX_WAITING: usize = 1;
/// The stack of a thread that does no more than accept, in bytes.
const STACK: usize = 128 * 1024;
/// A pause when nothing can be accepted: without it, accepting would spin.
const NO_DESCRIPTOR: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// Pauses between two attempts to end the thread.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

type Arrived = Visitor<TcpStream>;

/// A listening socket whose connections are taken while this exists. The socket may be somebody else's as well.
#[derive(Debug)]
pub struct Door {
    listener: Arc<TcpListener>,
    visitors: mpsc::Receiver<io::Result<Arrived>>,
    /// The thread ends when this is closed.
    open: PipeWriter,
    thread: JoinHandle<()>,
}

impl Door {
    /// Begins to accept.
    ///
    /// # Errors
    /// If there is no descriptor or no thread left.
    pub fn open(listener: TcpListener) -> io::Result<Self> {
        let listener = Arc::new(listener);
        let (closed, open) = io::pipe()?;
        let (send, visitors) = mpsc::channel(MAX_WAITING);
        let thread = thread::Builder::new().name("endpoint".into()).stack_size(STACK);
        let accepting = listener.clone();
        let thread = thread.spawn(move || accept(&accepting, &closed, &send))?;
        Ok(Self { listener, visitors, open, thread })
    }

    /// Answers the port.
    ///
    /// # Errors
    /// If the socket has no address.
    pub fn port(&self) -> io::Result<u16> {
        Ok(self.listener.local_addr()?.port())
    }

    /// Waits for the next connection.
    pub(crate) async fn next(&mut self) -> io::Result<Visitor<tokio::net::TcpStream>> {
        let ended = || Err(io::ErrorKind::BrokenPipe.into());
        let Visitor { stream, user, place } = self.visitors.recv().await.unwrap_or_else(ended)?;
        stream.set_nonblocking(true)?;
        Ok(Visitor { stream: tokio::net::TcpStream::from_std(stream)?, user, place })
    }

    /// Closes it, and waits until the thread has ended: another that has the socket may have made it wait, and taken
    /// the connection that it waits for.
    pub async fn close(self) {
        let Self { listener, thread, visitors, open } = self;
        drop((visitors, open));
        let mut pause = FIRST_PAUSE;
        while !thread.is_finished() {
            tokio::time::sleep(pause).await;
            if let (false, Ok(address)) = (thread.is_finished(), listener.local_addr()) {
                let connected = tokio::net::TcpStream::connect(address);
                let _ = tokio::time::timeout(LONGEST_PAUSE, connected).await;
            }
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }
}

/// Accepts until nobody wants it, or the socket is no good.
///
/// Security: connections of other users are told apart here, and never keep this user's from the loop. Where there is
/// no place for one more, it is closed.
fn accept(listener: &TcpListener, closed: &PipeReader, visitors: &mpsc::Sender<io::Result<Arrived>>) {
    let strangers = Arc::new(Semaphore::new(MAX_STRANGERS));
    while let Some(accepted) = next(listener, closed).transpose() {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                let _ = visitors.blocking_send(Err(error));
                return;
            }
        };
        let user = stream.local_addr().map_or(User::Other(None), |own| user::of(peer, own));
        let place = match user {
            User::Own => None,
            User::Other(_) => match strangers.clone().try_acquire_owned() {
                Ok(place) => Some(place),
                Err(_) => continue,
            },
        };
        if visitors.blocking_send(Ok(Visitor { stream, user, place })).is_err() {
            return;
        }
    }
}

/// Answers the next connection; `None` when nobody wants it.
fn next(listener: &TcpListener, closed: &PipeReader) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    loop {
        let mut both = [PollFd::new(listener, PollFlags::IN), PollFd::new(closed, PollFlags::IN)];
        match poll(&mut both, None) {
            Ok(_) if !both[1].revents().is_empty() => return Ok(None),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let error = match listener.accept() {
            Ok(visitor) => return Ok(Some(visitor)),
            Err(error) => error,
        };
        match Errno::from_io_error(&error) {
            // Somebody else who has the socket was faster, or whoever connected has gone.
            Some(Errno::WOULDBLOCK | Errno::CONNABORTED) => {}
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                tracing::warn!(%error, "accept a connection to an endpoint");
                let _ = poll(&mut [PollFd::new(closed, PollFlags::IN)], Some(&NO_DESCRIPTOR));
            }
            _ => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    const LIMIT: Duration = Duration::from_secs(10);

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn a_thread_that_waits_where_it_should_not_is_ended_all_the_same() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = listener.try_clone().unwrap();
        let runtime = runtime();
        let mut door = Door::open(listener).unwrap();
        shared.set_nonblocking(false).unwrap();
        // Somebody else takes connections that the thread has seen: sooner or later it waits for one that is gone.
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thief = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                drop(shared.accept());
            }
        });
        runtime.block_on(async {
            for _ in 0..200 {
                drop(TcpStream::connect(address));
                let _ = tokio::time::timeout(Duration::from_millis(1), door.next()).await;
            }
            stop.store(true, Ordering::Relaxed);
            tokio::time::timeout(LIMIT, door.close()).await.unwrap();
        });
        while !thief.is_finished() {
            drop(TcpStream::connect(address));
        }
    }

    #[test]
    fn the_socket_serves_on_elsewhere_when_it_is_closed_here() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = listener.try_clone().unwrap();
        shared.set_nonblocking(true).unwrap();
        let door = Door::open(listener).unwrap();
        runtime().block_on(async { tokio::time::timeout(LIMIT, door.close()).await.unwrap() });
        let _client = TcpStream::connect(address).unwrap();
        shared.accept().unwrap();
    }
}
