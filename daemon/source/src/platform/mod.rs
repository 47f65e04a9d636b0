//! What differs between operating systems: groups of processes, and opening without waiting.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{do_not_wait, end_group, own_group};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::{do_not_wait, end_group, own_group};
