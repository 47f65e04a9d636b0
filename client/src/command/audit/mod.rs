//! `keyfob audit`: reads the files; the daemon is not asked.

mod chart;
mod cloudevents;
mod list;
mod ocsf;
mod output;
mod summary;

use super::listing::print_json;
use super::print;
use crate::line::{Audit, Export, Outcome, Wanted};
use crate::platform;
use keyfob_audit::{Anchor, Broken, History, Line, Selection, Verified};
use keyfob_shared::wire::{Finding, Severity};
use keyfob_shared::{Failure, FailureKind, environment};
use output::Output;
use serde::Serialize;
use std::path::Path;

/// `keyfob doctor` checks an audit that has fewer bytes; more take longer than somebody waits.
const MAX_CHECKED: u64 = 128 * 1024 * 1024;

pub(super) fn run(arguments: &Audit) -> Result<(), Failure> {
    let directory = environment::state_directory()?;
    if arguments.verify {
        return verify(&directory, arguments.anchor.as_ref(), arguments.json);
    }
    match arguments.export {
        Some(Export::Cloudevents) => events(&directory, &arguments.wanted, &cloudevents::Format::new()),
        Some(Export::Ocsf) => events(&directory, &arguments.wanted, &ocsf::Format::new()),
        None if arguments.summary => summary::run(&directory, &arguments.wanted, arguments.json),
        None if arguments.json => events(&directory, &arguments.wanted, &AsStored),
        None => list::run(&directory, &arguments.wanted),
    }
}

/// A format in which each line is one JSON object.
trait Format {
    fn event<'a>(&'a self, line: &'a Line) -> impl Serialize;
}

struct AsStored;

impl Format for AsStored {
    fn event<'a>(&'a self, line: &'a Line) -> impl Serialize {
        line
    }
}

fn events(directory: &Path, wanted: &Wanted, format: &impl Format) -> Result<(), Failure> {
    let mut output = Output::new();
    read(directory, wanted, |line| output.json(&format.event(&line)))?;
    output.finish()
}

/// Hands the lines that are wanted to a function, oldest first.
fn read(
    directory: &Path,
    wanted: &Wanted,
    each: impl FnMut(Line) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let last = wanted.last.map(std::num::NonZeroU64::get);
    let history = History::open(directory).map_err(|cause| unread(directory, &cause))?;
    let unread_files = history.each(&selection(wanted, platform::now()), last, each)?;
    match unread_files.first() {
        None => Ok(()),
        Some(first) => Err(unread(&first.file, &first.cause)),
    }
}

fn unread(path: &Path, cause: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Usage, format!("read {}: {cause}", path.display()))
        .hint("keyfob audit --verify")
}

fn selection(wanted: &Wanted, now: i64) -> Selection {
    let outcome = |outcome: &Outcome| match outcome {
        Outcome::Served => keyfob_audit::Outcome::Served,
        Outcome::Failed => keyfob_audit::Outcome::Failed,
        Outcome::Refused => keyfob_audit::Outcome::Refused,
    };
    Selection {
        profiles: wanted.profile.clone(),
        programs: wanted.program.clone(),
        requests: wanted.request.clone(),
        outcomes: wanted.outcome.iter().map(outcome).collect(),
        since: wanted.since.map(|moment| moment.start(now)),
        until: wanted.until.map(|moment| moment.end(now)),
    }
}

/// What `--verify --json` prints.
#[derive(Serialize)]
struct InOrder {
    lines: u64,
    torn: u64,
    lost: u64,
    first: u64,
    newest: Option<String>,
}

fn verify(directory: &Path, anchor: Option<&Anchor>, json: bool) -> Result<(), Failure> {
    let verified = keyfob_audit::verify(directory, anchor).map_err(|broken| changed(directory, &broken))?;
    if let Some(anchor) = anchor.filter(|anchor| anchor.seq < verified.first) {
        let message =
            format!("line {} has left the audit, which begins with line {}", anchor.seq, verified.first);
        return Err(Failure::new(FailureKind::Usage, message)
            .hint("keyfob audit --verify, with a newer anchor or none"));
    }
    let Verified { lines, torn, lost, first, newest } = verified;
    let newest = newest.map(|newest| newest.to_string());
    if json {
        return print_json(&InOrder { lines, torn, lost, first, newest });
    }
    let newest = newest.map_or_else(String::new, |newest| format!("newest: {newest}\n"));
    let lost = match lost {
        0 => String::new(),
        _ => {
            format!("{lost} of them tell of others that could not be written: keyfob audit --request lost\n")
        }
    };
    print(&format!("{lines} lines, {torn} torn by a crash, none changed\n{lost}{newest}"))
}

fn changed(directory: &Path, broken: &Broken) -> Failure {
    Failure::new(FailureKind::Refused, format!("the audit was changed: {broken}"))
        .hint(format!("compare {} with a copy", directory.display()))
}

/// Answers what `keyfob doctor` has to say of the audit.
pub(super) fn finding() -> Option<Finding> {
    let directory = environment::state_directory().ok()?;
    if History::open(&directory).ok()?.bytes() > MAX_CHECKED {
        return None;
    }
    let broken = keyfob_audit::verify(&directory, None).err()?;
    Some(Finding {
        severity: Severity::Warning,
        subject: "audit".into(),
        message: format!("it was changed: {broken}"),
        hint: Some(format!("compare {} with a copy; keyfob audit --verify", directory.display())),
    })
}
