//! A sealed world for the real programs: own home, configuration, socket, vault, an AWS that can fail.
//!
//! Nothing here is part of the product.

#![allow(clippy::disallowed_methods, reason = "tests read clocks and are no part of the daemon")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on ends with its reason")]

pub mod emulator;
pub mod keychain;
pub mod leaks;
pub mod ledger;
pub mod notifications;
pub mod oidc;
pub mod parts;
pub mod run;
pub mod simplesamlphp;
pub mod tls;
pub mod visit;
pub mod world;

pub use emulator::adfs::{self, Adfs};
pub use emulator::{Emulator, Fault, IdentityCenter};
pub use ledger::Ledger;
pub use oidc::OidcProvider;
pub use run::Run;
pub use simplesamlphp::SimpleSamlPhp;
pub use tls::Tls;
pub use visit::visit;
pub use world::World;
