//! What a page says and asks: its forms, its errors, its title. Scripts are not run, and nothing is fetched for it.

mod form;
mod read;

pub(crate) use form::{Field, Form, Kind};
pub(crate) use read::read;

/// A page, as far as a sign-in looks at it.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// In their order; those without a field too.
    pub(crate) forms: Vec<Form>,
    /// What stands where pages of sign-in tell errors; raw text of a stranger.
    pub(crate) errors: Vec<String>,
    /// Raw text of a stranger.
    pub(crate) title: String,
    /// Ways to sign in that AD FS lets one choose from: what is sent, and raw text of a stranger.
    pub(crate) ways: Vec<(String, String)>,
    /// Seconds to wait, and where to go on; without an address, the same page again.
    pub(crate) refresh: Option<(u64, Option<String>)>,
}
