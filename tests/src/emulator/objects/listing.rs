//! What is there: buckets, and the objects of one.

use super::super::answer::{Answer, Refusal, escape, text};
use super::store::{Object, Store};
use keyfob_shared::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::time::SystemTime;

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

pub(super) fn buckets(store: &Store) -> Answer {
    let bucket = |name: &String| {
        format!("<Bucket><Name>{name}</Name><CreationDate>2026-01-01T00:00:00Z</CreationDate></Bucket>")
    };
    let buckets: String = store.bucket_names().map(bucket).collect();
    let body = format!(
        "{XML}<ListAllMyBucketsResult><Buckets>{buckets}</Buckets><Owner><ID>1</ID></Owner></ListAllMyBucketsResult>"
    );
    text(200, "application/xml", body)
}

pub(super) fn location() -> Answer {
    text(200, "application/xml", format!("{XML}<LocationConstraint>eu-west-1</LocationConstraint>"))
}

/// Lists all objects with a prefix on one page, those behind a delimiter as what they have in common.
pub(super) fn objects(
    objects: &BTreeMap<String, Object>,
    query: &HashMap<String, String>,
) -> Result<Answer, Refusal> {
    let asked = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let (prefix, delimiter) = (asked("prefix"), asked("delimiter"));
    // Of both versions of the call: the place to go on from.
    let after = [asked("start-after"), asked("marker")].concat();
    let encodes = asked("encoding-type") == "url";
    let encoded = |key: &str| match encodes {
        true => form_urlencoded::byte_serialize(key.as_bytes()).collect(),
        false => escape(key),
    };
    let (mut contents, mut common, mut count) = (String::new(), BTreeSet::new(), 0);
    for (key, object) in objects.iter().filter(|(key, _)| key.starts_with(prefix) && **key > after) {
        let rest = &key[prefix.len()..];
        if let Some((group, _)) = rest.split_once(delimiter).filter(|_| !delimiter.is_empty()) {
            common.insert(format!("{prefix}{group}{delimiter}"));
            continue;
        }
        count += 1;
        let _ = write!(
            contents,
            "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size><StorageClass>STANDARD</StorageClass></Contents>",
            encoded(key),
            date(object.modified),
            escape(&object.etag),
            object.body.len()
        );
    }
    count += common.len();
    let group =
        |group: &String| format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", encoded(group));
    let groups: String = common.iter().map(group).collect();
    let encoding = if encodes { "<EncodingType>url</EncodingType>" } else { "" };
    let body = format!(
        "{XML}<ListBucketResult><Prefix>{}</Prefix><Delimiter>{}</Delimiter>{encoding}<KeyCount>{count}</KeyCount><MaxKeys>100000</MaxKeys><IsTruncated>false</IsTruncated>{contents}{groups}</ListBucketResult>",
        encoded(prefix),
        encoded(delimiter)
    );
    Ok(text(200, "application/xml", body))
}

fn date(at: SystemTime) -> Timestamp {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(0))
}
