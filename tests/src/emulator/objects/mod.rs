//! As much of S3 as real clients need to put, get, list and delete objects, in one piece or in parts.
//!
//! The session is checked when a request begins, as S3 does: a long upload may outlive it, the next request may not.

mod checksums;
mod chunked;
mod listing;
mod store;
mod uploads;

pub(super) use checksums::sha256;
pub use store::Finished;
pub(super) use store::Store;

use super::answer::{Answer, Refusal, object_error, refusal, text};
use super::sts::Judge;
use super::{State, lock, sts};
use checksums::Checksum;
use hyper::body::Bytes;
use hyper::header::{CONTENT_RANGE, ETAG, HeaderValue, LAST_MODIFIED, RANGE};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;
use store::Object;

/// How often an answer that is kept back is looked at.
const HOLD: Duration = Duration::from_millis(20);

/// A request whose body has come.
struct Request<'a> {
    method: &'a Method,
    bucket: String,
    key: String,
    query: HashMap<String, String>,
    headers: &'a HeaderMap,
    body: Bytes,
    /// What is put.
    object: Option<Object>,
}

/// Checks the session of a request that begins.
pub(super) fn admit(state: &Mutex<State>, head: &Parts) -> Result<(), Refusal> {
    let mut state = lock(state);
    let judge = if state.judged_by_signature { Judge::Signature } else { Judge::Arrival };
    let known = sts::check(&state, &head.headers, judge);
    state.note(&head.headers, known.as_ref().err(), &format!("{} {}", head.method, head.uri.path()));
    known.map(|_| ())
}

/// Answers a request that was admitted.
pub(super) async fn serve(state: &Mutex<State>, head: &Parts, body: Bytes) -> Answer {
    take_time(state).await;
    let path = head.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let query = head.uri.query().unwrap_or_default();
    let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let (bucket, key) = (decoded(bucket), decoded(key));
    let (is_put, headers) = (head.method == Method::PUT, head.headers.clone());
    // Sums of large bodies take time, and the next request is to be heard meanwhile.
    let read = tokio::task::spawn_blocking(move || {
        let (headers, body) = chunked::decode(&headers, body)?;
        let make = || Ok(Object::new(body.clone(), checksums::check(&headers, &body)?));
        let object = is_put.then(make).transpose()?;
        Ok((headers, body, object))
    });
    let read = read.await.unwrap_or_else(|_| Err(refusal(500, "InternalError", "the body was not read")));
    let answer = match read {
        Ok((headers, body, object)) => {
            let method = &head.method;
            let request = Request { method, bucket, key, query, headers: &headers, body, object };
            match uploads::is_complete(&request) {
                true => complete(state, &request).await,
                false => answer(&mut lock(state).store, &request),
            }
        }
        Err(wrong) => Err(wrong),
    };
    answer.unwrap_or_else(|wrong| {
        if wrong.code != "NoSuchKey" && wrong.code != "NoSuchBucket" {
            lock(state).unserved.push(format!("{} {}: {}", head.method, head.uri, wrong.message));
        }
        object_error(&wrong)
    })
}

async fn take_time(state: &Mutex<State>) {
    let delay = {
        let mut state = lock(state);
        state.under_way.now += 1;
        state.under_way.most = state.under_way.most.max(state.under_way.now);
        state.under_way.begun += 1;
        let (least, most) = state.objects_delay;
        // The golden ratio spreads evenly, however many there are.
        least + (most - least).mul_f64((f64::from(state.under_way.begun) * 0.618_034).fract())
    };
    tokio::time::sleep(delay).await;
    while lock(state).objects_held {
        tokio::time::sleep(HOLD).await;
    }
    lock(state).under_way.now -= 1;
}

/// Completes an upload; its parts are put together while others are served.
async fn complete(state: &Mutex<State>, request: &Request<'_>) -> Result<Answer, Refusal> {
    let listed = uploads::take_listed(&mut lock(state).store, request)?;
    let whole = tokio::task::spawn_blocking(move || listed.put_together()).await;
    let whole = whole.map_err(|_| refusal(500, "InternalError", "the parts were not put together"))?;
    Ok(uploads::finish(&mut lock(state).store, request, whole))
}

fn answer(store: &mut Store, request: &Request<'_>) -> Result<Answer, Refusal> {
    let has = |name: &str| request.query.contains_key(name);
    match (request.method.as_str(), request.bucket.as_str(), request.key.as_str()) {
        ("GET", "", "") => Ok(listing::buckets(store)),
        ("GET", bucket, "") if has("location") => store.bucket(bucket).map(|_| listing::location()),
        ("GET", bucket, "") => listing::objects(store.bucket(bucket)?, &request.query),
        ("HEAD", bucket, "") => store.bucket(bucket).map(|_| text(200, "application/xml", "")),
        ("PUT", bucket, "") => {
            store.make_bucket(bucket);
            Ok(text(200, "application/xml", ""))
        }
        ("POST" | "PUT" | "DELETE", ..) if has("uploads") || has("uploadId") => {
            uploads::serve(store, request)
        }
        ("PUT", ..) => put(store, request),
        ("GET" | "HEAD", bucket, key) => get(store.object(bucket, key)?, request.headers),
        ("DELETE", bucket, key) => {
            store.remove(bucket, key);
            Ok(text(204, "application/xml", ""))
        }
        _ => Err(refusal(501, "NotImplemented", "not in this store")),
    }
}

fn put(store: &mut Store, request: &Request<'_>) -> Result<Answer, Refusal> {
    if request.headers.contains_key("x-amz-copy-source") {
        return Err(refusal(501, "NotImplemented", "no copies in this store"));
    }
    let Some(object) = request.object.clone() else {
        return Err(refusal(501, "NotImplemented", "not in this store"));
    };
    let answer = described(text(200, "application/xml", ""), &object.etag, object.checksum.as_ref());
    store.put(&request.bucket, &request.key, object);
    Ok(answer)
}

fn get(object: &Object, headers: &HeaderMap) -> Result<Answer, Refusal> {
    let range = headers.get(RANGE).and_then(|value| range(value.to_str().ok()?, object.body.len()));
    let mut answer = match range.clone() {
        Some(range) => text(206, "application/octet-stream", object.body.slice(range)),
        None => text(200, "application/octet-stream", object.body.clone()),
    };
    if let Some(range) = &range {
        let (first, last) = (range.start, range.end.saturating_sub(1));
        set(&mut answer, CONTENT_RANGE.as_str(), &format!("bytes {first}-{last}/{}", object.body.len()));
    }
    set(&mut answer, LAST_MODIFIED.as_str(), &httpdate::fmt_http_date(object.modified));
    set(&mut answer, "accept-ranges", "bytes");
    let whole = range.is_none() && headers.contains_key("x-amz-checksum-mode");
    Ok(described(answer, &object.etag, object.checksum.as_ref().filter(|_| whole)))
}

/// Reads `bytes=FIRST-LAST`; the last may be missing, or the first for that many from the end.
fn range(text: &str, length: usize) -> Option<std::ops::Range<usize>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        return Some(length.saturating_sub(last.parse().ok()?)..length);
    }
    let end = last.parse::<usize>().map_or(length, |last| last.saturating_add(1).min(length));
    let start = first.parse().ok()?;
    (start < end).then_some(start..end)
}

/// Adds what tells one content from another.
fn described(mut answer: Answer, etag: &str, checksum: Option<&Checksum>) -> Answer {
    set(&mut answer, ETAG.as_str(), etag);
    if let Some(checksum) = checksum {
        set(&mut answer, checksum.header, &checksum.value);
    }
    answer
}

fn set(answer: &mut Answer, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}
