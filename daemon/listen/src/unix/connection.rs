//! The way back: one reply, or a conversation. Nothing here waits for a slow peer in the loop.

use super::{NO_SIGNAL, passed, watch};
use crate::{ANSWER_TIME, REPLY_TIME};
use keyfob_shared::frame::{HEADER, body_length};
use keyfob_shared::wire::{Answer, Reply};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags, send, sendmsg};
use std::io::{self, IoSlice};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use zeroize::Zeroizing;

/// A peer that waits for a reply.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
}

impl Connection {
    pub(super) fn new(socket: OwnedFd) -> Self {
        Self { socket }
    }

    /// Sends the only reply and closes. Never blocks: what does not fit goes out in a task with a deadline.
    pub fn reply(self, body: &[u8]) {
        let Ok(length) = u32::try_from(body.len()) else { return };
        let header = length.to_be_bytes();
        if body_length(header).is_err() {
            tracing::error!(length, "a reply does not fit into a frame");
            return;
        }
        let parts = [IoSlice::new(&header), IoSlice::new(body)];
        let flags = NO_SIGNAL | SendFlags::DONTWAIT;
        let sent = match sendmsg(&self.socket, &parts, &mut SendAncillaryBuffer::default(), flags) {
            Ok(sent) => sent,
            Err(Errno::WOULDBLOCK | Errno::INTR) => 0,
            // The peer has gone.
            Err(_) => return,
        };
        if sent < HEADER + body.len() {
            let rest: Vec<u8> = header.iter().chain(body).skip(sent).copied().collect();
            tokio::spawn(tokio::time::timeout(REPLY_TIME, send_rest(self.socket, Zeroizing::new(rest))));
        }
    }

    /// Goes on with more than one reply.
    pub fn dialogue(self) -> Dialogue {
        Dialogue { state: State::Fresh(self.socket) }
    }
}

async fn send_rest(socket: OwnedFd, bytes: Zeroizing<Vec<u8>>) {
    let Ok(socket) = watch(socket) else { return };
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let Ok(mut ready) = socket.writable().await else { return };
        match send(ready.get_inner(), rest, NO_SIGNAL | SendFlags::DONTWAIT) {
            Ok(sent) => rest = &rest[sent..],
            Err(Errno::WOULDBLOCK) => ready.clear_ready(),
            Err(_) => return,
        }
    }
}

/// A conversation with a person.
#[derive(Debug)]
pub struct Dialogue {
    state: State,
}

#[derive(Debug)]
enum State {
    Fresh(OwnedFd),
    Open(UnixStream),
    Broken,
}

impl Dialogue {
    /// Sends a reply.
    ///
    /// # Errors
    /// If the peer is gone, does not take it in time, or it does not fit into a frame.
    pub async fn send(&mut self, reply: &Reply) -> io::Result<()> {
        let body = Zeroizing::new(serde_json::to_vec(reply)?);
        let mut frame = Zeroizing::new(Vec::new());
        keyfob_shared::frame::append(&mut frame, &body)?;
        let stream = self.stream()?;
        tokio::time::timeout(REPLY_TIME, stream.write_all(&frame)).await?
    }

    /// Waits for an answer.
    ///
    /// # Errors
    /// If the peer is gone, or takes more than five minutes.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        let stream = self.stream()?;
        let read = async {
            let mut header = [0; HEADER];
            stream.read_exact(&mut header).await?;
            let mut body = Zeroizing::new(vec![0; body_length(header)?]);
            stream.read_exact(&mut body).await?;
            // The cause may quote the answer.
            serde_json::from_slice(&body)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not an answer"))
        };
        tokio::time::timeout(ANSWER_TIME, read).await?
    }

    /// Asks the peer for a socket that listens on 127.0.0.1, and answers it.
    ///
    /// # Errors
    /// If the peer is gone, takes too long, or sends something else.
    pub async fn listener(&mut self, _port: u16) -> io::Result<TcpListener> {
        self.send(&Reply::SendListener).await?;
        tokio::time::timeout(REPLY_TIME, passed::receive(self.stream()?)).await?
    }

    /// Waits until the peer has closed the connection, or says something that it has no reason to say.
    pub async fn closed(&mut self) {
        if let Ok(stream) = self.stream() {
            let _ = stream.read(&mut [0]).await;
        }
    }

    fn stream(&mut self) -> io::Result<&mut UnixStream> {
        if let State::Fresh(_) = self.state
            && let State::Fresh(socket) = std::mem::replace(&mut self.state, State::Broken)
        {
            self.state = State::Open(UnixStream::from_std(socket.into())?);
        }
        match &mut self.state {
            State::Open(stream) => Ok(stream),
            State::Fresh(_) | State::Broken => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}
