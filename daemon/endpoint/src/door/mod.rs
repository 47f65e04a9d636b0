//! Where connections to an endpoint come in.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::Door;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::Door;
