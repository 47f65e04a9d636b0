//! A `get` that the daemon can serve at once: connect, one write, one read, one write.
//!
//! Whatever is unusual is left to the commands, which do it again in the ordinary way.

use crate::platform::{SEND_FLAGS, is_ours, stream_socket};
use keyfob_shared::frame::{HEADER, MAX_FRAME};
use keyfob_shared::wire::{DOCUMENT_PREFIX, PROTOCOL};
use rustix::net::{RecvFlags, SocketAddrUnix};
use std::ffi::{CStr, OsStr, c_char, c_int};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

/// What came of the short way.
pub(crate) enum Early {
    /// The document is on stdout.
    Served,
    /// The daemon has answered something else.
    Answered(Vec<u8>),
    /// This was not a `get`, or nobody could be asked.
    NotServed,
}

const MAX_PROFILE: usize = 128;
const REQUEST: usize = 256;
const FIRST_READ: usize = 4_096;
const BEFORE: &[u8] = br#"{"get":{"profile":""#;
const AFTER: &[u8] = br#""}}"#;

/// Serves `keyfob get PROFILE` if that is what the arguments are.
pub(crate) fn try_get(count: c_int, arguments: *const *const c_char) -> Early {
    if count != 3 || arguments.is_null() {
        return Early::NotServed;
    }
    // SAFETY: the C runtime passes `count` pointers to strings that live as long as the process.
    let (verb, profile) = unsafe { (CStr::from_ptr(*arguments.add(1)), CStr::from_ptr(*arguments.add(2))) };
    let profile = profile.to_bytes();
    let plain = |byte: &u8| (byte.is_ascii_graphic() || *byte == b' ') && *byte != b'"' && *byte != b'\\';
    if verb.to_bytes() != b"get"
        || profile.is_empty()
        || profile.len() > MAX_PROFILE
        || profile[0] == b'-'
        || !profile.iter().all(plain)
    {
        return Early::NotServed;
    }
    connect().and_then(|socket| ask(&socket, profile)).unwrap_or(Early::NotServed)
}

fn connect() -> Option<OwnedFd> {
    let mut buffer = [0; REQUEST];
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let path = match set(keyfob_shared::environment::SOCKET) {
        Some(path) => join(&mut buffer, &path, b"")?,
        None => join(&mut buffer, &set("XDG_RUNTIME_DIR")?, b"/keyfob/agent.sock")?,
    };
    let address = SocketAddrUnix::new(OsStr::from_bytes(path)).ok()?;
    let socket = stream_socket().ok()?;
    rustix::net::connect(&socket, &address).ok()?;
    is_ours(&socket).then_some(socket)
}

fn join<'a>(buffer: &'a mut [u8], first: &OsStr, second: &[u8]) -> Option<&'a [u8]> {
    let (first, length) = (first.as_bytes(), first.len() + second.len());
    let target = buffer.get_mut(..length)?;
    target[..first.len()].copy_from_slice(first);
    target[first.len()..].copy_from_slice(second);
    Some(target)
}

/// Asks, and prints the document; `None` if the daemon did not answer.
fn ask(socket: &OwnedFd, profile: &[u8]) -> Option<Early> {
    let mut request = [0; REQUEST];
    let length = write_request(&mut request, profile)?;
    if rustix::net::send(socket, &request[..length], SEND_FLAGS).ok()? != length {
        return None;
    }
    let mut first = [0; FIRST_READ];
    let (read, _) = rustix::net::recv(socket, &mut first, RecvFlags::empty()).ok()?;
    let header = first[..read].first_chunk::<HEADER>()?;
    let total = HEADER + u32::from_be_bytes(*header) as usize;
    if read == total {
        return Some(print(&mut first[HEADER..total]));
    }
    if total > HEADER + MAX_FRAME || read > total {
        return None;
    }
    let mut whole = first[..read].to_vec();
    whole.resize(total, 0);
    let mut filled = read;
    while filled < total {
        let (more, _) = rustix::net::recv(socket, &mut whole[filled..], RecvFlags::empty()).ok()?;
        filled += (more > 0).then_some(more)?;
    }
    Some(print(&mut whole[HEADER..]))
}

