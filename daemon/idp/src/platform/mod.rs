//! What differs between operating systems: groups of processes.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{end_group, own_group};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::{end_group, own_group};
