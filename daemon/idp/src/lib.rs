//! Signing in at identity providers: pages are read, forms are filled in, and what comes out is an assertion for AWS.
//!
//! Nothing here speaks to AWS, keeps anything, or decides when to sign in. What a provider sends is never trusted: it
//! can't lead to another host, and it is bounded in size, time and number before it is read.

mod ask;
mod clock;
mod page;
mod platform;
mod quote;
mod trouble;
mod web;

pub mod saml;

pub use ask::Ask;
