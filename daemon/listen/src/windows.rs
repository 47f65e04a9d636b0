//! The named pipe of Windows. Run under Wine; not on Windows yet.
//!
//! Only its owner may open it, and only from this computer: `interprocess` refuses remote clients unless asked not to,
//! and takes the name only if nobody has it.

use crate::request::{self, MAX_REQUEST, Parsed};
use crate::{
    ANSWER_TIME, Arrival, BindError, Incoming, MAX_UNFINISHED, Peer, REPLY_TIME, REQUEST_TIME, Settings,
};
use interprocess::local_socket::tokio::{Listener as Pipe, Stream, prelude::*};
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName};
use interprocess::os::windows::local_socket::ListenerOptionsExt;
use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use keyfob_shared::frame::{HEADER, append, body_length};
use keyfob_shared::windows::user_sid;
use keyfob_shared::wire::{Answer, Reply};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc};
use zeroize::Zeroizing;

/// A pause when the pipe can't be offered again: without it, accepting would spin.
const NO_INSTANCE: Duration = Duration::from_millis(50);

/// A pipe that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketFile(PathBuf);

impl SocketFile {
    /// Answers its name.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A pipe lives as long as its listener.
    pub fn is_there(&self) -> bool {
        true
    }
}

/// The pipe.
pub struct Listener {
    name: SocketFile,
    pipe: Pipe,
    finished: mpsc::UnboundedReceiver<Arrival>,
    finish: mpsc::UnboundedSender<Arrival>,
    unfinished: Arc<Semaphore>,
}

impl Listener {
    /// Makes the pipe. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// [`BindError::AlreadyRunning`] if the name is taken: the first instance of a pipe is exclusive.
    pub fn bind(settings: &Settings) -> Result<Self, BindError> {
        let io = |what: &str| {
            let what = format!("{what} {}", settings.socket.display());
            move |cause: io::Error| BindError::Io(what, cause)
        };
        let name = settings.socket.as_os_str().to_fs_name::<GenericFilePath>().map_err(io("name pipe"))?;
        let user = user_sid().map_err(io("find the user of"))?;
        let text = widestring::U16CString::from_str(access(&user))
            .map_err(|error| BindError::Unsafe(error.to_string()))?;
        let descriptor = SecurityDescriptor::deserialize(&text).map_err(io("describe the owner of"))?;
        let pipe = ListenerOptions::new().name(name).security_descriptor(descriptor).create_tokio();
        let pipe = pipe.map_err(|cause| match cause.kind() {
            io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => BindError::AlreadyRunning,
            _ => io("make pipe")(cause),
        })?;
        let (finish, finished) = mpsc::unbounded_channel();
        let name = SocketFile(settings.socket.clone());
        Ok(Self { name, pipe, finished, finish, unfinished: Arc::new(Semaphore::new(MAX_UNFINISHED)) })
    }

    /// Answers the name of the pipe.
    pub fn path(&self) -> &Path {
        self.name.path()
    }

    /// Answers the pipe, to be looked at elsewhere.
    pub fn file(&self) -> &SocketFile {
        &self.name
    }

    /// Answers whether a daemon takes connections at a pipe.
    pub fn is_served(socket: &Path) -> bool {
        std::fs::OpenOptions::new().read(true).write(true).open(socket).is_ok()
    }

    /// There is no root here.
    pub fn allow_root(&mut self, _allowed: bool) {}

    /// A pipe lives as long as its listener.
    pub fn still_ours(&self) -> bool {
        true
    }

    /// Waits for the next request. Can be dropped and asked again.
    pub async fn next(&mut self) -> Arrival {
        loop {
            tokio::select! {
                Some(arrival) = self.finished.recv() => return arrival,
                stream = self.pipe.accept() => {
                    let Ok(stream) = stream else {
                        tracing::error!("the pipe can't be offered again");
                        tokio::time::sleep(NO_INSTANCE).await;
                        continue;
                    };
                    let Ok(permit) = self.unfinished.clone().try_acquire_owned() else { continue };
                    let finish = self.finish.clone();
                    tokio::spawn(async move {
                        if let Ok(Some(arrival)) = tokio::time::timeout(REQUEST_TIME, read(stream)).await {
                            let _ = finish.send(arrival);
                        }
                        drop(permit);
                    });
                }
            }
        }
    }
}

/// Describes who may open the pipe: its owner is the user, who alone is named, so nobody else may.
///
/// The user is named by number: by default an administrator's pipe would belong to all administrators.
fn access(user: &str) -> String {
    format!("O:{user}D:P(A;;GA;;;{user})")
}

async fn read(mut stream: Stream) -> Option<Arrival> {
    let pid = stream.peer_creds().ok().and_then(|peer| peer.pid()).unwrap_or(0);
    let mut bytes = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let length = stream.read(&mut piece).await.ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&piece[..length]);
        if bytes.len() > MAX_REQUEST {
            return None;
        }
        match request::parse(&bytes) {
            Parsed::Incomplete => {}
            Parsed::Complete(request) => {
                let peer = Peer { uid: 0, pid, start: None };
                return Some(Arrival::Request(Incoming { peer, request, connection: Connection { stream } }));
            }
            Parsed::Wrong(reply) => {
                Connection { stream }.reply(&reply);
                return None;
            }
        }
    }
}

/// A peer that waits for a reply.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
}

impl Connection {
    /// Sends the only reply and closes; in a task, with a deadline.
    pub fn reply(mut self, body: &[u8]) {
        let mut frame = Zeroizing::new(Vec::new());
        if append(&mut frame, body).is_err() {
            tracing::error!("a reply does not fit into a frame");
            return;
        }
        tokio::spawn(async move {
            let _ = tokio::time::timeout(REPLY_TIME, self.stream.write_all(&frame)).await;
        });
    }

    /// Goes on with more than one reply.
    pub fn dialogue(self) -> Dialogue {
        Dialogue { stream: self.stream }
    }
}

/// A conversation with a person.
#[derive(Debug)]
pub struct Dialogue {
    stream: Stream,
}

impl Dialogue {
    /// Sends a reply.
    ///
    /// # Errors
    /// If the peer is gone, does not take it in time, or it does not fit into a frame.
    pub async fn send(&mut self, reply: &Reply) -> io::Result<()> {
        let body = Zeroizing::new(serde_json::to_vec(reply)?);
        let mut frame = Zeroizing::new(Vec::new());
        append(&mut frame, &body)?;
        tokio::time::timeout(REPLY_TIME, self.stream.write_all(&frame)).await?
    }

    /// Waits for an answer.
    ///
    /// # Errors
    /// If the peer is gone, or takes more than five minutes.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        let read = async {
            let mut header = [0; HEADER];
            self.stream.read_exact(&mut header).await?;
            let mut body = Zeroizing::new(vec![0; body_length(header)?]);
            self.stream.read_exact(&mut body).await?;
            serde_json::from_slice(&body)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not an answer"))
        };
        tokio::time::timeout(ANSWER_TIME, read).await?
    }

    /// Makes a socket that listens on 127.0.0.1: sockets can't be sent through a pipe.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn listener(&mut self, port: u16) -> io::Result<TcpListener> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    /// Waits until the peer has closed the connection, or says something that it has no reason to say.
    pub async fn closed(&mut self) {
        let _ = self.stream.read(&mut [0]).await;
    }
}
