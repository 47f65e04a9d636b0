//! The chores of the project, run as `cargo xtask COMMAND`.
//!
//! One file per command, one row per command in the table below. Nothing here is part of what users get.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "chores talk to people")]

mod check;
mod check_targets;
mod deb;
mod dependencies;
#[cfg(test)]
mod formats;
mod install;
mod licence;
// The command line of the client, which the manual is written from.
#[path = "../../../client/src/line.rs"]
#[allow(dead_code, unused_imports, reason = "only the definitions are of use here, not what was typed")]
mod line;
mod manual;
mod measure;
#[path = "../../../client/src/moment.rs"]
#[allow(dead_code, reason = "a part of the command line")]
mod moment;
mod parts;
mod static_client;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

/// A command: its name, what it does in a line, and the function that does it.
struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> ExitCode,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "try",
        about: "Run the main job on an emulated AWS for half a minute, and clean up",
        run: measure::demonstrate,
    },
    Command {
        name: "bench",
        about: "Measure speed and size beside their floors; parts: process, load, daemon, scale, status",
        run: measure::bench,
    },
    Command {
        name: "check",
        about: "Formatting, lints, documentation, tidiness, dependencies and licences",
        run: check::run,
    },
    Command {
        name: "check-targets",
        about: "Type-check for Windows and macOS; arguments name targets",
        run: check_targets::run,
    },
    Command {
        name: "deb",
        about: "Make the Debian package; --from DIR takes programs that are built",
        run: deb::run,
    },
    Command {
        name: "install",
        about: "Build and install programs, manual, completions and service; --prefix DIR, --from DIR, --no-service",
        run: install::install,
    },
    Command {
        name: "uninstall",
        about: "Remove what `install` has installed; --prefix DIR",
        run: install::uninstall,
    },
    Command {
        name: "manual",
        about: "Write the manual, a page for each command, into a directory",
        run: manual::run,
    },
    Command {
        name: "static-client",
        about: "Build a client that needs nothing around it, for containers and other hosts",
        run: static_client::run,
    },
    Command {
        name: "test",
        about: "Install what the tests need and run them all; arguments go to `cargo test`",
        run: test::run,
    },
];

/// The exit code of a wrong command line, as everywhere in the project.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, arguments)) = arguments.split_first() else {
        eprint!("{}", help());
        return ExitCode::from(USAGE);
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(arguments),
        None => usage(&format!("there is no command `{name}`")),
    }
}

/// Says what is wrong with the command line, and what can be asked for.
fn usage(what: &str) -> ExitCode {
    eprint!("xtask: {what}\n\n{}", help());
    ExitCode::from(USAGE)
}

fn help() -> String {
    let width = COMMANDS.iter().map(|command| command.name.len()).max().unwrap_or_default();
    let rows = COMMANDS.iter().map(|command| format!("  {:width$}  {}\n", command.name, command.about));
    format!("usage: cargo xtask COMMAND\n\n{}", rows.collect::<String>())
}
