//! Each finding of `keyfob doctor` is produced for real, and is gone when what it says was done.

mod agent;
mod aws_files;
mod bundle;
mod environment;
mod network;
mod places;

use keyfob_tests::{Run, World};
use serde_json::Value;

/// One finding.
#[derive(Debug)]
struct Found {
    severity: String,
    message: String,
    hint: String,
}

fn read(run: &Run) -> Vec<Value> {
    let found: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    found.as_array().unwrap().clone()
}

/// Asks the doctor for findings of a subject whose message has a text.
fn find(world: &World, subject: &str, text: &str) -> Option<Found> {
    pick(&world.keyfob(&["doctor", "--json"]), subject, text)
}

fn pick(run: &Run, subject: &str, text: &str) -> Option<Found> {
    let word = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let mut found = read(run).into_iter().filter(|finding| word(finding, "subject") == subject);
    let found = found.find(|finding| word(finding, "message").contains(text))?;
    Some(Found {
        severity: word(&found, "severity"),
        message: word(&found, "message"),
        hint: word(&found, "hint"),
    })
}

/// The same, where it has to be there.
#[track_caller]
fn found(world: &World, subject: &str, text: &str) -> Found {
    find(world, subject, text)
        .unwrap_or_else(|| panic!("{subject}: {text} is not found: {}", world.keyfob(&["doctor"]).stdout))
}

#[track_caller]
fn gone(world: &World, subject: &str, text: &str) {
    let left = find(world, subject, text);
    assert!(left.is_none(), "{subject}: {left:?}");
}

/// Does what a hint says, in a shell that has `keyfob`.
fn shell(world: &World, line: &str) -> Run {
    let bin = world.program("keyfob").parent().unwrap().to_owned();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = world.command("sh");
    let told = world.environment.get("PATH").map(|path| path.to_string_lossy().into_owned());
    command.args(["-c", line]).env("PATH", format!("{}:{}", bin.display(), told.unwrap_or(path)));
    Run::from(command.output().unwrap())
}
