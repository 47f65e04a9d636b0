//! Decides when to mint, renew, wait and refuse; does nothing itself.
//!
//! It never reads a clock, never does I/O, and knows neither tokio nor the AWS SDK.

pub mod clock;
pub mod config;
pub mod engine;
mod lease;
pub mod mfa;
pub mod mint;
pub mod plan;
pub mod rotation;
pub mod session;
pub mod slot;
pub mod timing;
