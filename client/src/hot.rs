//! A `get` that the daemon can serve at once: connect, one write, one read, one write.
//!
//! Whatever is unusual is left to the commands, which do it again in the ordinary way.

use crate::connection::CREDENTIALS_TIME;
use crate::platform::{SEND_FLAGS, bound, is_ours, stream_socket};
use keyfob_shared::environment::{WITHIN, socket_without_home, told_daemon_user, told_socket};
use keyfob_shared::frame::{HEADER, MAX_FRAME};
use keyfob_shared::wire::{DOCUMENT_PREFIX, PROTOCOL};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SocketAddrUnix};
use rustix::stdio::stdout;
use std::ffi::{CStr, OsStr, c_char, c_int};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

/// What came of the short way.
pub(crate) enum Early {
    /// The document is on stdout.
    Served,
    /// The daemon has answered something else.
    Answered(Vec<u8>),
    /// The daemon does not answer.
    Silent,
    /// The document can't be written to stdout.
    Unwritten(Errno),
    /// This was not a `get`, or nobody could be asked.
    NotServed,
}

const MAX_PROFILE: usize = 128;
const REQUEST: usize = 256;
/// Longer than the path of any socket.
const MAX_PATH: usize = 128;
const FIRST_READ: usize = 4_096;
const BEFORE: &[u8] = br#"{"get":{"profile":""#;
const AFTER: &[u8] = br#""}}"#;

/// The strings that a process starts with, up to a null pointer.
pub(crate) type Strings = *const *const c_char;

/// Serves `keyfob get PROFILE` if that is what the arguments are.
pub(crate) fn try_get(count: c_int, arguments: Strings, environment: Strings) -> Early {
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
    // The command of an identity must not ask for what it makes itself.
    if variable(environment, WITHIN).is_some() {
        return Early::NotServed;
    }
    match connect(environment).and_then(|socket| ask(&socket, profile)) {
        Ok(early) => early,
        Err(Errno::WOULDBLOCK) => Early::Silent,
        // What is wrong is found out, and told, in the ordinary way.
        Err(_) => Early::NotServed,
    }
}

fn connect(environment: Strings) -> Result<OwnedFd, Errno> {
    let mut buffer = [0; MAX_PATH];
    let told = told_socket(|name| variable(environment, name));
    let address = match told {
        Some((path, rest)) => SocketAddrUnix::new(join(&mut buffer, path, rest).ok_or(Errno::NAMETOOLONG)?)?,
        None => SocketAddrUnix::new(socket_without_home().ok_or(Errno::NOENT)?)?,
    };
    // A relative path is refused in the ordinary way.
    if !address.path_bytes().is_some_and(|path| path.starts_with(b"/")) {
        return Err(Errno::INVAL);
    }
    let socket = stream_socket()?;
    bound(&socket, CREDENTIALS_TIME)?;
    rustix::net::connect(&socket, &address)?;
    let told = || told_daemon_user(|name| variable(environment, name));
    if is_ours(&socket, told) { Ok(socket) } else { Err(Errno::ACCESS) }
}

/// Finds a variable without the locks and copies of the standard library.
fn variable(environment: Strings, name: &str) -> Option<&'static OsStr> {
    let mut next = environment;
    while !next.is_null() {
        // SAFETY: the C runtime passes pointers to strings that live as long as the process, and a null pointer last.
        let string = unsafe {
            let string = *next;
            next = next.add(1);
            if string.is_null() {
                break;
            }
            CStr::from_ptr(string)
        };
        let rest = string.to_bytes().strip_prefix(name.as_bytes());
        if let Some(value) = rest.and_then(|rest| rest.strip_prefix(b"=")) {
            return Some(OsStr::from_bytes(value));
        }
    }
    None
}

/// Puts the parts of a path together, with a zero at the end.
fn join<'a>(buffer: &'a mut [u8; MAX_PATH], path: &OsStr, rest: &str) -> Option<&'a CStr> {
    let mut length = 0;
    for part in [path.as_bytes(), rest.as_bytes(), &[0]] {
        buffer.get_mut(length..length + part.len())?.copy_from_slice(part);
        length += part.len();
    }
    CStr::from_bytes_with_nul(&buffer[..length]).ok()
}

