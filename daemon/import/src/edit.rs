//! Takes the settings of credentials out of AWS files, and names keyfob instead.

use crate::document::{Document, Kind, Section, is_blank, is_comment};

/// Settings that say where credentials come from.
pub(crate) const SETTINGS: &[&str] = &[
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
    "aws_account_id",
    "credential_process",
    "credential_source",
    "duration_seconds",
    "external_id",
    "login_session",
    "mfa_serial",
    "role_arn",
    "role_session_name",
    "source_profile",
    "sso_account_id",
    "sso_region",
    "sso_registration_scopes",
    "sso_role_name",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
];

/// Answers what a profile's `credential_process` is from now on.
pub(crate) fn command(profile: &str) -> String {
    format!("keyfob get {profile}")
}

/// Writes a file anew, with some of its profiles handed over.
pub(crate) fn edit(document: &Document<'_>, profiles: &[&str]) -> String {
    let mut lines: Vec<String> = document.lines.iter().map(|&line| line.to_owned()).collect();
    let mut named: Vec<&str> = Vec::new();
    for section in &document.sections {
        let Some(profile) = profiles.iter().find(|name| document.profile(section) == Some(**name)) else {
            continue;
        };
        let gone = take_out(document, section, &mut lines);
        match document.kind {
            Kind::Config if !named.contains(profile) => {
                named.push(profile);
                let line = format!("credential_process = {}{}", command(profile), document.line_end());
                match gone {
                    Some(first) => lines[first].insert_str(0, &line),
                    None => {
                        end_line(&mut lines[section.header], document.line_end());
                        lines[section.header].push_str(&line);
                    }
                }
            }
            Kind::Config => {}
            Kind::Credentials if gone.is_some() => remove_if_empty(document, section, &mut lines),
            Kind::Credentials => {}
        }
    }
    let mut text = lines.concat();
    if document.kind == Kind::Config {
        for profile in profiles.iter().filter(|name| !named.contains(name)) {
            append(&mut text, profile, document.line_end());
        }
    }
    text
}

/// Takes settings out, and answers the line of the first.
fn take_out(document: &Document<'_>, section: &Section, lines: &mut [String]) -> Option<usize> {
    let mut first = None;
    for setting in section.settings.iter().filter(|setting| SETTINGS.contains(&setting.key.as_str())) {
        first = first.or(setting.lines.first().copied());
        for &at in &setting.lines {
            // An indented comment would go on with whatever stands before it now.
            let comment = document.lines[at].trim_start_matches([' ', '\t']);
            lines[at] = if is_comment(comment) { comment.to_owned() } else { String::new() };
        }
    }
    first
}

/// Removes a section that has nothing left, up to where the next one begins.
fn remove_if_empty(document: &Document<'_>, section: &Section, lines: &mut [String]) {
    let has_settings = section.settings.iter().any(|one| !SETTINGS.contains(&one.key.as_str()));
    let last = *section.settings.iter().flat_map(|setting| &setting.lines).max().unwrap_or(&section.header);
    let has_comments = lines[section.header + 1..=last].iter().any(|line| is_comment(line));
    if has_settings || has_comments || section.header_has_comment(&document.lines) {
        return;
    }
    lines[section.header..=last].iter_mut().for_each(String::clear);
    for line in lines[last + 1..section.end].iter_mut().take_while(|line| is_blank(line)) {
        line.clear();
    }
}

fn append(text: &mut String, profile: &str, end: &str) {
    if !text.is_empty() {
        if !text.ends_with('\n') {
            text.push_str(end);
        }
        text.push_str(end);
    }
    let header = if profile == "default" { "[default]".to_owned() } else { format!("[profile {profile}]") };
    text.push_str(&format!("{header}{end}credential_process = {}{end}", command(profile)));
}

fn end_line(line: &mut String, end: &str) {
    if !line.ends_with('\n') {
        line.push_str(end);
    }
}
