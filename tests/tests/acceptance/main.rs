//! What the product promises, shown on the real programs: one test binary, one file for each promise.

#![allow(clippy::disallowed_methods, reason = "tests read clocks and are no part of the daemon")]

mod clients;
mod crash;
mod herd;
mod keychain;
mod outage;
mod renewal;
mod security;
mod sources;
