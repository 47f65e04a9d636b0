//! What differs between operating systems: the way to the daemon, its start, terminals, the clock.

mod access;
mod process;
mod watched;
pub(crate) use access::{access, new_private_file};
pub(crate) use process::Process;
pub(crate) use watched::{First, Watched};

#[cfg(unix)]
mod endpoint;
#[cfg(unix)]
mod inherited;
#[cfg(unix)]
mod run;
#[cfg(unix)]
pub(crate) use endpoint::Endpoint;
#[cfg(unix)]
pub(crate) use run::{replace_with, run};

#[cfg(windows)]
mod run_windows;
#[cfg(windows)]
pub(crate) use run_windows::{Endpoint, replace_with, run};

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::*;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::*;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
pub(crate) use macos::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::*;
