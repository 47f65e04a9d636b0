//! Other platforms: not told there yet.

use std::io;

pub(super) fn show(_: &str, _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
