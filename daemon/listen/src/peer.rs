//! Who is at the other end, as the operating system says.

/// The process at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its effective user when it connected; 0 where the platform has none.
    pub uid: u32,
    /// Its number; 0 when it is in another namespace.
    pub pid: u32,
    /// What was known of it before it was answered, since it may end right after.
    pub start: Option<ProcessStart>,
}

/// A process as `/proc/PID/stat` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessStart {
    /// Its parent.
    pub ppid: u32,
    /// Its start, in clock ticks since boot: with the number it names a process for good.
    pub started: u64,
    /// The first 15 bytes of its program's name.
    pub comm: String,
}
