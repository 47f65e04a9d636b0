//! Bodies in signed or unsigned chunks with trailing headers (`aws-chunked`).

use super::super::answer::{Refusal, refusal};
use hyper::HeaderMap;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};

/// Answers the headers and the content of a request, its trailing headers among the former.
pub(super) fn decode(headers: &HeaderMap, body: Bytes) -> Result<(HeaderMap, Bytes), Refusal> {
    let payload = headers.get("x-amz-content-sha256").and_then(|value| value.to_str().ok());
    if !payload.is_some_and(|payload| payload.starts_with("STREAMING-")) {
        return Ok((headers.clone(), body));
    }
    let malformed = || refusal(400, "IncompleteBody", "the chunks of the body are not whole");
    let (content, trailers) = chunks(&body).ok_or_else(malformed)?;
    let mut headers = headers.clone();
    // The trailer that was announced has to be there: the checksum is then looked for among the headers.
    for line in trailers.lines() {
        let (name, value) = line.split_once(':').ok_or_else(malformed)?;
        let name = HeaderName::try_from(name.trim()).map_err(|_| malformed())?;
        headers.insert(name, HeaderValue::from_str(value.trim()).map_err(|_| malformed())?);
    }
    let length =
        headers.get("x-amz-decoded-content-length").and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length != content.len()) {
        return Err(malformed());
    }
    Ok((headers, content.into()))
}

/// Reads `SIZE[;chunk-signature=…]` and that many bytes until a size of 0, and what trails.
fn chunks(mut rest: &[u8]) -> Option<(Vec<u8>, &str)> {
    let mut content = Vec::with_capacity(rest.len());
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let line = std::str::from_utf8(&rest[..end]).ok()?;
        let size = usize::from_str_radix(line.split(';').next()?, 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some((content, std::str::from_utf8(rest).ok()?.trim()));
        }
        content.extend_from_slice(rest.get(..size)?);
        rest = rest[size..].strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_chunks_with_and_without_signatures() {
        let plain = b"3\r\nabc\r\nA\r\n0123456789\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        let (content, trailers) = chunks(plain).unwrap();
        assert_eq!(content, b"abc0123456789");
        assert_eq!(trailers, "x-amz-checksum-crc32:AAAAAA==");
        let signed = b"3;chunk-signature=00ff\r\nabc\r\n0;chunk-signature=00ff\r\n\r\n";
        assert_eq!(chunks(signed), Some((b"abc".to_vec(), "")));
        assert_eq!(chunks(b"5\r\nabc\r\n0\r\n\r\n"), None);
        assert_eq!(chunks(b"3\r\nabc\r\n"), None);
    }
}
