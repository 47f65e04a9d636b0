//! Linux: the kernel's table of TCP sockets names the user of each.

use super::User;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr};

const TABLE: &str = "/proc/self/net/tcp";

pub(super) fn user_of(peer: SocketAddr, own: SocketAddr) -> User {
    let uid = File::open(TABLE).ok().and_then(|file| find(BufReader::new(file), peer, own));
    match uid {
        Some(uid) if uid == rustix::process::geteuid().as_raw() => User::Own,
        other => User::Other(other),
    }
}

/// Finds the user of the socket whose own address is `peer`, and whose remote one is `own`.
fn find(table: impl BufRead, peer: SocketAddr, own: SocketAddr) -> Option<u32> {
    let (local, remote) = (hexadecimal(peer)?, hexadecimal(own)?);
    table.lines().map_while(Result::ok).find_map(|line| {
        // `sl local_address rem_address st tx:rx tr:when retransmit uid …` of proc_pid_net(5).
        let mut fields = line.split_ascii_whitespace().skip(1);
        let is_it = fields.next() == Some(&local) && fields.next() == Some(&remote);
        is_it.then(|| fields.nth(4)?.parse().ok()).flatten()
    })
}

/// Writes an address as the kernel does: the bytes of the address as one number of this machine.
fn hexadecimal(address: SocketAddr) -> Option<String> {
    match address.ip() {
        IpAddr::V4(ip) => Some(format!("{:08X}:{:04X}", u32::from_ne_bytes(ip.octets()), address.port())),
        IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_connection_of_ones_own_is_known() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (peer, own) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
        assert_eq!(user_of(peer, own), User::Own);
        assert_eq!(user_of(own, own), User::Other(None), "there is no such connection");
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn the_line_of_the_other_end_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n   0: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 1 1 0\n   1: 0100007F:C001 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 2 1 0\n";
        let (own, peer) = ("127.0.0.1:8080".parse().unwrap(), "127.0.0.1:49153".parse().unwrap());
        assert_eq!(find(table.as_bytes(), peer, own), Some(1_001));
        assert_eq!(find(table.as_bytes(), own, peer), Some(1_000));
    }
}
