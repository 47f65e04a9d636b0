//! What the two files mean together: the SDK's own parser decides.

use crate::document::Document;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_runtime::env_config::property::PropertiesKey;
use aws_runtime::env_config::section::EnvConfigSections;
use aws_runtime::env_config::source;
use aws_types::os_shim_internal::{Env, Fs};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The profiles of both files, merged.
pub(crate) struct View {
    sections: EnvConfigSections,
    /// In the order of the files, `config` first.
    pub(crate) names: Vec<String>,
}

impl View {
    /// Reads both files.
    ///
    /// # Errors
    /// Where the SDK refuses a file. The text is never quoted.
    pub(crate) fn new(config: &Document<'_>, credentials: &Document<'_>) -> Result<Self, String> {
        let (config_text, credentials_text) = (config.lines.concat(), credentials.lines.concat());
        // One by one first: an error of both does not say of which.
        parse(EnvConfigFileKind::Config, &config_text, "")
            .map_err(|what| format!("the config file: {what}"))?;
        parse(EnvConfigFileKind::Credentials, "", &credentials_text)
            .map_err(|what| format!("the credentials file: {what}"))?;
        let sections = parse(EnvConfigFileKind::Config, &config_text, &credentials_text)?;
        let mut names: Vec<String> = Vec::new();
        for document in [config, credentials] {
            for name in document.sections.iter().filter_map(|section| document.profile(section)) {
                if sections.get_profile(name).is_some() && !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
        }
        Ok(Self { sections, names })
    }

    /// Answers whether AWS tools know a profile.
    pub(crate) fn has(&self, profile: &str) -> bool {
        self.sections.get_profile(profile).is_some()
    }

    /// Answers a setting of a profile; an empty one is none.
    pub(crate) fn get(&self, profile: &str, key: &str) -> Option<String> {
        plain(self.sections.get_profile(profile)?.get(key)?)
    }

    /// Answers a setting as the SDK has it.
    pub(crate) fn raw(&self, profile: &str, key: &str) -> Option<&str> {
        self.sections.get_profile(profile)?.get(key)
    }

    /// Answers a setting of a `[sso-session …]` section.
    pub(crate) fn sso_session(&self, name: &str, key: &str) -> Option<String> {
        plain(self.sections.sso_session(name)?.get(key)?)
    }

    /// Answers the address that a profile sends STS calls to, where it is not the regional one of AWS.
    pub(crate) fn sts_endpoint(&self, profile: &str) -> Option<String> {
        let is_off = self.get(profile, "ignore_configured_endpoint_urls");
        if is_off.is_some_and(|off| off.eq_ignore_ascii_case("true")) {
            return None;
        }
        let of_service = || {
            let services = self.get(profile, "services")?;
            let key = PropertiesKey::builder()
                .section_key("services")
                .section_name(services)
                .property_name("sts")
                .sub_property_name("endpoint_url");
            plain(self.sections.other_sections().get(&key.build().ok()?)?)
        };
        of_service().or_else(|| self.get(profile, "endpoint_url"))
    }
}

/// Takes comments out of the lines that go on with a value: the AWS CLI does not see them, the SDK does.
fn plain(value: &str) -> Option<String> {
    let is_comment = |line: &&str| line.starts_with(['#', ';']);
    let lines: Vec<&str> = value.split('\n').filter(|line| !is_comment(line)).collect();
    Some(lines.join("\n")).filter(|value| !value.is_empty())
}

fn parse(kind: EnvConfigFileKind, config: &str, credentials: &str) -> Result<EnvConfigSections, String> {
    let files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, config)
        .with_contents(EnvConfigFileKind::Credentials, credentials)
        .build();
    let (env, fs) = (Env::from_slice(&[]), Fs::from_slice(&[]));
    // Texts that are there already are not waited for.
    let loading = pin!(source::load(&env, &fs, &files));
    let Poll::Ready(source) = loading.poll(&mut Context::from_waker(Waker::noop())) else {
        return Err("it was not read at once".into());
    };
    let source = source.map_err(|_| format!("{kind:?} was not read"))?;
    EnvConfigSections::parse(source).map_err(|wrong| place(&wrong.to_string()))
}

/// The parser speaks of a file that it does not know, over two lines.
fn place(message: &str) -> String {
    let (_, place) = message.split_once(" on line ").unwrap_or(("", message));
    let (line, what) = place.split_once(':').unwrap_or(("1", place));
    format!("line {line}: {}", what.trim().to_ascii_lowercase())
}
