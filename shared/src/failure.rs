//! What can go wrong, in the form that crosses the socket, and the one table of exit codes.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The kinds of failure; each has one exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// STS, an identity provider or the network failed.
    Upstream,
    /// The command line or the configuration is wrong.
    Usage,
    /// A person must act: sign in, unlock the vault, add a key.
    Person,
    /// Refused by policy, by the peer check or because the agent is locked.
    Refused,
    /// The daemon can't be reached or speaks another protocol version.
    Unreachable,
}

impl FailureKind {
    /// Answers the exit code of the client for this kind.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Upstream => 1,
            Self::Usage => 2,
            Self::Person => 3,
            Self::Refused => 4,
            Self::Unreachable => 5,
        }
    }
}

/// One failure as a person reads it: what failed, why, and the command that mends it. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Decides the exit code.
    pub kind: FailureKind,
    /// `what failed: cause`, lower case, no full stop, one line.
    pub message: String,
    /// The command to run, where one helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Failure {
    /// Makes a failure without a hint; control characters in `message` become spaces.
    pub fn new(kind: FailureKind, message: impl AsRef<str>) -> Self {
        Self { kind, message: one_line(message.as_ref()), hint: None }
    }

    /// Adds the command that mends it.
    #[must_use]
    pub fn hint(mut self, command: impl AsRef<str>) -> Self {
        self.hint = Some(one_line(command.as_ref()));
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

// Security: texts of other parties reach terminals and logs; without control characters they can't forge a line.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 2_000;
    text.chars().take(LONGEST).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_contract() {
        let kinds = [
            FailureKind::Upstream,
            FailureKind::Usage,
            FailureKind::Person,
            FailureKind::Refused,
            FailureKind::Unreachable,
        ];
        assert_eq!(kinds.map(FailureKind::exit_code), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_message_is_one_line_without_escape_sequences() {
        let failure = Failure::new(FailureKind::Upstream, "a\nb\u{1b}[31mc");
        assert_eq!(failure.message, "a b [31mc");
    }
}
