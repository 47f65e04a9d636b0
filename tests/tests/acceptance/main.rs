//! What the product promises, shown on the real programs: one test binary, one file for each promise.

#![allow(clippy::disallowed_methods, reason = "tests read clocks and are no part of the daemon")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on ends with its reason")]

mod account;
mod audit;
mod audit_files;
mod audit_views;
mod batch;
mod besieged;
mod browser;
mod client;
mod clients;
mod commands;
mod console;
mod containers;
mod crash;
mod doctor;
mod exec;
mod exec_process;
mod grants;
mod help;
mod herd;
mod hostile;
mod import;
mod input;
mod install;
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
mod ways;
