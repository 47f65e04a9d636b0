//! Requests and replies of the socket.
//!
//! A client sends one frame with the protocol version, one frame with a [`Request`], and reads [`Reply`] frames:
//! one, or [`Reply::Prompt`]s that it answers with [`Answer`] frames, or pages of a listing until `more` is false.

mod account;
mod views;

pub use account::{
    AccountFinding, Activity, ActivityEvent, KeyUse, KeyView, Report, Role, RolePurpose, RotateStep,
};
pub use views::{
    AssumedBy, DaemonStatus, Finding, IdentityStatus, ProfileStatus, ProfileView, RoleView, Severity,
    SocketStatus, StatusPage, VaultStatus,
};

use crate::{Failure, IdentityName, ProfileName, Secret, Timestamp};
use serde::{Deserialize, Serialize};

/// The version of this protocol. A daemon answers another version with [`FailureKind::Unreachable`](crate::FailureKind).
pub const PROTOCOL: u32 = 1;

/// The reply to a served `get` is a frame that begins with this, then the `credential_process` document, then `}`.
/// The client strips both and prints the rest without parsing it.
pub const DOCUMENT_PREFIX: &str = r#"{"document":"#;

/// What a client can ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// The credentials of a profile: [`Reply::Document`].
    Get {
        /// Which profile.
        profile: ProfileName,
    },
    /// Credentials of a profile over HTTP, for as long as this connection is open: [`Reply::SendListener`] where
    /// descriptors can be sent, then [`Reply::Granted`], and [`Reply::Done`] before the daemon ends.
    Grant(Grant),
    /// The address that signs a browser in to the AWS console: [`Reply::Address`].
    Console(Console),
    /// Sign in an identity, or the identity behind a profile: prompts, then [`Reply::Done`].
    Login {
        /// The name of an identity or profile.
        name: String,
    },
    /// Forget sessions and sign-in tokens: of one identity or profile, or of all.
    Logout {
        /// The name of an identity or profile; `None` means all.
        name: Option<String>,
    },
    /// Pages of [`Reply::Status`].
    Status,
    /// Pages of [`Reply::Profiles`]; with a name only that one.
    Profiles {
        /// One profile, or all.
        name: Option<ProfileName>,
    },
    /// What an identity may be at IAM Identity Center, as tables for the configuration: [`Reply::Done`].
    Discover {
        /// Which identity.
        identity: IdentityName,
    },
    /// Findings in the configuration: pages of [`Reply::Findings`].
    Check,
    /// What stands between the daemon and its work: pages of [`Reply::Findings`].
    Doctor,
    /// Stores a long-term access key in the vault.
    KeyAdd {
        /// Whose key.
        identity: IdentityName,
        /// `AKIA…`
        access_key_id: String,
        /// The secret half.
        secret_access_key: Secret,
    },
    /// Copies the long-term key of an AWS profile in a shared credentials file into the vault.
    KeyImport {
        /// Whose key.
        identity: IdentityName,
        /// The profile in the file.
        aws_profile: String,
        /// The absolute path of the file.
        file: String,
    },
    /// Lists the long-term keys, with what AWS knows of them: pages of [`Reply::Keys`].
    KeyList,
    /// Exchanges the long-term key of an identity in stages, or has a say in that: [`Reply::Done`].
    KeyRotate {
        /// Whose key.
        identity: IdentityName,
        /// What is to be done.
        step: RotateStep,
    },
    /// Looks at the users of an account: notes, then pages of [`Reply::Account`].
    Report(Report),
    /// Looks at what the sessions of a profile did: notes and pages of [`Reply::Activity`], newest sessions first.
    Activity(Activity),
    /// Looks at the role of a profile: [`Reply::Done`].
    Role(Role),
    /// Removes the long-term key of an identity.
    KeyRemove {
        /// Whose key.
        identity: IdentityName,
    },
    /// Serves nothing from now on and forgets what is in memory.
    Lock,
    /// Serves again; asks for the passphrase where the vault has one.
    Unlock,
    /// Reads the configuration again: [`Reply::Done`], or why it is not in force.
    Reload,
    /// Ends the daemon; the connection closes when it is gone.
    Stop,
}

/// A sign-in to the AWS console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Console {
    /// With whose session.
    pub profile: ProfileName,
    /// Seconds, where AWS takes them.
    pub duration: Option<u32>,
    /// An address of the console; `None` means its start page.
    pub destination: Option<String>,
    /// Whether another sign-in of the browser is ended first.
    pub logout_first: bool,
}

