//! What `keyfob import` is going to do: said by `keyfobd import-plan`, shown and done by the client.
//!
//! The texts of AWS files hold keys, so all of them are secrets.

use crate::{IdentityName, ProfileName, Secret};
use serde::{Deserialize, Serialize};

/// The longest AWS file that is read, in bytes.
pub const MAX_AWS_FILE: usize = 1024 * 1024;

/// What is going to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// keyfob's own configuration.
    pub config: Change,
    /// `~/.aws/config`
    pub aws_config: Change,
    /// `~/.aws/credentials`
    pub credentials: Change,
    /// The long-term keys that the changed profiles need in the vault.
    pub keys: Vec<ImportedKey>,
    /// The profiles of AWS that are changed, in the order of the files.
    pub profiles: Vec<ProfileName>,
    /// What a person should know, in the order of the files.
    pub notes: Vec<Note>,
}

/// A file before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What it holds; `None` if it is not there.
    pub before: Option<Secret>,
    /// What it will hold.
    pub after: Secret,
}

impl Change {
    /// Answers what the file holds; nothing if it is not there.
    pub fn old(&self) -> &str {
        self.before.as_ref().map_or("", Secret::expose)
    }

    /// Answers whether there is nothing to write.
    pub fn is_none(&self) -> bool {
        self.old() == self.after.expose()
    }
}

/// A long-term key on its way to the vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedKey {
    /// Whose key it will be.
    pub identity: IdentityName,
    /// `AKIA…`
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: Secret,
}

/// One line about a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The profile, or a section that is none.
    pub subject: String,
    /// What happens to it.
    pub kind: NoteKind,
    /// Why, or what is different from now on.
    pub message: String,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// It stays as it is.
    LeftAlone,
    /// It is changed, and there is something to know.
    Note,
}
