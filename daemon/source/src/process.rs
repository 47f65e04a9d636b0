//! The command of a `process` identity: any program that prints a document of `credential_process`.

use crate::command::{self, Limits};
use crate::granted;
use keyfob_engine::mint::{MintError, MintErrorKind, Minted};
use keyfob_shared::environment::WITHIN;
use keyfob_shared::{Credentials, Failure, FailureKind, IdentityName, Secret, Timestamp};
use serde::Deserialize;
use std::time::Duration;

/// The AWS SDK for Go gives a helper a minute, and callers wait 50 s.
const LIMITS: Limits = Limits { longest: Duration::from_secs(45), most: 64_000 };
/// How long a document without `Expiration` is taken for fresh, in milliseconds.
const NO_EXPIRATION: i64 = 3_600_000;

/// The document, as the AWS documentation on external processes has it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    version: u32,
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Option<Secret>,
    expiration: Option<String>,
    account_id: Option<String>,
}

/// Runs the command and answers the session that it prints; `now` is the wall clock.
///
/// # Errors
/// If it can't be run, fails, takes more than 45 s, prints more than 64,000 bytes or no document, or a session that has
/// ended. Its output is never quoted.
pub async fn process(
    command: &[String],
    identity: &IdentityName,
    now: Timestamp,
) -> Result<Minted, MintError> {
    let program = command.first().map_or("command", String::as_str);
    let wrong = |kind: MintErrorKind, why: &str| {
        let message = format!("run {program} of identity {identity}: {why}");
        let failure = Failure::new(FailureKind::Upstream, message).hint("run the command by hand");
        MintError { kind, failure, server_date: None }
    };
    let output = command::run(command, &[(WITHIN, identity.as_str())], LIMITS).await;
    let output = output.map_err(|why| wrong(MintErrorKind::Transient, &why))?;
    // The cause may quote the document.
    let document: Document = serde_json::from_slice(&output)
        .map_err(|_| wrong(MintErrorKind::Final, "it printed no document of credential_process"))?;
    if document.version != 1 {
        return Err(wrong(
            MintErrorKind::Final,
            &format!("its document has version {}, not 1", document.version),
        ));
    }
    let expires = match document.expiration.as_deref().map(Timestamp::parse) {
        None => Timestamp::from_millis(now.millis().saturating_add(NO_EXPIRATION)),
        Some(Some(expires)) if expires > now => expires,
        Some(Some(_)) => return Err(wrong(MintErrorKind::Transient, "its credentials have ended already")),
        Some(None) => return Err(wrong(MintErrorKind::Final, "its Expiration is no time")),
    };
    let credentials = Credentials {
        access_key_id: document.access_key_id,
        secret_access_key: document.secret_access_key,
        session_token: document.session_token,
        account_id: document.account_id,
    };
    if granted::are_usable(&credentials, expires) {
        Ok(Minted { credentials, expires, server_date: None, signed_in_until: None })
    } else {
        Err(wrong(MintErrorKind::Final, "its credentials are no credentials of AWS"))
    }
}

#[cfg(test)]
mod tests;
