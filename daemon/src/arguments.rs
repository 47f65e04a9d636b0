//! The command line of the daemon; people type `keyfob daemon …` instead.

use keyfob_shared::{Failure, FailureKind};
use std::ffi::OsString;

const HELP: &str = "keyfobd: the daemon of keyfob\n\n  \
    --detached            leave the terminal, log to a file, print one line when ready\n  \
    --log-format FORMAT   human or json\n  \
    --version             print the version\n\n  \
    import-plan           what `keyfob import` is going to do, as JSON for it";

/// How the daemon is to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) background: Background,
    pub(crate) log_format: LogFormat,
}

/// Whether the daemon leaves its terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Background {
    #[default]
    Foreground,
    Detached,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    #[default]
    Human,
    Json,
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Run(Arguments),
    Tell(String),
    /// Three files, then names of profiles.
    PlanImport(Vec<OsString>),
}

/// Reads the command line, without the name of the program.
pub(crate) fn parse(words: impl Iterator<Item = OsString>) -> Result<Wish, Failure> {
    let mut arguments = Arguments::default();
    let mut words = words.peekable();
    if words.next_if(|word| word == "import-plan").is_some() {
        return Ok(Wish::PlanImport(words.collect()));
    }
    let mut words = words.map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = words.next() {
        match word.as_str() {
            "--detached" => arguments.background = Background::Detached,
            "--log-format" => {
                arguments.log_format = match words.next().as_deref() {
                    Some("human") => LogFormat::Human,
                    Some("json") => LogFormat::Json,
                    Some(_) | None => return Err(wrong("--log-format is human or json")),
                }
            }
            "--version" => return Ok(Wish::Tell(format!("keyfobd {}", env!("CARGO_PKG_VERSION")))),
            "--help" | "-h" => return Ok(Wish::Tell(HELP.into())),
            other => return Err(wrong(&format!("unknown argument {other:?}"))),
        }
    }
    Ok(Wish::Run(arguments))
}

fn wrong(message: &str) -> Failure {
    Failure::new(FailureKind::Usage, message).hint("keyfobd --help")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Wish, Failure> {
        parse(words.iter().map(OsString::from))
    }

    #[test]
    fn flags_are_understood_and_others_refused() {
        let expected = Arguments { background: Background::Detached, log_format: LogFormat::Json };
        assert_eq!(parsed(&["--detached", "--log-format", "json"]), Ok(Wish::Run(expected)));
        let plan = Wish::PlanImport(vec!["--version".into()]);
        assert_eq!(parsed(&["import-plan", "--version"]), Ok(plan), "whatever a file is called");
        assert!(parsed(&["--log-format"]).is_err());
        assert!(parsed(&["serve"]).is_err());
    }
}
