//! Mistakes on the command line, in the form of every other failure: one line and a hint.

use crate::line::Line;
use clap::CommandFactory;
use clap::error::{ContextKind, ErrorKind};
use keyfob_shared::{Failure, FailureKind};
use std::ffi::OsString;

/// Answers what is wrong with the words, and the command that explains it.
pub(crate) fn failure(error: &clap::Error, words: impl Iterator<Item = OsString>) -> Failure {
    let command = command(words);
    let message = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            "a command is missing".into()
        }
        // Security: what stands too much behind `key add` may well be the secret.
        ErrorKind::UnknownArgument if command.starts_with("keyfob key ") && !is_flag(error) => {
            "there is an argument too many".into()
        }
        _ => message(&error.render().to_string()),
    };
    Failure::new(FailureKind::Usage, message).hint(format!("{command} --help"))
}

fn is_flag(error: &clap::Error) -> bool {
    error.get(ContextKind::InvalidArg).is_some_and(|argument| argument.to_string().starts_with('-'))
}

/// Puts the first paragraph, and what may have been meant, on one line.
fn message(text: &str) -> String {
    let first = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = first.trim_start_matches("error: ").split_whitespace().collect();
    let tip = text.lines().find_map(|line| line.trim_start().strip_prefix("tip: "));
    let tip = tip.filter(|tip| tip.contains(" similar ")).map_or_else(String::new, |tip| format!("; {tip}"));
    format!("{}{tip}", words.join(" "))
}

/// Answers the command that was begun.
fn command(words: impl Iterator<Item = OsString>) -> String {
    let mut line = Line::command();
    let mut names = line.get_name().to_owned();
    for word in words.skip(1) {
        let Some(next) = line.find_subcommand(&word).cloned() else { break };
        names = format!("{names} {}", next.get_name());
        line = next;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn told(words: &[&str]) -> (String, String) {
        let words = [&["keyfob"], words].concat();
        let error = Line::try_parse_from(&words).unwrap_err();
        let failure = failure(&error, words.iter().map(OsString::from));
        (failure.message, failure.hint.unwrap_or_default())
    }

    #[test]
    fn mistakes_are_told_on_one_line_with_the_help_that_fits() {
        for (words, message, hint) in [
            (&[] as &[&str], "a command is missing", "keyfob --help"),
            (&["daemon"], "a command is missing", "keyfob daemon --help"),
            (
                &["gett"],
                "unrecognized subcommand 'gett'; a similar subcommand exists: 'get'",
                "keyfob --help",
            ),
            (&["get"], "the following required arguments were not provided: <PROFILE>", "keyfob get --help"),
            (&["get", "a", "b"], "unexpected argument 'b' found", "keyfob get --help"),
            (&["key", "add", "a", "hunter2"], "there is an argument too many", "keyfob key add --help"),
            (
                &["key", "add", "a", "--secret=x"],
                "unexpected argument '--secret' found",
                "keyfob key add --help",
            ),
        ] {
            assert_eq!(told(words), (message.to_owned(), hint.to_owned()), "{words:?}");
        }
    }
}