/// Asks, and prints the document.
fn ask(socket: &OwnedFd, profile: &[u8]) -> Result<Early, Errno> {
    let mut request = [0; REQUEST];
    let length = write_request(&mut request, profile).ok_or(Errno::NAMETOOLONG)?;
    if rustix::net::send(socket, &request[..length], SEND_FLAGS)? != length {
        return Err(Errno::PIPE);
    }
    let mut first = [0; FIRST_READ];
    let (read, _) = rustix::net::recv(socket, &mut first, RecvFlags::empty())?;
    let header = first[..read].first_chunk::<HEADER>().ok_or(Errno::PIPE)?;
    let total = HEADER + u32::from_be_bytes(*header) as usize;
    if read == total {
        return Ok(print(&mut first[HEADER..total]));
    }
    if total > HEADER + MAX_FRAME || read > total {
        return Err(Errno::PROTO);
    }
    let mut whole = first[..read].to_vec();
    whole.resize(total, 0);
    let mut filled = read;
    while filled < total {
        match rustix::net::recv(socket, &mut whole[filled..], RecvFlags::empty())? {
            (0, _) => return Err(Errno::PIPE),
            (more, _) => filled += more,
        }
    }
    Ok(print(&mut whole[HEADER..]))
}

fn write_request(buffer: &mut [u8; REQUEST], profile: &[u8]) -> Option<usize> {
    const VERSION: u8 = b'0' + PROTOCOL as u8;
    const { assert!(PROTOCOL < 10, "the first frame has room for one digit") };
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
        match rustix::io::write(stdout(), rest) {
            Ok(written) if written > 0 => rest = &rest[written..],
            Err(Errno::INTR) => {}
            Ok(_) => return Early::Unwritten(Errno::IO),
            Err(error) => return Early::Unwritten(error),
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
    fn answer(bytes: &[u8]) -> Result<Early, Errno> {
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
    fn variables_are_found_by_their_whole_name() {
        let strings =
            [c"AB=1".as_ptr(), c"A=".as_ptr(), c"A=2".as_ptr(), c"B=x=y".as_ptr(), std::ptr::null()];
        let found = |name| variable(strings.as_ptr(), name).map(|value| value.to_str().unwrap());
        assert_eq!(
            (found("A"), found("AB"), found("B"), found("C")),
            (Some(""), Some("1"), Some("x=y"), None)
        );
        assert_eq!(variable(std::ptr::null(), "A"), None);
    }

    #[test]
    fn a_path_that_is_too_long_is_none() {
        let path = "x".repeat(MAX_PATH - 1);
        assert!(join(&mut [0; MAX_PATH], OsStr::new(&path), "").is_some());
        assert!(join(&mut [0; MAX_PATH], OsStr::new(&path), "y").is_none());
    }

    #[test]
    fn the_longest_name_fits() {
        assert!(write_request(&mut [0; REQUEST], &[b'x'; MAX_PROFILE]).is_some());
    }

    #[test]
    fn anything_but_a_plain_get_is_left_to_the_commands() {
        assert!(matches!(try_get(0, std::ptr::null(), std::ptr::null()), Early::NotServed));
        for (verb, profile) in
            [(c"status", "prod"), (c"get", ""), (c"get", "--help"), (c"get", "a\"b"), (c"get", "é")]
        {
            let profile = CString::new(profile).unwrap();
            let arguments = [c"keyfob".as_ptr(), verb.as_ptr(), profile.as_ptr()];
            assert!(
                matches!(try_get(3, arguments.as_ptr(), std::ptr::null()), Early::NotServed),
                "{verb:?} {profile:?}"
            );
        }
    }

    #[test]
    fn what_is_no_document_is_handed_on_whole() {
        for length in [100, FIRST_READ, 3 * FIRST_READ] {
            let reply = format!("{:length$}", r#"{"failed":{}}"#);
            let mut frame = Vec::new();
            keyfob_shared::frame::append(&mut frame, reply.as_bytes()).unwrap();
            let Ok(Early::Answered(handed_on)) = answer(&frame) else { panic!("{length}") };
            assert_eq!(handed_on, reply.as_bytes());
        }
    }

    #[test]
    fn a_reply_that_breaks_off_or_is_too_long_is_none() {
        let longest = u32::try_from(MAX_FRAME).unwrap();
        assert!(answer(b"").is_err());
        assert!(answer(&[0, 0]).is_err());
        assert!(answer(&[&100_u32.to_be_bytes()[..], b"{"].concat()).is_err());
        assert!(answer(&[&longest.to_be_bytes()[..], b"{"].concat()).is_err());
        assert!(answer(&[&(longest + 1).to_be_bytes()[..], b"{"].concat()).is_err());
        assert!(answer(&[&1_u32.to_be_bytes()[..], b"{}"].concat()).is_err());
    }
}
