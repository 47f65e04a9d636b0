//! The files of AWS tools: credentials of their default profile would win over the endpoint in most SDKs.
//!
//! They are not touched. Where the default profile has credentials, the command gets a copy of the configuration without
//! them (and without any secret), and no credentials file.

use crate::{aws_files, platform};
use keyfob_shared::{Failure, FailureKind, environment};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

const CREDENTIALS_FILE: &str = "AWS_SHARED_CREDENTIALS_FILE";
const CONFIG_FILE: &str = "AWS_CONFIG_FILE";
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Settings with which a profile has credentials of its own.
const CREDENTIALS: &[&str] = &[
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
    "credential_process",
    "credential_source",
    "source_profile",
    "role_arn",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_region",
    "sso_account_id",
    "sso_role_name",
    "login_session",
];
/// The keys of other profiles: a secret is not copied, and half a key would be worse than none.
const KEYS: &[&str] =
    &["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token"];

/// What the command is told to read instead.
#[derive(Default)]
pub(super) struct Files {
    hides_credentials: bool,
    /// A copy of the configuration, which is removed when the command has ended.
    pub(super) made: Option<PathBuf>,
}

impl Files {
    /// Finds out whether the default profile has credentials, and makes a copy if need be.
    pub(super) fn without_default_credentials() -> Result<Self, Failure> {
        let credentials = read(&aws_files::credentials()).unwrap_or_default();
        let hides_credentials =
            lines(&credentials).any(|line| line.is_default && line.is_one_of(CREDENTIALS));
        let config = read(&aws_files::config()).unwrap_or_default();
        if !lines(&config).any(|line| line.is_default && line.is_one_of(CREDENTIALS)) {
            return Ok(Self { hides_credentials, made: None });
        }
        let path = environment::state_directory()?.join(format!("exec-{}.config", std::process::id()));
        write(&path, &copy(&config)).map_err(|error| {
            let message = format!("write a configuration for AWS tools to {}: {error}", path.display());
            Failure::new(FailureKind::Usage, message).hint("keyfob doctor")
        })?;
        Ok(Self { hides_credentials, made: Some(path) })
    }

    pub(super) fn set(&self, command: &mut Command) {
        if self.hides_credentials {
            command.env(CREDENTIALS_FILE, platform::NULL);
        }
        if let Some(path) = &self.made {
            command.env(CONFIG_FILE, path);
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = platform::private_file(path)?;
    file.set_len(0)?;
    file.write_all(text.as_bytes())
}

/// A line, where it stands, and which setting it belongs to.
struct Line<'a> {
    text: &'a str,
    is_default: bool,
    setting: String,
}

impl Line<'_> {
    fn is_one_of(&self, settings: &[&str]) -> bool {
        settings.contains(&self.setting.as_str())
    }
}

/// Reads lines as AWS tools do: a line that is indented goes on with the setting before.
fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut is_default = false;
    let mut setting = String::new();
    text.split_inclusive('\n').map(move |text| {
        let trimmed = text.trim();
        if let Some(section) = trimmed.strip_prefix('[') {
            let name = section.split(']').next().unwrap_or_default().trim();
            let name = name.strip_prefix("profile").map_or(name, str::trim_start);
            is_default = name.trim_matches(['"', '\'']) == "default";
            setting.clear();
        } else if !text.starts_with([' ', '\t']) {
            setting =
                trimmed.split_once('=').map_or(trimmed, |(name, _)| name.trim_end()).to_ascii_lowercase();
        }
        Line { text, is_default, setting: setting.clone() }
    })
}

/// Copies a configuration without credentials of the default profile, and without secrets of any other.
fn copy(config: &str) -> String {
    let is_kept = |line: &Line<'_>| !(line.is_one_of(KEYS) || line.is_default && line.is_one_of(CREDENTIALS));
    lines(config).filter(is_kept).map(|line| line.text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_credentials_of_the_default_profile_are_left_out() {
        let config = "# mine\n[default]\nregion = eu-west-1\nrole_arn = a\nSource_Profile=b\ns3 =\n  max_concurrent_requests = 5\n[profile b]\nrole_arn = c\naws_secret_access_key = hunter2\noutput=json\n";
        let expected = "# mine\n[default]\nregion = eu-west-1\ns3 =\n  max_concurrent_requests = 5\n[profile b]\nrole_arn = c\noutput=json\n";
        assert_eq!(copy(config), expected);
        assert_eq!(copy(expected), expected);
    }

    #[test]
    fn the_default_profile_is_found_however_it_is_written() {
        let is_found = |text: &str| lines(text).any(|line| line.is_default && line.is_one_of(CREDENTIALS));
        for section in
            ["[default]", "[ default ]", "[profile default]", "[profile \"default\"]", "  [default] ; a"]
        {
            assert!(is_found(&format!("{section}\r\ncredential_process = a\r\n")), "{section}");
        }
        assert!(!is_found("[defaults]\nrole_arn = a\n[profile a]\nrole_arn = b\n"));
        assert!(!is_found("[default]\n# role_arn = a\nregion = b\n"));
    }
}
