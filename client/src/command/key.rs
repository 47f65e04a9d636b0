//! `keyfob key`: a secret never comes from the command line, which other processes can read.

use super::{listing, name, print, talk};
use crate::line::{Key, KeyAdd, Rotate};
use crate::{aws_files, prompt, table};
use keyfob_shared::wire::{KeyView, Reply, Request, RotateStep};
use keyfob_shared::{Failure, FailureKind};

pub(super) fn run(arguments: Key) -> Result<(), Failure> {
    match arguments {
        Key::Add(arguments) => add(arguments),
        Key::List { json } => list(json),
        Key::Rotate(arguments) => rotate(&arguments),
        Key::Remove { identity } => talk(&Request::KeyRemove { identity: name(&identity)? }),
    }
}

fn add(arguments: KeyAdd) -> Result<(), Failure> {
    let identity = name(&arguments.identity)?;
    if let Some(aws_profile) = arguments.import {
        let file = std::path::absolute(arguments.file.unwrap_or_else(aws_files::credentials));
        let file = file.map_err(|error| {
            Failure::new(FailureKind::Usage, format!("find the credentials file: {error}"))
                .hint("keyfob key add --help")
        })?;
        let file = file.to_string_lossy().into_owned();
        return talk(&Request::KeyImport { identity, aws_profile, file });
    }
    let hinted = |failure: Failure| failure.hint(format!("keyfob key add {identity}"));
    let access_key_id = match arguments.access_key_id {
        Some(access_key_id) => access_key_id,
        None => prompt::text("access key id").map_err(hinted)?.expose().trim().to_owned(),
    };
    let secret_access_key = prompt::secret("secret access key").map_err(hinted)?;
    talk(&Request::KeyAdd { identity, access_key_id, secret_access_key })
}

fn rotate(arguments: &Rotate) -> Result<(), Failure> {
    let step = match (arguments.pause, arguments.rollback) {
        (true, _) => RotateStep::Pause,
        (_, true) => RotateStep::Rollback,
        _ => RotateStep::GoOn { now: arguments.now },
    };
    talk(&Request::KeyRotate { identity: name(&arguments.identity)?, step })
}

fn list(json: bool) -> Result<(), Failure> {
    let mut keys = listing::pages(&Request::KeyList, |reply| match reply {
        Reply::Keys { keys, more } => Some((keys, more)),
        _ => None,
    })?;
    warn_of_clear_text(&mut keys);
    if json {
        return listing::print_json(&keys);
    }
    let heading =
        ["IDENTITY", "ACCESS KEY", "STATE", "MADE", "LAST USED", "ROTATION"].map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(heading).chain(keys.iter().map(row)).collect();
    let warnings = keys.iter().flat_map(|key| {
        let warn = move |warning: &String| {
            let text = format!("warning: {} of identity {}: {warning}", key.access_key_id, key.identity);
            format!("{}\n", crate::report::clean(&text))
        };
        key.warnings.iter().map(warn)
    });
    print(&format!("{}{}", table::columns(&rows), warnings.collect::<String>()))
}

fn row(key: &KeyView) -> Vec<String> {
    let day = |moment: keyfob_shared::Timestamp| moment.to_string().chars().take(10).collect::<String>();
    let used = key.last_used.as_ref();
    vec![
        key.identity.to_string(),
        key.access_key_id.clone(),
        key.state.clone(),
        key.created.map_or_else(|| "-".into(), day),
        used.map_or_else(|| "-".into(), |used| format!("{} {} {}", day(used.at), used.service, used.region)),
        key.rotation.clone().unwrap_or_else(|| "-".into()),
    ]
}

/// Adds a warning to keys that also lie in a file which every program of the user can read.
fn warn_of_clear_text(keys: &mut [KeyView]) {
    let file = aws_files::credentials();
    let Ok(text) = std::fs::read_to_string(&file) else { return };
    let text = keyfob_shared::Secret::new(text);
    for key in keys.iter_mut().filter(|key| text.expose().contains(&key.access_key_id)) {
        key.warnings.push(format!("it also lies in clear in {}: keyfob import --write", file.display()));
    }
}
