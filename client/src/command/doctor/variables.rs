//! Variables of this environment that lead AWS tools past `credential_process`.
//!
//! Only names are told, never a value that may be a secret. The order in which sources are tried is that of the SDKs'
//! reference guide ("Standardized credential providers"): variables with keys, web identity, then the profile.

use super::finding;
use crate::aws_files;
use keyfob_shared::wire::{Finding, Severity};
use std::path::Path;

/// Set by `keyfob exec`, which sets some of these for a reason.
const WITHIN_EXEC: &str = "KEYFOB_PROFILE";

/// Names that belong together, and what they do.
const GROUPS: [(&[&str], &str); 3] = [
    (
        &[
            "AWS_ACCESS_KEY_ID",
            "AWS_ACCESS_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SECRET_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_SECURITY_TOKEN",
        ],
        "AWS tools take these keys, which do not renew, instead of asking the profile",
    ),
    (
        &["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME"],
        "AWS tools assume this role with a web identity instead of asking the profile",
    ),
    (
        &[
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ],
        "AWS tools may ask this endpoint of a container instead of the profile",
    ),
];
/// The group that `keyfob exec` sets itself.
const CONTAINER: usize = 2;

/// Reads one variable; an empty one is none.
fn value(name: &str) -> Option<String> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
    Some(value.to_string_lossy().into_owned())
}

pub(super) fn findings() -> Vec<Finding> {
    let in_exec = value(WITHIN_EXEC).is_some();
    let mut found: Vec<Finding> = GROUPS
        .iter()
        .enumerate()
        .filter(|(at, _)| !(in_exec && *at == CONTAINER))
        .filter_map(|(_, (names, what))| group(names, what))
        .collect();
    if !in_exec {
        let (config, credentials) = (aws_files::config(), aws_files::credentials());
        found.extend(moved("AWS_CONFIG_FILE", "config", &config));
        found.extend(moved("AWS_SHARED_CREDENTIALS_FILE", "credentials", &credentials));
    }
    found
}

fn group(names: &[&str], what: &str) -> Option<Finding> {
    let set: Vec<&str> = names.iter().copied().filter(|name| value(name).is_some()).collect();
    (!set.is_empty())
        .then(|| finding(Severity::Warning, set.join(" "), what, format!("unset {}", set.join(" "))))
}

/// Tells that AWS tools read another file than the usual one.
fn moved(name: &str, usual: &str, file: &Path) -> Option<Finding> {
    value(name)?;
    let (severity, is) = match file.exists() {
        true => (Severity::Note, ""),
        false => (Severity::Warning, ", which is not there"),
    };
    let message = format!("AWS tools read {}{is}, and not ~/.aws/{usual}", file.display());
    Some(finding(severity, name, message, format!("unset {name}")))
}
