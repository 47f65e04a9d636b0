//! `keyfob key`: a secret never comes from the command line, which other processes can read.

use super::{listing, name, print, talk};
use crate::line::{Key, KeyAdd};
use crate::{aws_files, prompt, table};
use keyfob_shared::wire::{KeyView, Reply, Request};
use keyfob_shared::{Failure, FailureKind};

pub(super) fn run(arguments: Key) -> Result<(), Failure> {
    match arguments {
        Key::Add(arguments) => add(arguments),
        Key::List { json } => list(json),
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

fn list(json: bool) -> Result<(), Failure> {
    let keys = listing::pages(&Request::KeyList, |reply| match reply {
        Reply::Keys { keys, more } => Some((keys, more)),
        _ => None,
    })?;
    if json {
        return listing::print_json(&keys);
    }
    let heading = ["IDENTITY", "ACCESS KEY"].map(str::to_owned).to_vec();
    let row = |key: &KeyView| vec![key.identity.to_string(), key.access_key_id.clone()];
    print(&table::columns(&std::iter::once(heading).chain(keys.iter().map(row)).collect::<Vec<_>>()))
}
