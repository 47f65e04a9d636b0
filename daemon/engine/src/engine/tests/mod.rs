//! What the engine does, claim by claim.

mod callers;
mod chains;
mod clocks;
mod configuration;
mod holds;
mod people;
mod providers;
mod renewal;
mod restricted;
mod vault;
