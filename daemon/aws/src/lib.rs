//! The way to AWS: bounded connections, the clock that dates signatures, and what may be quoted of an answer.
//!
//! Of the environment only the proxy is heard.

mod cause;
mod clock;
mod connections;
mod observed;
mod probe;
mod proxy;
pub mod quote;

pub use cause::cause_of;
pub use clock::Corrected;
pub use connections::Connections;
pub use observed::{Observed, ServerDate};
