//! From bytes to a request: two frames, the version first.

use keyfob_shared::frame::{HEADER, MAX_FRAME, body_length};
use keyfob_shared::wire::{PROTOCOL, Reply, Request};
use keyfob_shared::{Failure, FailureKind};

/// What the bytes so far are.
#[derive(Debug, PartialEq)]
pub(crate) enum Parsed {
    /// Not all of a request.
    Incomplete,
    /// A request.
    Complete(Request),
    /// Nothing that is understood; this is the reply.
    Wrong(Vec<u8>),
}

/// The longest version, in bytes: it is looked at again with each piece of a request that comes in pieces.
const MAX_VERSION: usize = 20;
/// The longest two frames.
pub(crate) const MAX_REQUEST: usize = HEADER + MAX_VERSION + HEADER + MAX_FRAME;

/// Reads the frames of a request.
pub(crate) fn parse(bytes: &[u8]) -> Parsed {
    let (version, rest) = match frame(bytes, MAX_VERSION) {
        Framed::Body(body, rest) => (body, rest),
        Framed::Incomplete => return Parsed::Incomplete,
        Framed::TooLong => return wrong(FailureKind::Usage, "a frame is empty or too long", None),
    };
    let Ok(version) = serde_json::from_slice::<u64>(version) else {
        return wrong(FailureKind::Usage, "the first frame is not a version", None);
    };
    if version != u64::from(PROTOCOL) {
        let message = format!("the daemon speaks protocol {PROTOCOL}, and the client {version}");
        return wrong(FailureKind::Unreachable, &message, Some("keyfob daemon restart"));
    }
    match frame(rest, MAX_FRAME) {
        Framed::Body(body, _) => match serde_json::from_slice(body) {
            Ok(request) => Parsed::Complete(request),
            // The cause may quote the request, which may hold a secret.
            Err(_) => {
                wrong(FailureKind::Usage, "the request is not understood", Some("keyfob daemon restart"))
            }
        },
        Framed::Incomplete => Parsed::Incomplete,
        Framed::TooLong => wrong(FailureKind::Usage, "a frame is empty or too long", None),
    }
}

enum Framed<'a> {
    Incomplete,
    TooLong,
    Body(&'a [u8], &'a [u8]),
}

fn frame(bytes: &[u8], longest: usize) -> Framed<'_> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else { return Framed::Incomplete };
    let length = match body_length(*header) {
        Ok(length) if length <= longest => length,
        Ok(_) | Err(_) => return Framed::TooLong,
    };
    match rest.split_at_checked(length) {
        Some((body, rest)) => Framed::Body(body, rest),
        None => Framed::Incomplete,
    }
}

fn wrong(kind: FailureKind, message: &str, hint: Option<&str>) -> Parsed {
    let failure = Failure { hint: hint.map(Into::into), ..Failure::new(kind, message) };
    Parsed::Wrong(serde_json::to_vec(&Reply::Failed(failure)).expect("replies always serialize"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyfob_shared::frame::append;

    fn frames(bodies: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bodies.iter().for_each(|body| append(&mut bytes, body.as_bytes()).unwrap());
        bytes
    }

    #[test]
    fn a_request_is_complete_with_its_last_byte() {
        let bytes = frames(&["1", r#"{"get":{"profile":"p"}}"#]);
        for length in 0..bytes.len() {
            assert_eq!(parse(&bytes[..length]), Parsed::Incomplete);
        }
        assert_eq!(parse(&bytes), Parsed::Complete(Request::Get { profile: "p".parse().unwrap() }));
    }

    #[test]
    fn another_version_is_told_before_the_request_is_read() {
        let Parsed::Wrong(reply) = parse(&frames(&["2"])) else { panic!() };
        let reply = String::from_utf8(reply).unwrap();
        assert!(reply.contains("unreachable") && reply.contains("keyfob daemon restart"), "{reply}");
    }

    #[test]
    fn nonsense_gets_a_reply_and_never_a_crash() {
        for bodies in [
            &["x", "{}"] as &[&str],
            &["1", "{}"],
            &["1", "\"status"],
            &["1", r#"{"get":{"profile":"a\u0000"}}"#],
        ] {
            assert!(matches!(parse(&frames(bodies)), Parsed::Wrong(_)), "{bodies:?}");
        }
        assert!(matches!(parse(&u32::MAX.to_be_bytes()), Parsed::Wrong(_)));
        assert!(matches!(parse(&[0; 4]), Parsed::Wrong(_)));
        let padded = format!("{}1", " ".repeat(MAX_VERSION));
        assert!(matches!(parse(&frames(&[&padded])), Parsed::Wrong(_)), "the version is short");
    }
}
