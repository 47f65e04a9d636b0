//! Accepting: who it is, what they ask, without a task or a registration where the request is there already.
//!
//! For each connection, in this order:
//! 1. The peer's user comes from the kernel; if it can't be had, the connection is closed.
//! 2. Another user is sent away before a byte is read, without a byte.
//! 3. What the peer is, is read before it is answered, since it may end right after.
//! 4. The request is read without waiting; only a slow peer gets a task, with a deadline.

use super::bind::{Bound, Origin, SocketFile};
use super::connection::Connection;
use super::{Processes, accept, peer_of, watch};
use crate::request::{self, MAX_REQUEST, Parsed};
use crate::{Arrival, BindError, Incoming, Kind, MAX_UNFINISHED, Peer, REQUEST_TIME, Settings};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use zeroize::Zeroize;

/// A pause when the process has no descriptors left: without it, accepting would spin.
const NO_DESCRIPTORS: Duration = Duration::from_millis(50);
/// Most requests are far shorter.
const FIRST_READ: usize = 4_096;
/// Refused peers that are told of, each second.
const MAX_TOLD: u32 = 10;

/// The listening socket.
#[derive(Debug)]
pub struct Listener {
    socket: AsyncFd<OwnedFd>,
    bound: Bound,
    user: u32,
    allow_root: bool,
    others: Vec<u32>,
    buffer: Vec<u8>,
    finished: mpsc::UnboundedReceiver<Arrival>,
    finish: mpsc::UnboundedSender<Arrival>,
    unfinished: VecDeque<AbortHandle>,
    max_unfinished: usize,
    processes: Processes,
    told: (tokio::time::Instant, u32),
}

impl Listener {
    /// Makes the socket, or takes it over from systemd. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// [`BindError::AlreadyRunning`] if another daemon holds the lock beside the socket.
    pub fn bind(settings: &Settings) -> Result<Self, BindError> {
        let bound = super::bind::bind(settings)?;
        let io = |cause| BindError::Io("watch the socket".into(), cause);
        let socket = bound.socket.try_clone().and_then(watch).map_err(io)?;
        let (finish, finished) = mpsc::unbounded_channel();
        Ok(Self {
            socket,
            bound,
            user: rustix::process::geteuid().as_raw(),
            allow_root: settings.allow_root,
            others: match &settings.kind {
                Kind::Main => Vec::new(),
                Kind::Restricted { users } => users.clone(),
            },
            buffer: vec![0; FIRST_READ],
            finished,
            finish,
            unfinished: VecDeque::new(),
            max_unfinished: MAX_UNFINISHED.min(settings.descriptors / 4),
            processes: Processes::default(),
            told: (tokio::time::Instant::now(), 0),
        })
    }

    /// Answers the path of the socket, which systemd may have chosen.
    pub fn path(&self) -> &Path {
        self.bound.file.path()
    }

    /// Answers the socket file, to be looked at elsewhere.
    pub fn file(&self) -> &SocketFile {
        &self.bound.file
    }

    /// Answers whether a daemon takes connections at a socket.
    pub fn is_served(socket: &Path) -> bool {
        std::os::unix::net::UnixStream::connect(socket).is_ok()
    }

    /// Serves root, or no longer.
    pub fn allow_root(&mut self, allowed: bool) {
        self.allow_root = allowed;
    }

    /// Answers whether the socket file is still the one that was made: clients reach it by its name.
    pub fn still_ours(&self) -> bool {
        self.bound.file.is_there()
    }

