//! Linux: the kernel names the user of a TCP socket when it is asked, and in its tables of all of them.

use super::User;
use super::diagnosis::{self, Found};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr, TcpListener};

const TABLE: &str = "/proc/self/net/tcp";
/// Java and others use sockets of IPv6 for both, and `::ffff:127.0.0.1` is loopback there.
const TABLE_6: &str = "/proc/self/net/tcp6";

pub(super) fn user_of(peer: SocketAddr, own: SocketAddr) -> User {
    let look = |table, address: fn(SocketAddr) -> Option<String>| {
        let file = BufReader::new(File::open(table).ok()?);
        find(file, &address(peer)?, &address(own)?)
    };
    let uid = match diagnosis::ask(peer, own) {
        Found::User(uid) => Some(uid),
        Found::Nobody => None,
        Found::CannotAsk => look(TABLE, hexadecimal).or_else(|| look(TABLE_6, hexadecimal_mapped)),
    };
    match uid {
        Some(uid) if uid == rustix::process::geteuid().as_raw() => User::Own,
        other => User::Other(other),
    }
}

/// Answers whether a listener is in the network of this process: users of another one are not known here.
///
/// By its inode, since another network may have given it a port that is taken in this one too.
pub(super) fn is_here(listener: &TcpListener) -> bool {
    let (Ok(table), Ok(stat)) = (File::open(TABLE), rustix::fs::fstat(listener)) else { return true };
    let inode = stat.st_ino.to_string();
    BufReader::new(table)
        .lines()
        .map_while(Result::ok)
        .any(|line| Row::of(&line).is_some_and(|row| row.inode == inode))
}

/// Finds the user of the socket with a local and a remote address.
fn find(table: impl BufRead, local: &str, remote: &str) -> Option<u32> {
    table.lines().map_while(Result::ok).find_map(|line| {
        let row = Row::of(&line)?;
        // One that was closed belongs to nobody, and its user is told as 0.
        let is_it = row.local == local && row.remote == remote && row.inode != "0";
        is_it.then(|| row.uid.parse().ok()).flatten()
    })
}

/// A line of the kernel's tables of sockets.
struct Row<'a> {
    local: &'a str,
    remote: &'a str,
    uid: &'a str,
    inode: &'a str,
}

impl<'a> Row<'a> {
    /// Reads `sl local_address rem_address st tx:rx tr:when retransmit uid timeout inode …` of proc_pid_net(5).
    fn of(line: &'a str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (local, remote) = (fields.next()?, fields.next()?);
        Some(Self { local, remote, uid: fields.nth(4)?, inode: fields.nth(1)? })
    }
}

/// Writes an address as the kernel does: the bytes of the address as one number of this machine.
fn hexadecimal(address: SocketAddr) -> Option<String> {
    match address.ip() {
        IpAddr::V4(ip) => Some(format!("{:08X}:{:04X}", u32::from_ne_bytes(ip.octets()), address.port())),
        IpAddr::V6(_) => None,
    }
}

/// Writes an address of IPv4 as a socket of IPv6 has it: four numbers of this machine.
fn hexadecimal_mapped(address: SocketAddr) -> Option<String> {
    let prefix = u32::from_ne_bytes([0, 0, 0xFF, 0xFF]);
    Some(format!("{:016X}{prefix:08X}{}", 0, hexadecimal(address)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn a_connection_of_ones_own_is_known() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (peer, own) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
        assert_eq!(user_of(peer, own), User::Own);
        assert_eq!(user_of(own, own), User::Other(None), "there is no such connection");
    }

    #[test]
    fn a_listener_is_here_by_itself_and_not_by_its_address() {
        use rustix::net::{AddressFamily, SocketType, bind, listen, socket, sockopt::set_socket_reuseport};
        // Two sockets of one address stand in for those of two networks.
        let bound = |address: SocketAddr| {
            let bound = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
            set_socket_reuseport(&bound, true).unwrap();
            bind(&bound, &address).unwrap();
            TcpListener::from(bound)
        };
        let here = bound("127.0.0.1:0".parse().unwrap());
        let elsewhere = bound(here.local_addr().unwrap());
        listen(&here, 1).unwrap();
        assert!(is_here(&here));
        assert!(!is_here(&elsewhere));
    }

    #[test]
    fn a_connection_of_a_socket_of_ipv6_is_known() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // Where there is no IPv6 there are no such sockets.
        let Ok(_client) = TcpStream::connect(format!("[::ffff:127.0.0.1]:{port}")) else { return };
        let (server, peer) = listener.accept().unwrap();
        assert_eq!(user_of(peer, server.local_addr().unwrap()), User::Own);
    }

    #[test]
    fn the_table_tells_what_the_kernel_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (peer, own) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
        let table = BufReader::new(File::open(TABLE).unwrap());
        let told = find(table, &hexadecimal(peer).unwrap(), &hexadecimal(own).unwrap());
        assert_eq!(told, Some(rustix::process::geteuid().as_raw()));
        match diagnosis::ask(peer, own) {
            Found::User(uid) => assert_eq!(Some(uid), told),
            Found::CannotAsk => {}
            Found::Nobody => panic!("there is such a connection"),
        }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn the_line_of_the_other_end_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n   0: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 71 1 0\n   1: 0100007F:C001 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 72 1 0\n   2: 0100007F:C002 0100007F:1F90 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0\n";
        let (own, peer) = ("127.0.0.1:8080".parse().unwrap(), "127.0.0.1:49153".parse().unwrap());
        let (own, peer) = (hexadecimal(own).unwrap(), hexadecimal(peer).unwrap());
        assert_eq!(find(table.as_bytes(), &peer, &own), Some(1_001));
        assert_eq!(find(table.as_bytes(), &own, &peer), Some(1_000));
        let closed = hexadecimal("127.0.0.1:49154".parse().unwrap()).unwrap();
        assert_eq!(find(table.as_bytes(), &closed, &own), None);
        let mapped = hexadecimal_mapped("127.0.0.1:8080".parse().unwrap()).unwrap();
        assert_eq!(mapped, "0000000000000000FFFF00000100007F:1F90");
    }
}
