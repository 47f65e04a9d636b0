//! The clock that dates signatures: ours, corrected by what the server's answers told.

use aws_smithy_async::time::TimeSource;
use std::time::{Duration, SystemTime};

/// The local clock, shifted by milliseconds.
#[derive(Debug)]
pub(crate) struct Corrected(pub(crate) i64);

impl TimeSource for Corrected {
    #[expect(clippy::disallowed_methods, reason = "the one place where signatures are dated")]
    fn now(&self) -> SystemTime {
        let shift = Duration::from_millis(self.0.unsigned_abs());
        if self.0 < 0 { SystemTime::now() - shift } else { SystemTime::now() + shift }
    }
}
