//! The environment of a command: one source of credentials, and none beside it.

use keyfob_shared::credentials::Document;
use keyfob_shared::{ProfileName, Secret};
use std::process::Command;

/// Tells prompts, and nested calls, with which profile a shell runs.
pub(super) const PROFILE: &str = "KEYFOB_PROFILE";

/// Each of these would make an SDK look somewhere else, or before the endpoint.
const CONFLICTING: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_CREDENTIAL_FILE",
    "AWS_ACCOUNT_ID",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

/// Variables to set. SDKs disagree on which wins, so there is exactly one way in.
pub(super) struct Variables<'a>(Vec<(&'static str, &'a str)>);

impl<'a> Variables<'a> {
    /// An endpoint that renews.
    pub(super) fn endpoint(url: &'a str, token: &'a Secret) -> Self {
        Self(vec![
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", token.expose()),
        ])
    }

    /// Static keys.
    pub(super) fn snapshot(document: &'a Document) -> Self {
        let token = document.session_token.as_ref().map(Secret::expose);
        let variables = [
            ("AWS_ACCESS_KEY_ID", Some(document.access_key_id.as_str())),
            ("AWS_SECRET_ACCESS_KEY", Some(document.secret_access_key.expose())),
            ("AWS_SESSION_TOKEN", token),
            ("AWS_CREDENTIAL_EXPIRATION", document.expiration.as_deref()),
        ];
        Self(variables.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }

    /// Adds what belongs to the profile.
    pub(super) fn of(mut self, profile: &'a ProfileName, region: Option<&'a str>) -> Self {
        self.0.push((PROFILE, profile.as_str()));
        if let Some(region) = region {
            self.0.extend([("AWS_REGION", region), ("AWS_DEFAULT_REGION", region)]);
        }
        self
    }

    pub(super) fn set(self, command: &mut Command) {
        for name in CONFLICTING {
            command.env_remove(name);
        }
        command.envs(self.0);
    }
}
