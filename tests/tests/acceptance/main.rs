//! What the product promises, shown on the real programs: one test binary, one file for each promise.

#![allow(clippy::disallowed_methods, reason = "tests read clocks and are no part of the daemon")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on ends with its reason")]

mod audit;
mod batch;
mod client;
mod clients;
mod commands;
mod crash;
mod exec;
mod herd;
mod hostile;
mod input;
mod keychain;
mod lifecycle;
mod matrix;
mod moto;
mod outage;
mod reload;
mod renewal;
mod security;
mod sources;
mod transfers;
mod vault;
