//! The Unix socket.

mod bind;
mod connection;
#[cfg(target_os = "linux")]
mod linux;
mod listener;
#[cfg(target_os = "linux")]
use linux::{NO_SIGNAL, Processes, accept, can_not_accept, listens, peer_of, stream_socket};
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other::{NO_SIGNAL, Processes, accept, can_not_accept, listens, peer_of, stream_socket};
#[cfg(test)]
mod tests;

pub use bind::SocketFile;
mod passed;

pub use connection::{Connection, Dialogue};
pub use listener::Listener;

use std::io;
use std::os::fd::OwnedFd;
use tokio::io::unix::AsyncFd;

/// Has tokio watch a descriptor.
fn watch(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open, answers the same descriptor always, and lives as long as the `AsyncFd` that owns it.
    Ok(unsafe { AsyncFd::register(descriptor) }?)
}