fn write_request(buffer: &mut [u8; REQUEST], profile: &[u8]) -> Option<usize> {
    const VERSION: u8 = b'0' + PROTOCOL as u8;
    let body = BEFORE.len() + profile.len() + AFTER.len();
    let header = u32::try_from(body).ok()?.to_be_bytes();
    let mut length = 0;
    for part in [&[0, 0, 0, 1, VERSION], header.as_slice(), BEFORE, profile, AFTER] {
        buffer.get_mut(length..length + part.len())?.copy_from_slice(part);
        length += part.len();
    }
    Some(length)
}

/// Prints the document of a served reply: the closing brace of the reply becomes the end of the line.
fn print(reply: &mut [u8]) -> Early {
    if !reply.starts_with(DOCUMENT_PREFIX.as_bytes()) {
        return Early::Answered(reply.to_vec());
    }
    let end = reply.len() - 1;
    reply[end] = b'\n';
    let mut rest = &reply[DOCUMENT_PREFIX.len()..];
    while !rest.is_empty() {
        match rustix::io::write(rustix::stdio::stdout(), rest) {
            Ok(written) if written > 0 => rest = &rest[written..],
            Err(rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => return Early::Answered(Vec::new()),
        }
    }
    Early::Served
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyfob_shared::wire::Request;
    use std::ffi::CString;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    /// Asks a daemon that has sent these bytes and gone.
    fn answer(bytes: &[u8]) -> Option<Early> {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(bytes).unwrap();
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        ask(&ours.into(), b"prod")
    }

    #[test]
    fn the_request_is_the_one_that_the_daemon_reads() {
        let mut buffer = [0; REQUEST];
        let length = write_request(&mut buffer, b"prod eu").unwrap();
        let mut expected = Vec::new();
        keyfob_shared::frame::append(&mut expected, PROTOCOL.to_string().as_bytes()).unwrap();
        let request = Request::Get { profile: "prod eu".parse().unwrap() };
        keyfob_shared::frame::append(&mut expected, &serde_json::to_vec(&request).unwrap()).unwrap();
        assert_eq!(&buffer[..length], expected);
    }

    #[test]
    fn the_longest_name_fits() {
        assert!(write_request(&mut [0; REQUEST], &[b'x'; MAX_PROFILE]).is_some());
    }

    #[test]
    fn anything_but_a_plain_get_is_left_to_the_commands() {
        assert!(matches!(try_get(0, std::ptr::null()), Early::NotServed));
        for (verb, profile) in
            [(c"status", "prod"), (c"get", ""), (c"get", "--help"), (c"get", "a\"b"), (c"get", "é")]
        {
            let profile = CString::new(profile).unwrap();
            let arguments = [c"keyfob".as_ptr(), verb.as_ptr(), profile.as_ptr()];
            assert!(matches!(try_get(3, arguments.as_ptr()), Early::NotServed), "{verb:?} {profile:?}");
        }
    }

    #[test]
    fn what_is_no_document_is_handed_on_whole() {
        for length in [100, FIRST_READ, 3 * FIRST_READ] {
            let reply = format!("{:length$}", r#"{"failed":{}}"#);
            let mut frame = Vec::new();
            keyfob_shared::frame::append(&mut frame, reply.as_bytes()).unwrap();
            let Some(Early::Answered(handed_on)) = answer(&frame) else { panic!("{length}") };
            assert_eq!(handed_on, reply.as_bytes());
        }
    }

    #[test]
    fn a_reply_that_breaks_off_or_is_too_long_is_none() {
        let longest = u32::try_from(MAX_FRAME).unwrap();
        assert!(answer(b"").is_none());
        assert!(answer(&[0, 0]).is_none());
        assert!(answer(&[&100_u32.to_be_bytes()[..], b"{"].concat()).is_none());
        assert!(answer(&[&longest.to_be_bytes()[..], b"{"].concat()).is_none());
        assert!(answer(&[&(longest + 1).to_be_bytes()[..], b"{"].concat()).is_none());
        assert!(answer(&[&1_u32.to_be_bytes()[..], b"{}"].concat()).is_none());
    }
}
