//! The files of an audit, from outside: what is done to them by others, and when they leave.

#![allow(clippy::disallowed_methods, reason = "tests read clocks and are no part of the daemon")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on ends with its reason")]

mod place;
mod retention;
mod tamper;
