//! Who uses the state directory: what a daemon writes into the lock that it holds there.
//!
//! Clients find a daemon by it that listens elsewhere: one that was started without a runtime directory, say.

use std::fmt;
use std::path::{Path, PathBuf};

/// The lock in the state directory, which a daemon holds as long as it lives.
pub const LOCK: &str = "lock";
/// More bytes than what is written there has.
pub const MAX_HOLDER: u64 = 8 * 1024;

/// A daemon, by what it wrote down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// Where it listens.
    pub socket: PathBuf,
}

impl Holder {
    /// Reads what [`Holder`] is written as; what is incomplete, or names no absolute path, is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (pid, rest) = text.split_once('\n')?;
        let socket = Path::new(rest.strip_suffix('\n')?);
        Some(Self { pid: pid.parse().ok()?, socket: socket.is_absolute().then(|| socket.to_owned())? })
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\n{}\n", self.pid, self.socket.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_half_of_it_is_nothing() {
        let socket = std::env::temp_dir().join("a b/agent.sock");
        let holder = Holder { pid: 7, socket };
        let text = holder.to_string();
        assert_eq!(Holder::parse(&text), Some(holder));
        assert!((0..text.len()).all(|length| Holder::parse(&text[..length]).is_none()));
        assert_eq!(Holder::parse("7\nagent.sock\n"), None);
    }
}
