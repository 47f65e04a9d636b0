//! Descriptors that this process has from whoever started it, on Linux and macOS.
//!
//! What is made here is never inherited further, so that what can be is somebody else's: a lock, the end of a pipe.

use rustix::io::{FdFlags, fcntl_getfd};
use std::os::fd::{BorrowedFd, RawFd};

/// Where the system lists the descriptors of a process.
const LISTS: [&str; 2] = ["/proc/self/fd", "/dev/fd"];
/// How far descriptors are looked for where there is no list.
const FAR_ENOUGH: RawFd = 4096;

/// Closes them all, but for the standard streams.
pub(super) fn close() {
    let descriptors = listed().unwrap_or_else(|| (0..FAR_ENOUGH).collect());
    for descriptor in descriptors.into_iter().filter(|descriptor| *descriptor > 2) {
        // SAFETY: the number is only asked about, and may be of nothing.
        let flags = unsafe { fcntl_getfd(BorrowedFd::borrow_raw(descriptor)) };
        if flags.is_ok_and(|flags| !flags.contains(FdFlags::CLOEXEC)) {
            // SAFETY: nothing of this process has it: all that it opens has the flag.
            unsafe { rustix::io::close(descriptor) };
        }
    }
}

fn listed() -> Option<Vec<RawFd>> {
    let entries = LISTS.iter().find_map(|list| std::fs::read_dir(list).ok())?;
    Some(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}
