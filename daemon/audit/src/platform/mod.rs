//! Files of the audit, by the same names everywhere.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::{Writing, is_in_place, open_to_read, open_to_write};
#[cfg(unix)]
pub(crate) use unix::{Writing, is_in_place, open_to_read, open_to_write};
