//! Who was served what, when: one line of JSON for each request, chained by digests; failures that repeat share one.
//!
//! Never a command line, never a secret. Serving does not wait for the disk: lines go through a bounded queue to a
//! thread, and what does not fit is counted.
//!
//! A mark beside the files says which lines there must be. Together they show lines that were changed, reordered, put in,
//! taken out, cut off or put back to an older state, and files that were deleted or exchanged. Not covered: the last second
//! before a crash, whoever can rewrite files and mark together or put an older state of both back, and whoever removes all
//! of them; an anchor that is kept elsewhere shows these too.

mod chain;
mod files;
mod fold;
mod log;
mod mark;
mod platform;
mod process;
mod read;
mod select;
mod verify;
mod writer;

pub use chain::Line;
pub use log::Audit;
pub use process::Program;
pub use read::{History, Unread};
pub use select::{Selection, program_name, program_path};
pub use verify::{Anchor, Broken, Verified, verify};
pub use writer::Retention;

use keyfob_shared::Timestamp;
use serde::{Deserialize, Serialize};

/// A process that asked, as it was known before it was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Its user.
    pub uid: u32,
    /// Its number; 0 when it is in another namespace.
    pub pid: u32,
    /// Its parent.
    pub ppid: Option<u32>,
    /// Its start, in clock ticks since boot.
    pub started: Option<u64>,
    /// The first 15 bytes of its name.
    pub comm: Option<String>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It got what it asked for.
    Served,
    /// It could not be served.
    Failed,
    /// It was not to be served.
    Refused,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was answered.
    pub time: Timestamp,
    /// What was asked.
    pub request: &'static str,
    /// Through which restricted socket.
    pub socket: Option<String>,
    /// About which profile or identity.
    pub profile: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was not served.
    pub reason: Option<String>,
    /// The key that was handed out.
    pub access_key_id: Option<String>,
    /// The name of its session in CloudTrail.
    pub session_name: Option<String>,
    /// Who asked.
    pub caller: Caller,
}