/// What a program that is about to start is granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Whose credentials.
    pub profile: ProfileName,
    /// What the program sends as `Authorization`: [`TOKEN_LENGTH`] hexadecimal digits.
    pub token: Secret,
    /// The port of the endpoint, where the daemon itself is to listen; 0 means any.
    pub port: u16,
    /// Seconds for which the sessions are renewed, whether they are used or not; `None` means as long as it is open.
    pub lease: Option<u64>,
    /// Whether it is granted only if nothing is foreseen that ends renewal within the lease.
    #[serde(default)]
    pub strict: bool,
    /// Whether the program runs already: then it is granted whether or not there are credentials now.
    #[serde(default)]
    pub resumed: bool,
}

/// The length of a token: 32 random bytes.
pub const TOKEN_LENGTH: usize = 64;

/// The path of the endpoint.
pub const ENDPOINT_PATH: &str = "/credentials";

/// The client's side of a dialogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// What the person typed, chose or pasted.
    Text(Secret),
    /// The person gave up.
    Cancelled,
}

/// What the daemon asks a person during a dialogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// A line that may be shown while it is typed.
    Text {
        /// The question.
        label: String,
    },
    /// A line that must not be shown while it is typed.
    Secret {
        /// The question.
        label: String,
    },
    /// One of several; the answer is its index from 0.
    Choice {
        /// The question.
        label: String,
        /// The choices.
        choices: Vec<String>,
    },
    /// Open this address; no answer is expected.
    OpenUrl {
        /// The address.
        url: String,
        /// A code to compare or type, where there is one.
        code: Option<String>,
    },
    /// Something to know meanwhile; no answer is expected.
    Note {
        /// What.
        text: String,
    },
}

/// What the daemon answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The `credential_process` document; see [`DOCUMENT_PREFIX`].
    Document(Document),
    /// It did not work.
    Failed(Failure),
    /// An address that is as good as the session it was made of.
    Address(Secret),
    /// The listening socket of the endpoint is to be sent: one byte, and the descriptor with it.
    SendListener,
    /// The endpoint answers.
    Granted {
        /// Its port on 127.0.0.1.
        port: u16,
        /// What stands against renewal for the whole lease, for people; empty if nothing does.
        obstacles: Vec<String>,
    },
    /// A question to a person.
    Prompt(Prompt),
    /// It worked; the text is for people.
    Done {
        /// One or more lines, or empty.
        message: String,
    },
    /// A page of the status.
    Status(StatusPage),
    /// A page of profiles.
    Profiles {
        /// Some of the profiles.
        profiles: Vec<ProfileView>,
        /// Whether another page follows.
        more: bool,
    },
    /// A page of findings.
    Findings {
        /// Some of the findings.
        findings: Vec<Finding>,
        /// Whether another page follows.
        more: bool,
    },
    /// A page of what is the matter in an account.
    Account {
        /// How many users it has.
        users: usize,
        /// When AWS made the report that this is read from.
        generated: Option<Timestamp>,
        /// Some of what was found.
        findings: Vec<AccountFinding>,
        /// Whether another page follows.
        more: bool,
    },
    /// A page of what sessions did.
    Activity {
        /// Some of it.
        events: Vec<ActivityEvent>,
        /// Whether another page follows.
        more: bool,
    },
    /// A page of keys.
    Keys {
        /// Some of the keys.
        keys: Vec<KeyView>,
        /// Whether another page follows.
        more: bool,
    },
}

/// A `credential_process` document that is passed on as it is; it prints as `[secret]`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document(Box<serde_json::value::RawValue>);

impl Document {
    /// Shows the text to code that really needs it.
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_reply_can_be_printed_without_parsing() {
        let document = serde_json::value::RawValue::from_string(r#"{"Version":1}"#.into()).unwrap();
        let reply = Reply::Document(Document(document));
        assert_eq!(format!("{reply:?}"), "Document([secret])");
        let reply = serde_json::to_string(&reply).unwrap();
        assert_eq!(reply, format!("{DOCUMENT_PREFIX}{}{}", r#"{"Version":1}"#, "}"));
    }

    #[test]
    fn the_request_of_the_hot_path_has_a_fixed_form() {
        let request = Request::Get { profile: "prod".parse().unwrap() };
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"get":{"profile":"prod"}}"#);
    }
}
