//! What the product promises, shown on the real programs: one test binary, one file for each promise.

#![allow(clippy::disallowed_methods, reason = "tests read clocks and are no part of the daemon")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on ends with its reason")]

mod account;
mod audit;
mod batch;
mod besieged;
mod browser;
mod client;
mod clients;
mod commands;
mod console;
mod containers;
mod crash;
mod exec;
mod exec_process;
mod grants;
mod herd;
mod hostile;
mod import;
mod input;
mod keychain;
mod lifecycle;
mod matrix;
mod moto;
mod outage;
mod reload;
mod renewal;
mod restricted;
mod role;
mod rotation;
mod saml;
mod security;
mod signins;
mod sources;
mod tokens;
mod transfers;
mod vault;
mod watch;
mod ways;
