//! The listening socket of an endpoint, on Linux and macOS: made here, served by the daemon.

use super::{SEND_FLAGS, Stream};
use rustix::cmsg_space;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, listen, sendmsg};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd;

/// Connections that wait in it; the kernel may keep it to fewer. They are of anybody who knows the port.
const MAX_WAITING: i32 = 4096;

/// An address of loopback, for as long as this process keeps it: connections wait there while no daemon runs.
pub(crate) struct Endpoint {
    listener: TcpListener,
    port: u16,
}

impl Endpoint {
    /// Takes a free port.
    pub(crate) fn new() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listen(&listener, MAX_WAITING)?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// Sends the socket to the daemon.
    pub(crate) fn send(&mut self, stream: &Stream) -> io::Result<()> {
        let descriptors = [self.listener.as_fd()];
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        sendmsg(stream.socket(), &[IoSlice::new(&[0])], &mut ancillary, SEND_FLAGS)?;
        Ok(())
    }

    /// The port is known already.
    pub(crate) fn granted(&mut self, _port: u16) {}

    /// Answers the port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}
