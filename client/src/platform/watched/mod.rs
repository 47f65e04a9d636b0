//! A program that runs with a grant, and what happens first: its end, or news of the daemon.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::Watched;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
pub(crate) use macos::Watched;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::Watched;

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// The program has ended, or can't be watched.
    Program,
    /// The daemon has said something, or has gone.
    Connection,
    /// Nothing of it, in time.
    Late,
}
