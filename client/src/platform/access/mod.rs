//! Who may do what with a file, and where this computer is a guest.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{access, new_private_file};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::{access, new_private_file};

/// The rights of a file or a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    /// The nine bits of its owner, its group and all others.
    pub(crate) mode: u32,
    /// Whether it is this user's.
    pub(crate) is_own: bool,
}
