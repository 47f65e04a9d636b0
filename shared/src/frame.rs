//! Frames: a big-endian u32 length, then that many bytes of JSON.
//!
//! A length is checked before anything is allocated for it.

use std::io::{self, Read, Write};

/// The longest body of a frame, in bytes.
pub const MAX_FRAME: usize = 64 * 1024;

/// The bytes of the length before the body.
pub const HEADER: usize = 4;

/// Checks the header of a frame and answers the length of its body.
///
/// # Errors
/// `InvalidData` if the body is empty or longer than [`MAX_FRAME`].
pub fn body_length(header: [u8; HEADER]) -> io::Result<usize> {
    let length = u32::from_be_bytes(header) as usize;
    if length == 0 || length > MAX_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("frame of {length} bytes")));
    }
    Ok(length)
}

/// Appends a frame to a buffer.
///
/// # Errors
/// `InvalidData` if the body is empty or longer than [`MAX_FRAME`].
pub fn append(buffer: &mut Vec<u8>, body: &[u8]) -> io::Result<()> {
    let header = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    body_length(header)?;
    buffer.reserve(HEADER + body.len());
    buffer.extend_from_slice(&header);
    buffer.extend_from_slice(body);
    Ok(())
}

/// Writes one frame.
///
/// # Errors
/// `InvalidData` for a body that is too long; else what the writer says.
pub fn write(writer: &mut impl Write, body: &[u8]) -> io::Result<()> {
    let mut buffer = Vec::new();
    append(&mut buffer, body)?;
    writer.write_all(&buffer)
}

/// Reads the body of one frame.
///
/// # Errors
/// `UnexpectedEof` if the peer closed, `InvalidData` for a length that is not allowed.
pub fn read(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut header = [0; HEADER];
    reader.read_exact(&mut header)?;
    let mut body = vec![0; body_length(header)?];
    reader.read_exact(&mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_were_written() {
        let mut wire = Vec::new();
        write(&mut wire, b"1").unwrap();
        write(&mut wire, &[b'x'; MAX_FRAME]).unwrap();
        let mut reader = wire.as_slice();
        assert_eq!(read(&mut reader).unwrap(), b"1");
        assert_eq!(read(&mut reader).unwrap().len(), MAX_FRAME);
        assert_eq!(read(&mut reader).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_it_is_allocated() {
        for length in [0u32, MAX_FRAME as u32 + 1, u32::MAX] {
            let error = read(&mut length.to_be_bytes().as_slice()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }
}
