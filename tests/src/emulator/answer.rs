//! Answers of the query protocol, and errors of both services.

use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Bytes, Frame};
use hyper::{Response, StatusCode};
use std::convert::Infallible;
use std::task::Poll;

pub(super) type Answer = Response<BoxBody<Bytes, Infallible>>;

/// What is wrong with a request.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

pub(super) fn refusal(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { status, code, message: message.into() }
}

pub(super) fn text(status: u16, content_type: &str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()).boxed());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(value) = content_type.parse() {
        answer.headers_mut().insert("content-type", value);
    }
    answer
}

/// The error form of STS.
pub(super) fn sts_error(refusal: &Refusal) -> Answer {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>0</RequestId></ErrorResponse>",
        refusal.code,
        escape(&refusal.message)
    );
    text(refusal.status, "text/xml", body)
}

/// The error form of S3.
pub(super) fn object_error(refusal: &Refusal) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{}</Code><Message>{}</Message></Error>",
        refusal.code,
        escape(&refusal.message)
    );
    text(refusal.status, "application/xml", body)
}

/// Instead of an answer, the connection breaks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut;

/// No answer: the connection breaks.
pub(super) fn cut() -> Answer {
    let mut answer = text(500, "text/plain", "");
    answer.extensions_mut().insert(Cut);
    answer
}

/// A body of spaces without an end.
pub(super) fn endless() -> Answer {
    let piece = Bytes::from(vec![b' '; 64 * 1024]);
    let stream = futures_like(move || Frame::data(piece.clone()));
    let mut answer = Response::new(BodyExt::boxed(StreamBody::new(stream)));
    if let Ok(value) = "text/xml".parse() {
        answer.headers_mut().insert("content-type", value);
    }
    answer
}

/// The least stream that hyper takes, with a bound: 64 MiB.
fn futures_like(
    make: impl Fn() -> Frame<Bytes> + Send + Sync + 'static,
) -> impl futures_core::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + Sync {
    struct Bounded<F>(F, usize);
    impl<F: Fn() -> Frame<Bytes> + Unpin> futures_core::Stream for Bounded<F> {
        type Item = Result<Frame<Bytes>, Infallible>;
        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> Poll<Option<Self::Item>> {
            if self.1 == 0 {
                return Poll::Ready(None);
            }
            self.1 -= 1;
            Poll::Ready(Some(Ok((self.0)())))
        }
    }
    Bounded(Box::new(make), 1_024)
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
