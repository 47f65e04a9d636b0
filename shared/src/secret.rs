//! A secret is a type: it prints as `[secret]` and is wiped when dropped.
//!
//! It never implements `Display`; [`Secret::expose`] marks each place where the text is used.

use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroize;

/// Holds a text that must not be shown: a secret access key, a session token, an MFA code, a passphrase.
///
/// It serializes as its text, because the socket and the vault carry it; nothing else may be serialized to a log.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Shows the text to code that really needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_text() {
        let shown = format!("{:?}", Some(Secret::new("hunter2")));
        assert_eq!(shown, "Some([secret])");
    }
}
