//! Signing in at identity providers: a person or a kept session goes in, and what comes out is for AWS: an assertion, an
//! id token, or, from IAM Identity Center, credentials themselves.
//!
//! Nothing here speaks to STS, keeps anything, or decides when to sign in. What a provider sends is never trusted: it
//! can't lead to another host, and it is bounded in size, time and number before it is read.

mod ask;
mod clock;
mod loopback;
mod pace;
mod page;
mod pkce;
mod platform;
mod quote;
mod refused;
mod trouble;
mod unwritten;
mod web;

pub mod identity_center;
pub mod oidc;
pub mod saml;

pub use ask::Ask;
pub use refused::Refused;
pub use unwritten::Unwritten;
