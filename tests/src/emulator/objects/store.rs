//! Buckets, their objects, and the uploads that are under way.

use super::super::answer::{Refusal, refusal};
use super::checksums::{self, Checksum};
use super::uploads::Upload;
use hyper::body::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

/// Everything that was put.
#[derive(Debug, Default)]
pub(in super::super) struct Store {
    buckets: BTreeMap<String, BTreeMap<String, Object>>,
    pub(super) uploads: HashMap<String, Upload>,
    pub(super) uploads_begun: u64,
    pub(in super::super) finished: Vec<Finished>,
}

/// An upload in parts that was completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Where to.
    pub bucket: String,
    /// Of how many parts.
    pub parts: usize,
    /// Of the whole content, in hexadecimal digits.
    pub sha256: String,
}

#[derive(Clone, Debug)]
pub(in super::super) struct Object {
    pub(in super::super) body: Bytes,
    pub(super) etag: String,
    pub(super) checksum: Option<Checksum>,
    pub(super) modified: SystemTime,
}

impl Object {
    pub(super) fn new(body: Bytes, checksum: Option<Checksum>) -> Self {
        let etag = checksums::etag(&body);
        Self { body, etag, checksum, modified: SystemTime::now() }
    }

    /// An object whose entity tag tells of its parts.
    pub(super) fn in_parts(body: Bytes, etag: String) -> Self {
        Self { body, etag, checksum: None, modified: SystemTime::now() }
    }
}

impl Store {
    pub(super) fn bucket(&self, name: &str) -> Result<&BTreeMap<String, Object>, Refusal> {
        let missing = || refusal(404, "NoSuchBucket", format!("The specified bucket does not exist: {name}"));
        self.buckets.get(name).ok_or_else(missing)
    }

    pub(in super::super) fn object(&self, bucket: &str, key: &str) -> Result<&Object, Refusal> {
        let object = self.buckets.get(bucket).and_then(|objects| objects.get(key));
        object.ok_or_else(|| refusal(404, "NoSuchKey", "The specified key does not exist."))
    }

    pub(super) fn bucket_names(&self) -> impl Iterator<Item = &String> {
        self.buckets.keys()
    }

    pub(super) fn make_bucket(&mut self, name: &str) {
        self.buckets.entry(name.into()).or_default();
    }

    /// Puts an object; its bucket need not have been made.
    pub(super) fn put(&mut self, bucket: &str, key: &str, object: Object) {
        self.buckets.entry(bucket.into()).or_default().insert(key.into(), object);
    }

    pub(super) fn remove(&mut self, bucket: &str, key: &str) {
        if let Some(objects) = self.buckets.get_mut(bucket) {
            objects.remove(key);
        }
    }
}
