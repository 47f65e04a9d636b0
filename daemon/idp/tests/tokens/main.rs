//! Sign-ins that end in tokens, at a certified provider and at an emulated Identity Center, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that can't go on ends with its reason")]

mod hostile;
mod identity_center;
mod judge;
mod oidc;
mod person;
