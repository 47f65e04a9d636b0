//! One line each for what a person should know.

use crate::document::Kind;
use crate::edit;
use crate::meaning::Files;
use keyfob_shared::import::{Note, NoteKind};

/// Profiles, and what is to be said about each.
pub(crate) type Lines = Vec<(String, String)>;

/// Puts notes into the order of the files.
pub(crate) fn notes(files: &Files<'_>, left: Lines, notes: Lines) -> Vec<Note> {
    let left = left.into_iter().map(|(name, why)| (name, NoteKind::LeftAlone, why));
    let notes = notes.into_iter().map(|(name, what)| (name, NoteKind::Note, what));
    let told: Vec<_> = left.chain(notes).collect();
    let mut notes = Vec::new();
    for name in &files.view.names {
        let of_it = told.iter().filter(|(subject, _, _)| subject == name);
        notes.extend(of_it.map(|(_, kind, message)| Note {
            subject: format!("profile {name}"),
            kind: *kind,
            message: message.clone(),
        }));
    }
    notes
}

/// Tells of sections with credentials that the SDKs pass over.
pub(crate) fn unread(files: &Files<'_>) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    for document in [&files.config, &files.credentials] {
        for section in &document.sections {
            let is_read = document.profile(section).is_some_and(|name| files.view.has(name));
            let is_other = section.name.starts_with("sso-session") || section.name.starts_with("services");
            let has_credentials =
                section.settings.iter().any(|one| edit::SETTINGS.contains(&one.key.as_str()));
            if is_read || is_other || !has_credentials {
                continue;
            }
            let message = match (document.kind, section.name.starts_with("profile")) {
                (Kind::Config, true) => {
                    "the SDKs pass over a name with other signs than letters, digits and -_./%@:+"
                }
                (Kind::Config, false) => {
                    "AWS tools pass over it: profiles of this file are named [profile NAME]"
                }
                (Kind::Credentials, _) => {
                    "the SDKs pass over it: profiles of this file are named [NAME], in letters, digits and -_./%@:+"
                }
            };
            let subject = format!("section [{}]", section.name);
            notes.push(Note { subject, kind: NoteKind::LeftAlone, message: message.into() });
        }
    }
    notes
}
