//! Lists: profiles, findings.

use super::{name, print, unexpected};
use crate::{prompt, start, table};
use keyfob_shared::wire::{Finding, ProfileView, Reply, Request, Severity};
use keyfob_shared::{Failure, FailureKind, ProfileName};
use serde::Serialize;

/// Answers profiles as they are configured.
pub(super) fn views(profile: Option<&ProfileName>) -> Result<Vec<ProfileView>, Failure> {
    let request = Request::Profiles { name: profile.cloned() };
    pages(&request, |reply| match reply {
        Reply::Profiles { profiles, more } => Some((profiles, more)),
        _ => None,
    })
}

/// Collects all pages of a listing.
pub(super) fn pages<T>(
    request: &Request,
    mut page: impl FnMut(Reply) -> Option<(Vec<T>, bool)>,
) -> Result<Vec<T>, Failure> {
    let (mut connection, mut reply) = start::ask(request)?;
    let mut items = Vec::new();
    loop {
        if let Reply::Failed(failure) = reply {
            return Err(failure);
        }
        if let Reply::Prompt(note) = &reply {
            prompt::ask(note);
            reply = connection.next().map_err(|error| start::unreachable(&error))?;
            continue;
        }
        let (more_items, more) = page(reply).ok_or_else(unexpected)?;
        items.extend(more_items);
        if !more {
            return Ok(items);
        }
        reply = connection.next().map_err(|error| start::unreachable(&error))?;
    }
}

pub(super) fn profiles(profile: Option<&str>, json: bool) -> Result<(), Failure> {
    let profile = profile.map(name::<ProfileName>).transpose()?;
    let views = views(profile.as_ref())?;
    if json {
        return print_json(&views);
    }
    if profile.is_none() {
        let heading = ["PROFILE", "IDENTITY", "REGION", "LAST HOP"].map(str::to_owned).to_vec();
        let row = |view: &ProfileView| {
            let region = view.region.clone().unwrap_or_else(|| "-".into());
            let hop = view.hops.last().cloned().unwrap_or_default();
            vec![view.name.to_string(), identity(view), region, hop]
        };
        let rows: Vec<_> = std::iter::once(heading).chain(views.iter().map(row)).collect();
        return print(&table::columns(&rows));
    }
    let view = views.first().ok_or_else(unexpected)?;
    let mut rows = vec![
        vec!["profile".into(), view.name.to_string()],
        vec!["identity".into(), identity(view)],
        vec!["region".into(), view.region.clone().unwrap_or_else(|| "-".into())],
    ];
    rows.extend(view.hops.iter().enumerate().map(|(at, hop)| vec![format!("hop {}", at + 1), hop.clone()]));
    print(&table::columns(&rows))
}

fn identity(view: &ProfileView) -> String {
    view.identity.as_ref().map_or_else(|| "-".into(), ToString::to_string)
}

/// Prints what the daemon finds; an error among it is a failure.
pub(super) fn findings(request: &Request, json: bool) -> Result<(), Failure> {
    show(&found(request)?, json)
}

/// Answers what the daemon finds.
pub(super) fn found(request: &Request) -> Result<Vec<Finding>, Failure> {
    pages(request, |reply| match reply {
        Reply::Findings { findings, more } => Some((findings, more)),
        _ => None,
    })
}

/// Prints findings; an error among them is a failure.
pub(super) fn show(findings: &[Finding], json: bool) -> Result<(), Failure> {
    if json {
        print_json(findings)?;
    } else if findings.is_empty() {
        print("nothing to mend\n")?;
    } else {
        print(&findings.iter().map(describe).collect::<String>())?;
    }
    let message = match findings.iter().filter(|finding| finding.severity == Severity::Error).count() {
        0 => return Ok(()),
        1 => "there is something to mend".to_owned(),
        count => format!("there are {count} things to mend"),
    };
    Err(Failure::new(FailureKind::Usage, message).hint("do what the hints of the errors above say"))
}

fn describe(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let text = format!("{severity}: {}: {}", finding.subject, finding.message);
    let hint = finding
        .hint
        .as_ref()
        .map_or_else(String::new, |hint| format!("\n  hint: {}", crate::report::clean(hint)));
    format!("{}{hint}\n", crate::report::clean(&text))
}

pub(super) fn print_json<T: Serialize + ?Sized>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|_| unexpected())?;
    print(&format!("{}\n", escaped(text)))
}

/// JSON escapes the control characters of ASCII in its strings; those behind them move the cursor of some terminals as
/// well.
pub(super) fn escaped(json: String) -> String {
    let is_raw = |letter: char| letter.is_control() && letter != '\n';
    if !json.contains(is_raw) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() + 64);
    for letter in json.chars() {
        if is_raw(letter) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_is_printed_and_the_text_stays_the_same() {
        let text = "a\u{1b}[31m\n\u{7f}\u{9b}ü";
        let json = escaped(serde_json::to_string_pretty(&[text]).unwrap());
        assert!(!json.contains(|letter: char| letter.is_control() && letter != '\n'), "{json:?}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [text]);
    }
}
