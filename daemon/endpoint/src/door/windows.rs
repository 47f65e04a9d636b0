//! Windows: the listening socket is the daemon's alone, and the loop accepts.

use super::Visitor;
use crate::user;
use std::io;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// A pause when nothing can be accepted: without it, accepting would spin.
const NO_DESCRIPTOR: Duration = Duration::from_millis(50);

/// A listening socket.
#[derive(Debug)]
pub struct Door(TcpListener);

impl Door {
    /// Begins to accept.
    ///
    /// # Errors
    /// If the loop can't take the socket.
    pub fn open(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener).map(Self)
    }

    /// Answers the port.
    ///
    /// # Errors
    /// If the socket has no address.
    pub fn port(&self) -> io::Result<u16> {
        Ok(self.0.local_addr()?.port())
    }

    /// Waits for the next connection.
    pub(crate) async fn next(&mut self) -> io::Result<Visitor<TcpStream>> {
        loop {
            match self.0.accept().await {
                Err(error) if error.kind() != io::ErrorKind::InvalidInput => {
                    tracing::warn!(%error, "accept a connection to an endpoint");
                    tokio::time::sleep(NO_DESCRIPTOR).await;
                }
                Err(error) => return Err(error),
                Ok((stream, peer)) => {
                    let user = user::of(peer, stream.local_addr()?);
                    return Ok(Visitor { stream, user, place: None });
                }
            }
        }
    }

    /// Closes it.
    pub async fn close(self) {}
}
