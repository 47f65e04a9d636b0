//! Translates AWS configuration files: three texts in, three texts, keys and notes out.
//!
//! What counts in them is decided by the SDK's own parser, what keyfob can do by the engine's. No file is read or
//! written here, and nothing that is not understood by both is touched.

mod accept;
mod document;
mod edit;
mod endpoint;
mod key;
mod meaning;
mod plan;
mod tell;
mod toml_text;
mod translate;
mod verify;
mod view;

pub use plan::{Asked, Texts, plan};
