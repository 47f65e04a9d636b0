//! Looks at new AWS files before anybody else does.

use crate::document::{Document, Kind};
use crate::edit;
use crate::meaning::Files;
use crate::plan::{Made, unreadable};
use crate::view::View;
use keyfob_shared::{Failure, FailureKind};
use std::collections::BTreeSet;

/// Looks at the new texts as AWS tools will: what was handed over is, and everything else means what it meant.
pub(crate) fn check(files: &Files<'_>, made: &Made) -> Result<(), Failure> {
    let config = Document::new(Kind::Config, &made.aws_config);
    let credentials = Document::new(Kind::Credentials, &made.credentials);
    let after = View::new(&config, &credentials).map_err(|what| unreadable(&what))?;
    let all = [&files.config, &files.credentials];
    let keys: BTreeSet<&str> = all
        .iter()
        .flat_map(|document| &document.sections)
        .flat_map(|section| &section.settings)
        .map(|setting| setting.key.as_str())
        .chain(["credential_process"])
        .collect();
    for name in files.view.names.iter().filter(|name| !files.is_ambiguous(name)) {
        let is_changed = made.profiles.contains(name);
        let command = edit::command(name);
        let is_wrong = |key: &&str| {
            let expected = match (is_changed && edit::SETTINGS.contains(key), *key) {
                (true, "credential_process") => Some(command.as_str()),
                (true, _) => None,
                (false, key) => files.view.raw(name, key),
            };
            after.raw(name, key) != expected
        };
        if let Some(key) = keys.iter().find(|key| is_wrong(key)) {
            let message = format!("translate profile {name}: its setting {key} does not come out right");
            return Err(Failure::new(FailureKind::Usage, message).hint("keyfob import --profile OTHER"));
        }
    }
    Ok(())
}
