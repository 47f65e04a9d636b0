//! Profiles of AWS tools that ask keyfob: whether they do, and for something that there is.

use super::finding;
use super::settings::{self, Section, words};
use crate::aws_files;
use keyfob_shared::wire::{Finding, ProfileView, Severity};
use std::path::{Path, PathBuf};

/// A key that does not renew. In the credentials file the AWS CLI takes it before `credential_process`; in the
/// configuration other SDKs do.
const KEYS: &[&str] = &["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];
/// What AWS tools look at before `credential_process` of the same profile.
const BEFORE: &[&str] = &[
    "role_arn",
    "source_profile",
    "credential_source",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "login_session",
];
const CHOSEN: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// A profile of AWS tools whose credentials come from here.
struct Ours {
    program: String,
    /// The profile of keyfob.
    asked: String,
}

/// Finds what keeps AWS tools from asking keyfob; `known` are its profiles, if the daemon told them.
pub(super) fn findings(known: Option<&[ProfileView]>) -> Vec<Finding> {
    let (config, credentials) = (aws_files::config(), aws_files::credentials());
    let in_config = settings::read(&config);
    let in_credentials = settings::read(&credentials);
    let mut found = Vec::new();
    for section in &in_config {
        let Some(name) = section.profile() else { continue };
        let Some(ours) = ours(section) else { continue };
        let subject = format!("AWS profile {name}");
        let place = Place { subject: &subject, header: &section.header, file: &config };
        found.extend(place.wins(
            section,
            KEYS,
            Severity::Error,
            "some AWS tools take its key, which does not renew,",
        ));
        found.extend(place.wins(
            section,
            BEFORE,
            Severity::Error,
            "AWS tools assume a role or sign in themselves",
        ));
        for section in in_credentials.iter().filter(|section| section.header == name) {
            let place = Place { subject: &subject, header: name, file: &credentials };
            found.extend(place.wins(
                section,
                KEYS,
                Severity::Error,
                "AWS tools take its key, which does not renew,",
            ));
            found.extend(place.wins(
                section,
                BEFORE,
                Severity::Error,
                "AWS tools assume a role or sign in themselves",
            ));
        }
        found.extend(program(&subject, &ours, &config));
        found.extend(known.and_then(|known| absent(&subject, &ours, known)));
    }
    found.extend(chosen(&in_config, &in_credentials));
    found
}

/// Answers what a profile asks of keyfob; `None` if it asks another program.
fn ours(section: &Section) -> Option<Ours> {
    let words = words(section.get("credential_process")?);
    let [program, rest @ ..] = words.as_slice() else { return None };
    // A Windows path has its own separator, and means something in a file that WSL shares too.
    let file = program.rsplit(['/', '\\']).next().unwrap_or_default();
    if !matches!(file, "keyfob" | "keyfob.exe") {
        return None;
    }
    let [verb, asked, ..] = rest else { return None };
    (verb == "get").then(|| Ours { program: program.clone(), asked: asked.clone() })
}

/// Where a setting stands.
struct Place<'a> {
    subject: &'a str,
    header: &'a str,
    file: &'a Path,
}

impl Place<'_> {
    fn wins(&self, section: &Section, names: &[&str], severity: Severity, what: &str) -> Option<Finding> {
        let names = section.those_of(names);
        if names.is_empty() {
            return None;
        }
        let (names, file) = (names.join(", "), self.file.display());
        let message = format!("{what} instead of asking keyfob: {names} in {file}");
        let hint = format!("remove {names} from [{}] in {file}", self.header);
        Some(finding(severity, self.subject, message, hint))
    }
}

fn program(subject: &str, ours: &Ours, config: &Path) -> Option<Finding> {
    if is_there(&ours.program) {
        return None;
    }
    let own = std::env::current_exe().map_or_else(|_| "keyfob".into(), |own| own.display().to_string());
    let own = if own.contains(' ') { format!("\"{own}\"") } else { own };
    let message = format!("its credential_process runs {}, which is not there", ours.program);
    let hint = format!("set credential_process = {own} get {} in {}", ours.asked, config.display());
    Some(finding(Severity::Error, subject, message, hint))
}

/// Answers whether a program would be found: by its path, or in the directories of `PATH`.
fn is_there(program: &str) -> bool {
    if program.contains(['/', '\\']) {
        return Path::new(program).is_file();
    }
    let directories = std::env::var_os("PATH").unwrap_or_default();
    let names = [program.to_owned(), format!("{program}.exe")];
    let found = |directory: PathBuf| names.iter().any(|name| directory.join(name).is_file());
    std::env::split_paths(&directories).any(found)
}

fn absent(subject: &str, ours: &Ours, known: &[ProfileView]) -> Option<Finding> {
    if known.iter().any(|view| view.name.as_str() == ours.asked) {
        return None;
    }
    let message = format!("it asks for profile {}, which keyfob does not have", ours.asked);
    let hint = format!(
        "add [profile.{}] to the configuration, or correct the name: keyfob profile list",
        ours.asked
    );
    Some(finding(Severity::Error, subject, message, hint))
}

/// Finds a variable that chooses a profile which is not there, or does not ask keyfob.
fn chosen(in_config: &[Section], in_credentials: &[Section]) -> Vec<Finding> {
    let mut found = Vec::new();
    for variable in CHOSEN {
        let Some(name) = std::env::var(variable).ok().filter(|name| !name.is_empty()) else { continue };
        let section = in_config.iter().find(|section| section.profile() == Some(&name));
        let is_elsewhere = in_credentials.iter().any(|section| section.header == name);
        match section {
            Some(section) if ours(section).is_some() => {}
            Some(_) => found.push(finding(
                Severity::Warning,
                variable,
                format!("it chooses the AWS profile {name:?}, which does not ask keyfob"),
                format!("keyfob import --profile {name} shows what would change, or: unset {variable}"),
            )),
            None if is_elsewhere => found.push(finding(
                Severity::Warning,
                variable,
                format!("it chooses the AWS profile {name:?}, whose key does not renew"),
                format!("keyfob import --profile {name} shows what would change, or: unset {variable}"),
            )),
            None => found.push(finding(
                Severity::Warning,
                variable,
                format!("it chooses the AWS profile {name:?}, which is not there"),
                format!("unset {variable}"),
            )),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_ours_if_it_runs_keyfob_get() {
        let asked = |command: &str| {
            let settings = vec![("credential_process".to_owned(), command.to_owned())];
            ours(&Section { header: "profile p".into(), settings }).map(|ours| ours.asked)
        };
        assert_eq!(asked("keyfob get prod").as_deref(), Some("prod"));
        assert_eq!(asked("\"/opt/my tools/keyfob\" get 'prod'").as_deref(), Some("prod"));
        assert_eq!(asked("\"C:\\Program Files\\keyfob.exe\" get prod").as_deref(), Some("prod"));
        for other in ["other get prod", "keyfob env prod", "keyfob get", "/x/keyfobber get prod", ""] {
            assert_eq!(asked(other), None, "{other}");
        }
    }
}
