//! As much of S3 as a client needs to put and get small objects, refused when the session has ended.

use super::answer::{Answer, object_error, refusal, text};
use super::{State, lock, sts};
use hyper::{HeaderMap, Method};
use std::sync::Mutex;

pub(super) fn serve(
    state: &Mutex<State>,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Answer {
    let mut state = lock(state);
    if let Err(wrong) = sts::check(&state, headers) {
        state.refused.push(format!("{method} {path}: {}", wrong.message));
        return object_error(&wrong);
    }
    state.accepted += 1;
    match *method {
        Method::PUT => {
            state.objects.insert(path.into(), body.to_vec());
            text(200, "application/xml", "")
        }
        Method::GET | Method::HEAD => match state.objects.get(path) {
            Some(object) => text(200, "application/octet-stream", object.clone()),
            None if path == "/" => text(
                200,
                "application/xml",
                "<ListAllMyBucketsResult><Buckets></Buckets><Owner><ID>1</ID></Owner></ListAllMyBucketsResult>",
            ),
            None => object_error(&refusal(404, "NoSuchKey", "The specified key does not exist.")),
        },
        _ => object_error(&refusal(405, "MethodNotAllowed", "not in this store")),
    }
}
