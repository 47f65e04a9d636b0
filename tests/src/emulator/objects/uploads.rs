//! Objects that come in parts: begin, part, complete, abort.

use super::super::answer::{Answer, Refusal, escape, refusal, text};
use super::checksums::{self, Checksum};
use super::store::{Finished, Object, Store};
use super::{Request, described};
use std::collections::BTreeMap;

/// An upload under way: its parts by their numbers.
#[derive(Debug, Default)]
pub(super) struct Upload {
    bucket: String,
    key: String,
    parts: BTreeMap<u32, Object>,
}

pub(super) fn serve(store: &mut Store, request: &Request<'_>) -> Result<Answer, Refusal> {
    let id = request.query.get("uploadId").cloned();
    match (request.method.as_str(), id) {
        ("POST", None) => Ok(begin(store, request)),
        ("PUT", Some(id)) => part(upload(store, request, &id)?, request),
        ("DELETE", Some(id)) => {
            upload(store, request, &id)?;
            store.uploads.remove(&id);
            Ok(text(204, "application/xml", ""))
        }
        _ => Err(refusal(501, "NotImplemented", "not in this store")),
    }
}

fn upload<'a>(store: &'a mut Store, request: &Request<'_>, id: &str) -> Result<&'a mut Upload, Refusal> {
    let of = |upload: &&mut Upload| upload.bucket == request.bucket && upload.key == request.key;
    let missing = || refusal(404, "NoSuchUpload", "The specified multipart upload does not exist.");
    store.uploads.get_mut(id).filter(of).ok_or_else(missing)
}

fn begin(store: &mut Store, request: &Request<'_>) -> Answer {
    store.uploads_begun += 1;
    let id = format!("upload-{}", store.uploads_begun);
    let (bucket, key) = (request.bucket.clone(), request.key.clone());
    let body = format!(
        "<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>",
        escape(&key)
    );
    store.uploads.insert(id, Upload { bucket, key, parts: BTreeMap::new() });
    text(200, "application/xml", body)
}

fn part(upload: &mut Upload, request: &Request<'_>) -> Result<Answer, Refusal> {
    let number = request.query.get("partNumber").and_then(|text| text.parse().ok());
    let number = number.ok_or_else(|| refusal(400, "InvalidArgument", "a part has a number"))?;
    let part = request.object.clone().ok_or_else(|| refusal(400, "InvalidArgument", "a part is put"))?;
    let answer = described(text(200, "application/xml", ""), &part.etag, part.checksum.as_ref());
    upload.parts.insert(number, part);
    Ok(answer)
}

/// The parts that a client has listed.
pub(super) struct Listed(Vec<Object>);

/// What they are together.
pub(super) struct Whole {
    object: Object,
    parts: usize,
    sha256: String,
}

/// Answers whether a request completes an upload.
pub(super) fn is_complete(request: &Request<'_>) -> bool {
    request.method == "POST" && request.query.contains_key("uploadId")
}

/// Ends an upload and takes its parts, if the client lists them as they came.
pub(super) fn take_listed(store: &mut Store, request: &Request<'_>) -> Result<Listed, Refusal> {
    let id = request.query.get("uploadId").cloned().unwrap_or_default();
    let upload = upload(store, request, &id)?;
    let invalid = |why: String| refusal(400, "InvalidPart", why);
    let text_of_body = String::from_utf8_lossy(&request.body);
    let (mut parts, mut last) = (Vec::new(), 0);
    for listed in text_of_body.split("<Part>").skip(1) {
        let number = element(listed, "PartNumber").and_then(|text| text.parse().ok()).unwrap_or(0);
        let part = upload.parts.get(&number).ok_or_else(|| invalid(format!("there is no part {number}")))?;
        let tag = element(listed, "ETag").unwrap_or_default().replace("&quot;", "\"").replace("&#34;", "\"");
        let same_tag = tag.trim_matches('"') == part.etag.trim_matches('"');
        if number <= last || !same_tag || !same_checksum(listed, part.checksum.as_ref()) {
            return Err(invalid(format!("part {number} is not the one that came")));
        }
        parts.push(part.clone());
        last = number;
    }
    if parts.is_empty() {
        return Err(invalid("no part is listed".into()));
    }
    store.uploads.remove(&id);
    Ok(Listed(parts))
}

impl Listed {
    pub(super) fn put_together(self) -> Whole {
        let Self(parts) = self;
        let mut content = Vec::with_capacity(parts.iter().map(|part| part.body.len()).sum());
        parts.iter().for_each(|part| content.extend_from_slice(&part.body));
        let sha256 = checksums::sha256(&content);
        let etag = checksums::etag_of_parts(parts.iter().map(|part| part.etag.as_str()));
        Whole { object: Object::in_parts(content.into(), etag), parts: parts.len(), sha256 }
    }
}

/// Puts the object of a completed upload.
pub(super) fn finish(store: &mut Store, request: &Request<'_>, whole: Whole) -> Answer {
    let Whole { object, parts, sha256 } = whole;
    let body = format!(
        "<CompleteMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key><ETag>{}</ETag></CompleteMultipartUploadResult>",
        request.bucket,
        escape(&request.key),
        object.etag
    );
    let answer = described(text(200, "application/xml", body), &object.etag, None);
    store.finished.push(Finished { bucket: request.bucket.clone(), parts, sha256 });
    store.put(&request.bucket, &request.key, object);
    answer
}

/// Answers whether a listed part has the checksum of the one that came; a client need not repeat it.
fn same_checksum(listed: &str, checksum: Option<&Checksum>) -> bool {
    let Some(checksum) = checksum else { return true };
    let name = checksum.header.trim_start_matches("x-amz-checksum-").to_uppercase();
    element(listed, &format!("Checksum{name}")).is_none_or(|value| value == checksum.value)
}

fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(value, _)| value)
}
