//! `expected.json`: a session or a failure, the server's date that is believed, what was sent.

use crate::server::Seen;
use keyfob_engine::mint::{MintError, Minted};
use keyfob_shared::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    session: Option<Session>,
    failure: Option<Failure>,
    /// RFC 3339; without it none may be believed.
    server_date: Option<String>,
    /// All parameters of the call; without it they are not compared.
    sent: Option<BTreeMap<String, String>>,
    /// What else must not be told.
    #[serde(default)]
    secrets: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    account_id: Option<String>,
    expires: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure {
    /// Of `MintErrorKind`.
    kind: String,
    exit: u8,
    /// Texts that the message has.
    message: Vec<String>,
    /// Texts that the hint has.
    hint: Vec<String>,
    /// Texts that neither has.
    #[serde(default)]
    absent: Vec<String>,
}

type Result<'a> = &'a std::result::Result<Minted, MintError>;

pub(crate) fn read(json: &[u8]) -> std::result::Result<Expected, String> {
    let expected: Expected =
        serde_json::from_slice(json).map_err(|error| format!("expected.json: {error}"))?;
    match (&expected.session, &expected.failure) {
        (Some(_), None) | (None, Some(_)) => Ok(expected),
        (Some(_), Some(_)) | (None, None) => Err("expected.json: one of session and failure".into()),
    }
}

/// Answers what callers get to read.
pub(crate) fn told(result: Result) -> String {
    match result {
        Ok(_) => String::new(),
        Err(wrong) => format!("{} {}", wrong.failure, wrong.failure.hint.as_deref().unwrap_or_default()),
    }
}

impl Expected {
    pub(crate) fn secrets(&self) -> Vec<String> {
        let session = self.session.iter();
        let granted = session.flat_map(|session| [&session.secret_access_key, &session.session_token]);
        granted.chain(&self.secrets).cloned().collect()
    }

    /// Answers what is not as it should be.
    pub(crate) fn compare(&self, result: Result, seen: &Seen) -> Vec<String> {
        let mut wrong = Vec::new();
        match (result, &self.session, &self.failure) {
            (Ok(minted), Some(session), _) => session.compare(minted, &mut wrong),
            (Err(error), _, Some(failure)) => failure.compare(error, &mut wrong),
            (Ok(_), _, _) => wrong.push("there is a session".into()),
            (Err(error), _, _) => wrong.push(format!("there is no session: {error:?}")),
        }
        let date = match result {
            Ok(minted) => minted.server_date,
            Err(error) => error.server_date,
        };
        let date = date.map(|date| date.to_string());
        same("server_date", &date, &self.server_date, &mut wrong);
        if let Some(sent) = &self.sent {
            same("sent", &seen.parameters, sent, &mut wrong);
        }
        same("calls", &seen.calls, &1, &mut wrong);
        same("calls to another host", &seen.elsewhere, &0, &mut wrong);
        wrong
    }
}

impl Session {
    fn compare(&self, minted: &Minted, wrong: &mut Vec<String>) {
        let credentials = &minted.credentials;
        let token = credentials.session_token.as_ref().map(|token| token.expose());
        same("access_key_id", &credentials.access_key_id, &self.access_key_id, wrong);
        same("account_id", &credentials.account_id, &self.account_id, wrong);
        same("expires", &minted.expires, &Timestamp::parse(&self.expires).expect("RFC 3339"), wrong);
        let secrets = (credentials.secret_access_key.expose(), token);
        if secrets != (self.secret_access_key.as_str(), Some(self.session_token.as_str())) {
            wrong.push("secret_access_key or session_token is another one".into());
        }
    }
}

impl Failure {
    fn compare(&self, error: &MintError, wrong: &mut Vec<String>) {
        let message = error.failure.message.as_str();
        let hint = error.failure.hint.as_deref().unwrap_or_default();
        same("kind", &format!("{:?}", error.kind), &self.kind, wrong);
        same("exit", &error.failure.kind.exit_code(), &self.exit, wrong);
        for (name, text, words) in [("message", message, &self.message), ("hint", hint, &self.hint)] {
            let missing = words.iter().filter(|word| !text.contains(*word));
            wrong.extend(missing.map(|word| format!("{name}: {word:?} is not in {text:?}")));
            let present = self.absent.iter().filter(|word| text.contains(*word));
            wrong.extend(present.map(|word| format!("{name}: {word:?} is in {text:?}")));
        }
        if hint.is_empty() || self.hint.is_empty() {
            wrong.push("a failure has a hint".into());
        }
        if message.ends_with(['.', ':', ' ']) {
            wrong.push(format!("message: ends badly: {message:?}"));
        }
        if [message, hint]
            .iter()
            .any(|text| text.chars().any(|letter| letter.is_control() || letter == '\u{202e}'))
        {
            wrong.push(format!("a letter that steers a terminal: {message:?}"));
        }
    }
}

fn same<T: PartialEq + std::fmt::Debug>(name: &str, found: &T, expected: &T, wrong: &mut Vec<String>) {
    if found != expected {
        wrong.push(format!("{name}: {found:?} instead of {expected:?}"));
    }
}