    /// Waits for the next request. Can be dropped and asked again.
    pub async fn next(&mut self) -> Arrival {
        loop {
            tokio::select! {
                biased;
                Some(arrival) = self.finished.recv() => return arrival,
                ready = self.socket.readable() => {
                    let Ok(mut ready) = ready else { continue };
                    let accepted = accept(ready.get_inner());
                    match accepted {
                        Ok(connection) => {
                            if let Some(arrival) = self.welcome(connection) {
                                return arrival;
                            }
                        }
                        Err(Errno::WOULDBLOCK) => ready.clear_ready(),
                        Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                            drop(ready);
                            tracing::error!("no descriptor left for a connection");
                            self.close_oldest();
                            tokio::time::sleep(NO_DESCRIPTORS).await;
                        }
                        // The peer went away, or was interrupted, before it was accepted.
                        Err(_) => {}
                    }
                }
            }
        }
    }

    fn welcome(&mut self, connection: OwnedFd) -> Option<Arrival> {
        let mut peer = peer_of(&connection).ok()?;
        // Security: fail closed; root is served by its own agent.
        let allowed =
            peer.uid == self.user || (self.allow_root && peer.uid == 0) || self.others.contains(&peer.uid);
        if !allowed {
            return self.is_told().then_some(Arrival::Refused(peer));
        }
        peer.start = self.processes.of(&connection, peer.pid, tokio::time::Instant::now());
        let length = match recv(&connection, self.buffer.as_mut_slice(), RecvFlags::DONTWAIT) {
            Ok((0, _)) => return None,
            Ok((length, _)) => length,
            Err(Errno::WOULDBLOCK) => 0,
            Err(_) => return None,
        };
        let bytes = &mut self.buffer[..length];
        let parsed = request::parse(bytes);
        let arrival = match parsed {
            Parsed::Complete(request) => {
                Some(Arrival::Request(Incoming { peer, request, connection: Connection::new(connection) }))
            }
            Parsed::Wrong(reply) => {
                Connection::new(connection).reply(&reply);
                None
            }
            Parsed::Incomplete => {
                let begun = bytes.to_vec();
                self.await_rest(peer, connection, begun);
                None
            }
        };
        // A request may hold a secret.
        self.buffer[..length].zeroize();
        arrival
    }

    /// Gives a slow peer a task of its own.
    fn await_rest(&mut self, peer: Peer, connection: OwnedFd, begun: Vec<u8>) {
        if self.unfinished.len() >= self.max_unfinished {
            self.unfinished.retain(|task| !task.is_finished());
        }
        if self.unfinished.len() >= self.max_unfinished {
            self.close_oldest();
        }
        let finish = self.finish.clone();
        let task = tokio::spawn(async move {
            let read = tokio::time::timeout(REQUEST_TIME, read_rest(peer, connection, begun)).await;
            if let Ok(Some(arrival)) = read {
                let _ = finish.send(arrival);
            }
        });
        self.unfinished.push_back(task.abort_handle());
    }

    fn close_oldest(&mut self) {
        if let Some(oldest) = self.unfinished.pop_front() {
            oldest.abort();
        }
    }

    /// Limits how often a refusal is told: a hostile user can knock faster than anyone can read.
    fn is_told(&mut self) -> bool {
        let now = tokio::time::Instant::now();
        if now.duration_since(self.told.0) > Duration::from_secs(1) {
            self.told = (now, 0);
        }
        self.told.1 += 1;
        self.told.1 <= MAX_TOLD
    }
}

async fn read_rest(peer: Peer, connection: OwnedFd, mut bytes: Vec<u8>) -> Option<Arrival> {
    let socket = watch(connection).ok()?;
    let mut piece = vec![0; FIRST_READ];
    loop {
        let mut ready = socket.readable().await.ok()?;
        match recv(ready.get_inner(), piece.as_mut_slice(), RecvFlags::DONTWAIT) {
            Ok((0, _)) => return None,
            Ok((length, _)) => {
                bytes.extend_from_slice(&piece[..length]);
                piece.zeroize();
                piece.resize(FIRST_READ, 0);
            }
            Err(Errno::WOULDBLOCK) => {
                ready.clear_ready();
                continue;
            }
            Err(_) => return None,
        }
        if bytes.len() > MAX_REQUEST {
            return None;
        }
        let parsed = request::parse(&bytes);
        if parsed != Parsed::Incomplete {
            bytes.zeroize();
        }
        match parsed {
            Parsed::Incomplete => {}
            Parsed::Complete(request) => {
                let connection = Connection::new(socket.into_inner());
                return Some(Arrival::Request(Incoming { peer, request, connection }));
            }
            Parsed::Wrong(reply) => {
                Connection::new(socket.into_inner()).reply(&reply);
                return None;
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.bound.origin == Origin::Ours && self.still_ours() {
            let _ = std::fs::remove_file(self.path());
        }
    }
}
