//! `keyfobd`: keeps AWS sessions renewed and serves them over a local socket.
//!
//! Nothing is decided here: settings are read, the process is hardened, and the runtime is started.

mod alarm;
mod arguments;
mod clock;
mod configuration;
mod import_plan;
mod logs;
mod notify;
mod platform;
mod runtime;
mod start;
mod watch;

use keyfob_shared::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    let wish = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments::Wish::Tell(text)) => return print(&text),
        Ok(wish) => wish,
        Err(failure) => return complain(&failure),
    };
    platform::harden();
    let result = match wish {
        arguments::Wish::Run(arguments) => start::run(&arguments),
        arguments::Wish::PlanImport(words) => import_plan::run(&words),
        arguments::Wish::Tell(_) => Ok(()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => complain(&failure),
    }
}

#[expect(clippy::print_stdout, reason = "the answer to --version and --help")]
fn print(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "the error form of the command line")]
fn complain(failure: &Failure) -> ExitCode {
    eprintln!("keyfobd: {failure}");
    if let Some(hint) = &failure.hint {
        eprintln!("hint: {hint}");
    }
    ExitCode::from(failure.kind.exit_code())
}
