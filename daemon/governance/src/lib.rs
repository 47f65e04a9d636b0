//! What keyfob knows of the rules by which an account is run.
//!
//! Values in, values out: no call is made here, no file is read, no clock is looked at.

pub mod activity;
pub mod report;
pub mod role;
pub mod trust;
