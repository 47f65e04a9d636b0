//! Credentials, and the `credential_process` document made of them.

use crate::wire::DOCUMENT_PREFIX;
use crate::{Secret, Timestamp};
use serde::{Deserialize, Serialize};

/// An AWS access key; with a session token it is temporary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The public half; not a secret, and written to the audit.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: Secret,
    /// Present in temporary credentials only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token: Option<Secret>,
    /// The 12 digits of the account, where they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
}

impl Credentials {
    /// Writes the JSON object that SDKs read from a `credential_process` (version 1 of its format).
    ///
    /// `expiration` is what the SDK is told; without it an SDK never asks again.
    pub fn document(&self, expiration: Option<Timestamp>) -> Secret {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Document<'a> {
            version: u8,
            access_key_id: &'a str,
            secret_access_key: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            session_token: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            expiration: Option<Timestamp>,
            #[serde(skip_serializing_if = "Option::is_none")]
            account_id: Option<&'a str>,
        }
        let document = Document {
            version: 1,
            access_key_id: &self.access_key_id,
            secret_access_key: self.secret_access_key.expose(),
            session_token: self.session_token.as_ref().map(Secret::expose),
            expiration,
            account_id: self.account_id.as_deref(),
        };
        Secret::new(serde_json::to_string(&document).expect("strings always serialize"))
    }

    /// Writes the reply to a `get`, which carries the document.
    pub fn reply(&self, expiration: Timestamp) -> Secret {
        let document = self.document(Some(expiration));
        let mut text = String::with_capacity(DOCUMENT_PREFIX.len() + document.expose().len() + 1);
        text.push_str(DOCUMENT_PREFIX);
        text.push_str(document.expose());
        text.push('}');
        Secret::new(text)
    }
}

/// A `credential_process` document, read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    /// The public half of the access key.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: Secret,
    /// Present with temporary credentials only.
    pub session_token: Option<Secret>,
    /// RFC 3339; credentials without it never end.
    pub expiration: Option<String>,
    /// The 12 digits of the account, where they are known.
    pub account_id: Option<String>,
}

impl Document {
    /// Reads a document. Nothing says what is wrong with another text: that would quote it.
    pub fn read(document: &str) -> Option<Self> {
        serde_json::from_str(document).ok()
    }

    /// Reads the document of a reply to a `get`; see [`Credentials::reply`].
    pub fn of_reply(reply: &str) -> Option<Self> {
        Self::read(reply.strip_prefix(DOCUMENT_PREFIX)?.strip_suffix('}')?)
    }
}

/// Checks the form of a long-term access key; STS knows whether it is one.
///
/// # Errors
/// What is wrong with it, without quoting it.
pub fn check_long_term(access_key_id: &str, secret_access_key: &Secret) -> Result<(), &'static str> {
    if access_key_id.starts_with("ASIA") {
        return Err("ASIA… is a temporary key: a long-term one begins with AKIA");
    }
    let is_id = access_key_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !(16..=128).contains(&access_key_id.len()) || !is_id {
        return Err("an access key id has 16 to 128 letters and digits");
    }
    let secret = secret_access_key.expose();
    if !(16..=256).contains(&secret.len()) || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("this is not a secret access key: those have 40 letters, digits, + and /");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_what_sdks_read() {
        let credentials = Credentials {
            access_key_id: "ASIA1".into(),
            secret_access_key: Secret::new("s"),
            session_token: Some(Secret::new("t")),
            account_id: Some("111122223333".into()),
        };
        assert_eq!(
            credentials.document(Timestamp::parse("2026-01-02T03:04:05Z")).expose(),
            r#"{"Version":1,"AccessKeyId":"ASIA1","SecretAccessKey":"s","SessionToken":"t","Expiration":"2026-01-02T03:04:05Z","AccountId":"111122223333"}"#
        );
    }

    #[test]
    fn a_reply_is_read_as_it_was_written() {
        let credentials = Credentials {
            access_key_id: "ASIA1".into(),
            secret_access_key: Secret::new("s"),
            session_token: Some(Secret::new("t")),
            account_id: None,
        };
        let reply = credentials.reply(Timestamp::parse("2026-01-02T03:04:05Z").unwrap());
        let document = Document::of_reply(reply.expose()).unwrap();
        assert_eq!(document.access_key_id, "ASIA1");
        assert_eq!(document.secret_access_key, Secret::new("s"));
        assert_eq!(document.session_token, Some(Secret::new("t")));
        assert_eq!(document.expiration.as_deref(), Some("2026-01-02T03:04:05Z"));
        assert_eq!(document.account_id, None);
        assert!(Document::of_reply(r#"{"failed":{}}"#).is_none());
        assert!(Document::read(r#"{"AccessKeyId":"ASIA1"}"#).is_none());
    }
}
