//! What clients say about a content, checked against it.

use super::super::answer::{Refusal, refusal};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crc::{CRC_32_ISCSI, CRC_32_ISO_HDLC, CRC_64_NVME, Crc};
use hyper::HeaderMap;
use md5::{Digest, Md5};
use sha2::Sha256;

type Compute = fn(&[u8]) -> Vec<u8>;

/// The checksums of S3 that its clients send by themselves or when they are asked to; SHA-1 is not among them.
const KNOWN: &[(&str, Compute)] = &[
    ("x-amz-checksum-crc32", |body| Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(body).to_be_bytes().to_vec()),
    ("x-amz-checksum-crc32c", |body| Crc::<u32>::new(&CRC_32_ISCSI).checksum(body).to_be_bytes().to_vec()),
    ("x-amz-checksum-crc64nvme", |body| Crc::<u64>::new(&CRC_64_NVME).checksum(body).to_be_bytes().to_vec()),
    ("x-amz-checksum-sha256", |body| Sha256::digest(body).to_vec()),
];

/// A checksum that a client sent and that was right.
#[derive(Clone, Debug)]
pub(super) struct Checksum {
    /// The header that carries it.
    pub(super) header: &'static str,
    /// In base64.
    pub(super) value: String,
}

/// Compares a body with everything that the headers say about it, and answers the checksum among that.
pub(super) fn check(headers: &HeaderMap, body: &[u8]) -> Result<Option<Checksum>, Refusal> {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let wrong = |name: &str| refusal(400, "BadDigest", format!("{name} is not that of the content"));
    if said("content-md5").is_some_and(|said| said != BASE64_STANDARD.encode(Md5::digest(body))) {
        return Err(wrong("Content-MD5"));
    }
    // Anything else than a digest says that the payload is not signed as a whole.
    let signed = said("x-amz-content-sha256").filter(|said| said.len() == 64);
    if signed.is_some_and(|said| said != hex(&Sha256::digest(body))) {
        return Err(wrong("x-amz-content-sha256"));
    }
    let Some((header, value, compute)) =
        KNOWN.iter().find_map(|(header, compute)| Some((*header, said(header)?, compute)))
    else {
        return match said("x-amz-trailer").or(said("x-amz-checksum-sha1")) {
            Some(_) => Err(refusal(501, "NotImplemented", "this checksum is not in this store")),
            None => Ok(None),
        };
    };
    if value != BASE64_STANDARD.encode(compute(body)) {
        return Err(wrong(header));
    }
    Ok(Some(Checksum { header, value: value.to_owned() }))
}

/// Answers the entity tag of an object that was put in one piece.
pub(super) fn etag(body: &[u8]) -> String {
    format!("\"{}\"", hex(&Md5::digest(body)))
}

/// Answers the entity tag of an object by the tags of its parts.
pub(super) fn etag_of_parts<'a>(tags: impl Iterator<Item = &'a str>) -> String {
    let (mut all, mut count) = (Md5::new(), 0);
    for tag in tags {
        all.update(bytes_of(tag.trim_matches('"')));
        count += 1;
    }
    format!("\"{}-{count}\"", hex(&all.finalize()))
}

/// Answers the SHA-256 of a content, in hexadecimal digits.
pub(in super::super) fn sha256(body: &[u8]) -> String {
    hex(&Sha256::digest(body))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of(digits: &str) -> Vec<u8> {
    let byte = |at| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..digits.len()).step_by(2).filter_map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{HeaderName, HeaderValue};

    /// The check values of the catalogue of CRCs, in base64.
    const NINE_DIGITS: &[(&str, &str)] = &[
        ("x-amz-checksum-crc32", "y/Q5Jg=="),
        ("x-amz-checksum-crc32c", "4waSgw=="),
        ("x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
        ("content-md5", "JfnnlDI7RTiF9RgfG2JNCw=="),
        ("x-amz-content-sha256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
    ];

    #[test]
    fn the_tag_of_parts_is_the_digest_of_their_digests() {
        let tags = [etag(b"123"), etag(b"456")];
        let expected = Md5::digest([Md5::digest(b"123"), Md5::digest(b"456")].concat());
        assert_eq!(etag_of_parts(tags.iter().map(String::as_str)), format!("\"{}-2\"", hex(&expected)));
    }

    #[test]
    fn each_checksum_is_that_of_the_content_and_no_other() {
        for (name, value) in NINE_DIGITS {
            let name = HeaderName::from_static(name);
            let headers: HeaderMap = [(name.clone(), HeaderValue::from_static(value))].into_iter().collect();
            assert!(check(&headers, b"123456789").is_ok(), "{name}");
            assert!(check(&headers, b"123456780").is_err(), "{name}");
        }
    }
}
