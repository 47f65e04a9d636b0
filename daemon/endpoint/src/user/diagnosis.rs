//! Asks the kernel for one TCP socket, as sock_diag(7) says: no table of all sockets is read for a connection.

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

/// `SOCK_DIAG_BY_FAMILY`, `NLMSG_ERROR` and `NLM_F_REQUEST` of the kernel's headers.
const BY_FAMILY: u16 = 20;
const ERROR: u16 = 2;
const REQUEST: u16 = 1;
const AF_INET: u8 = 2;
const TCP: u8 = 6;
/// Places in a `nlmsghdr`, and in the `inet_diag_msg` behind it.
const LENGTH: usize = 72;
const TYPE: usize = 4;
const CODE: usize = 16;
const PORTS: usize = 20;
const UID: usize = 80;
const INODE: usize = 84;

/// Whether the kernel has ever answered: one without this service says of each socket that it is not there.
static ANSWERS: AtomicBool = AtomicBool::new(false);

/// What the kernel says.
pub(super) enum Found {
    User(u32),
    /// There is no such socket, or it was closed.
    Nobody,
    /// This kernel or this container does not answer.
    CannotAsk,
}

/// Asks for the socket of the other end of a connection: from `peer` to `own`. One of IPv6 is found as well.
pub(super) fn ask(peer: SocketAddr, own: SocketAddr) -> Found {
    match exchange(peer, own) {
        Ok(found) => {
            ANSWERS.store(true, Ordering::Relaxed);
            found
        }
        Err(Errno::NOENT) if ANSWERS.load(Ordering::Relaxed) => Found::Nobody,
        Err(_) => Found::CannotAsk,
    }
}

fn exchange(peer: SocketAddr, own: SocketAddr) -> Result<Found, Errno> {
    let request = request(peer, own).ok_or(Errno::AFNOSUPPORT)?;
    let kind = SocketType::RAW;
    let kernel = socket_with(AddressFamily::NETLINK, kind, SocketFlags::CLOEXEC, Some(netlink::SOCK_DIAG))?;
    send(&kernel, &request, SendFlags::empty())?;
    let mut answer = [0; 512];
    // The kernel has answered before `send` has returned.
    let (_, length) = recv(&kernel, &mut answer[..], RecvFlags::DONTWAIT)?;
    read(answer.get(..length).unwrap_or(&answer), &request)
}

fn request(peer: SocketAddr, own: SocketAddr) -> Option<[u8; LENGTH]> {
    let (IpAddr::V4(from), IpAddr::V4(to)) = (peer.ip(), own.ip()) else { return None };
    let mut request = [0; LENGTH];
    let mut put = |place: usize, bytes: &[u8]| request[place..place + bytes.len()].copy_from_slice(bytes);
    put(0, &u32::try_from(LENGTH).ok()?.to_ne_bytes());
    put(TYPE, &BY_FAMILY.to_ne_bytes());
    put(6, &REQUEST.to_ne_bytes());
    put(16, &[AF_INET, TCP]);
    // All states.
    put(20, &[0xFF; 4]);
    put(24, &peer.port().to_be_bytes());
    put(26, &own.port().to_be_bytes());
    put(28, &from.octets());
    put(44, &to.octets());
    // No cookie.
    put(64, &[0xFF; 8]);
    Some(request)
}

fn read(answer: &[u8], request: &[u8; LENGTH]) -> Result<Found, Errno> {
    let word = |place: usize| {
        let bytes = answer.get(place..place + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or(Errno::PROTO)
    };
    let kind = answer.get(TYPE..TYPE + 2).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
    match kind {
        Some(ERROR) => Err(Errno::from_raw_os_error(i32::from_ne_bytes(word(CODE)?).saturating_neg())),
        // Where the connection is gone, the kernel tells of one that listens at the same port.
        Some(BY_FAMILY) if word(PORTS)? != request[24..28] => Ok(Found::Nobody),
        // One that was closed belongs to nobody, and its user is told as 0.
        Some(BY_FAMILY) if word(INODE)? == [0; 4] => Ok(Found::Nobody),
        Some(BY_FAMILY) => Ok(Found::User(u32::from_ne_bytes(word(UID)?))),
        _ => Err(Errno::PROTO),
    }
}
