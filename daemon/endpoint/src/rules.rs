//! Which requests are answered. Everything that a program with the address and the token would not send is refused.
//!
//! A page in a browser can send requests to loopback, also under a name of its own (DNS rebinding), but not with this
//! `Host`, without an `Origin`, and with the token. Proxies announce themselves. What could be read in two ways, such as
//! a body, is not read at all.

use hyper::header::{ALLOW, AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode, Version};
use keyfob_shared::Secret;
use keyfob_shared::wire::ENDPOINT_PATH;
use subtle::ConstantTimeEq;

/// Headers of browsers and proxies, and those that change what a request is.
const FOREIGN: &[&str] = &[
    "origin",
    "referer",
    "cookie",
    "forwarded",
    "via",
    "x-real-ip",
    "upgrade",
    "http2-settings",
    "expect",
    "te",
    "trailer",
    "x-http-method-override",
];
const FOREIGN_BEGINNINGS: &[&str] = &["x-forwarded", "sec-", "access-control-", "proxy-", "x-original-"];

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) why: &'static str,
}

const fn refusal(status: StatusCode, why: &'static str) -> Refusal {
    Refusal { status, why }
}

/// What a request needs.
#[derive(Debug)]
pub(crate) struct Rules {
    host: String,
    token: Secret,
}

impl Rules {
    pub(crate) fn new(port: u16, token: Secret) -> Self {
        Self { host: format!("127.0.0.1:{port}"), token }
    }

    /// Checks the head of a request; its token comes last, so that nothing is said about it to a stranger.
    pub(crate) fn check(&self, request: &Parts) -> Result<(), Refusal> {
        if request.version != Version::HTTP_11 {
            return Err(refusal(StatusCode::BAD_REQUEST, "it is not HTTP/1.1"));
        }
        if request.uri.scheme().is_some() || request.uri.authority().is_some() {
            return Err(refusal(StatusCode::BAD_REQUEST, "it is a request to a proxy"));
        }
        if only(&request.headers, &HOST) != Some(self.host.as_bytes()) {
            return Err(refusal(StatusCode::FORBIDDEN, "its Host is not this endpoint"));
        }
        if request.headers.keys().any(is_foreign) {
            return Err(refusal(StatusCode::FORBIDDEN, "it comes through a browser or a proxy"));
        }
        if request.method != Method::GET {
            return Err(refusal(StatusCode::METHOD_NOT_ALLOWED, "its method is not GET"));
        }
        if request.headers.contains_key(TRANSFER_ENCODING)
            || request.headers.get_all(CONTENT_LENGTH).iter().any(|length| length != "0")
        {
            return Err(refusal(StatusCode::BAD_REQUEST, "it has a body"));
        }
        if request.uri.path() != ENDPOINT_PATH || request.uri.query().is_some() {
            return Err(refusal(StatusCode::NOT_FOUND, "its path is not that of credentials"));
        }
        let token = only(&request.headers, &AUTHORIZATION).unwrap_or_default();
        // In constant time: how much of a guess is right must not show.
        if bool::from(token.ct_eq(self.token.expose().as_bytes())) {
            Ok(())
        } else {
            Err(refusal(StatusCode::UNAUTHORIZED, "its token is not that of this endpoint"))
        }
    }
}

/// The header that goes with a status.
pub(crate) fn header_of(status: StatusCode) -> Option<(HeaderName, &'static str)> {
    (status == StatusCode::METHOD_NOT_ALLOWED).then_some((ALLOW, "GET"))
}

/// Answers the value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none()).map(|value| value.as_bytes())
}

fn is_foreign(name: &HeaderName) -> bool {
    FOREIGN.contains(&name.as_str())
        || FOREIGN_BEGINNINGS.iter().any(|beginning| name.as_str().starts_with(beginning))
}
