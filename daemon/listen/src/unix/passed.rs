//! A listening socket that a client has made and sends over.
//!
//! The client keeps it too: connections wait in it while one daemon ends and the next one starts.

use rustix::cmsg_space;
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketType, recvmsg, sockopt};
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// Waits for one byte and the socket with it.
///
/// # Errors
/// If what comes is not a TCP socket that listens on 127.0.0.1.
pub(super) async fn receive(stream: &UnixStream) -> io::Result<TcpListener> {
    let descriptor = stream.async_io(Interest::READABLE, || read(stream)).await?;
    fcntl_setfd(&descriptor, FdFlags::CLOEXEC)?;
    let wrong =
        || io::Error::new(io::ErrorKind::InvalidInput, "it is not a TCP socket that listens on 127.0.0.1");
    let listener = TcpListener::from(descriptor);
    // Security: nothing but loopback is ever served, whoever has made the socket.
    let is_loopback = listener.local_addr().is_ok_and(|address| address.ip() == Ipv4Addr::LOCALHOST);
    // Anything else would be asked for connections in vain, again and again.
    let takes_connections =
        sockopt::socket_type(&listener) == Ok(SocketType::STREAM) && !super::can_not_accept(&listener);
    if !is_loopback || !takes_connections {
        return Err(wrong());
    }
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn read(stream: &UnixStream) -> io::Result<OwnedFd> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut buffers = [IoSliceMut::new(&mut byte)];
    match recvmsg(stream.as_fd(), &mut buffers, &mut ancillary, RecvFlags::DONTWAIT) {
        Ok(message) if message.bytes == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(_) => {}
        Err(Errno::INTR) => return Err(io::ErrorKind::WouldBlock.into()),
        Err(error) => return Err(error.into()),
    }
    // Every descriptor that came is owned, and closed unless it is the first.
    let mut descriptors = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let first = descriptors.next().and_then(|mut of_message| of_message.next());
    first.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no socket came with the byte"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    use std::io::{IoSlice, Read};
    use std::os::fd::{AsRawFd, BorrowedFd};

    async fn passed(descriptors: &[BorrowedFd<'_>]) -> io::Result<TcpListener> {
        let (client, daemon) = UnixStream::pair().unwrap();
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(3))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            assert!(ancillary.push(SendAncillaryMessage::ScmRights(descriptors)));
        }
        sendmsg(client.as_fd(), &[IoSlice::new(b"x")], &mut ancillary, SendFlags::empty()).unwrap();
        drop(client);
        receive(&daemon).await
    }

    #[tokio::test]
    async fn a_listener_of_loopback_is_taken_and_is_not_inherited() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = passed(&[listener.as_fd()]).await.unwrap();
        assert_eq!(taken.local_addr().unwrap(), listener.local_addr().unwrap());
        assert_ne!(taken.as_raw_fd(), listener.as_raw_fd());
        assert!(rustix::io::fcntl_getfd(&taken).unwrap().contains(FdFlags::CLOEXEC));
    }

    #[tokio::test]
    async fn anything_else_is_refused_and_closed() {
        let everywhere = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        let udp = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let connected = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (unix, mut other) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(passed(&[]).await.is_err());
        for descriptor in [everywhere.as_fd(), file.as_fd(), udp.as_fd(), connected.as_fd(), unix.as_fd()] {
            assert!(passed(&[descriptor]).await.is_err());
            assert!(passed(&[descriptor; 3]).await.is_err(), "more than was asked for");
        }
        drop(unix);
        assert_eq!(other.read(&mut [0]).unwrap(), 0, "what was refused is closed");
    }
}
