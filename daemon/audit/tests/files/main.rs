//! The files of an audit, from outside: what is done to them by others, and when they leave.

#![allow(clippy::unwrap_used, reason = "a test that can't go on ends with its reason")]

mod place;
mod retention;
mod tamper;
