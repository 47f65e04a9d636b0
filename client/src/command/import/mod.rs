//! `keyfob import`: shows what would change, does it, takes it back.
//!
//! What is to be done is worked out by `keyfobd import-plan`, which has the SDK's parser; here it is shown and done.

mod diff;
mod journal;
mod replace;
mod undo;
mod write;

use super::{print, unexpected};
use crate::line::Import as Arguments;
use crate::{aws_files, platform, report, start};
use keyfob_shared::import::{Change, Import, MAX_AWS_FILE, NoteKind};
use keyfob_shared::{Failure, FailureKind, environment};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use zeroize::Zeroizing;

/// Longer than every plan: each text before and after, with all its signs escaped.
const MAX_PLAN: usize = 48 * MAX_AWS_FILE;

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.undo {
        return undo::run();
    }
    let places = Places::new(arguments)?;
    let import = plan(&places, &arguments.profile)?;
    let text = format!("{}{}", shown(&places, &import), notes(&import));
    let changes = places.changes(&import).iter().any(|(_, change)| !change.is_none());
    match (changes, arguments.write) {
        (false, _) => print(&format!("{text}nothing to import\n")),
        (true, false) => {
            let count = match import.profiles.len() {
                1 => "1 profile".to_owned(),
                count => format!("{count} profiles"),
            };
            print(&format!("{text}nothing is written yet: `keyfob import --write` hands {count} over\n"))
        }
        (true, true) => {
            print(&text)?;
            warn_without_program();
            write::run(&places, &import)
        }
    }
}

/// The three files.
pub(super) struct Places {
    config: PathBuf,
    aws_config: PathBuf,
    credentials: PathBuf,
}

impl Places {
    fn new(arguments: &Arguments) -> Result<Self, Failure> {
        let absolute = |path: PathBuf| {
            std::path::absolute(path).map_err(|error| {
                Failure::new(FailureKind::Usage, format!("find the AWS files: {error}"))
                    .hint("keyfob import --help")
            })
        };
        let places = Self {
            config: environment::config_file()?,
            aws_config: absolute(arguments.config.clone().unwrap_or_else(aws_files::config))?,
            credentials: absolute(arguments.credentials.clone().unwrap_or_else(aws_files::credentials))?,
        };
        if replace::real(&places.aws_config) == replace::real(&places.credentials) {
            let message = format!("{} is both files of AWS", places.aws_config.display());
            return Err(Failure::new(FailureKind::Usage, message).hint("keyfob import --help"));
        }
        Ok(places)
    }

    /// Answers files and what happens to them, in the order in which they are written.
    ///
    /// As long as the credentials file has a key, it counts: it comes last.
    pub(super) fn changes<'a>(&'a self, import: &'a Import) -> [(&'a Path, &'a Change); 3] {
        [
            (&self.config, &import.config),
            (&self.aws_config, &import.aws_config),
            (&self.credentials, &import.credentials),
        ]
    }
}

/// Asks the daemon's program, which need not run for it.
fn plan(places: &Places, profiles: &[String]) -> Result<Import, Failure> {
    let wrong = |cause: &str| {
        Failure::new(FailureKind::Unreachable, format!("read the AWS files: {cause}"))
            .hint("install keyfob and keyfobd again, side by side")
    };
    let mut command = platform::helper(&start::daemon()?);
    command.arg("import-plan").args([&places.config, &places.aws_config, &places.credentials]);
    command.args(profiles).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| wrong(&error.to_string()))?;
    // Of its full length from the start, so that the text never moves and leaves a copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_PLAN));
    let stdout = child.stdout.take().ok_or_else(unexpected)?;
    let read = stdout.take(MAX_PLAN as u64).read_to_end(&mut text);
    let status = child.wait().map_err(|error| wrong(&error.to_string()))?;
    read.map_err(|error| wrong(&error.to_string()))?;
    let result: Result<Import, Failure> =
        serde_json::from_slice(&text).map_err(|_| wrong(&format!("keyfobd ended with {status}")))?;
    result
}

/// Shows the differences, without secrets.
fn shown(places: &Places, import: &Import) -> String {
    let changes = places.changes(import);
    let texts: Vec<&str> =
        changes.iter().flat_map(|(_, change)| [change.old(), change.after.expose()]).collect();
    let mask = diff::Mask::new(&texts);
    changes.iter().map(|(path, change)| mask.diff(path, change.old(), change.after.expose())).collect()
}

fn notes(import: &Import) -> String {
    let mut text = String::new();
    for note in &import.notes {
        let kind = match note.kind {
            NoteKind::LeftAlone => "left alone",
            NoteKind::Note => "note",
        };
        let line = report::clean(&format!("{kind}: {}: {}", note.subject, note.message));
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// AWS tools start `keyfob` by its name.
fn warn_without_program() {
    let own = std::env::current_exe().unwrap_or_default();
    let name = own.file_name().unwrap_or_default();
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|directory| directory.join(name).is_file()) {
        report::say("keyfob: no directory of PATH has keyfob: AWS tools will not find it\n");
        report::say(&format!("hint: ln -s {} ~/.local/bin/\n", own.display()));
    }
}
