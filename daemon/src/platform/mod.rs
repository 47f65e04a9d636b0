//! What differs between operating systems: clocks, hardening, signals, whose files are trusted.
//!
//! Each file has the same names; nothing outside this directory asks for the platform.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::*;
