//! Questions to a person: on the terminal, or one line of stdin each where there is none.

use crate::report::{clean, say};
use keyfob_shared::wire::{Answer, Prompt};
use keyfob_shared::{Failure, FailureKind, Secret};
use std::io::{self, BufRead, IsTerminal};

/// Asks; `None` where no answer is expected.
pub(crate) fn ask(prompt: &Prompt) -> Option<Answer> {
    match prompt {
        Prompt::Text { label } => Some(answer(visible(label))),
        Prompt::Secret { label } => Some(answer(secret(label).ok())),
        Prompt::Choice { label, choices } => Some(answer(choice(label, choices))),
        Prompt::OpenUrl { url, code } => {
            let code = code
                .as_deref()
                .map_or_else(String::new, |code| format!("\nand compare the code {}", clean(code)));
            say(&format!("open {}{code}\n", clean(url)));
            None
        }
        Prompt::Note { text } => {
            say(&format!("{}\n", clean(text)));
            None
        }
    }
}

fn answer(text: Option<Secret>) -> Answer {
    text.map_or(Answer::Cancelled, Answer::Text)
}

/// Reads a secret without showing it.
///
/// # Errors
/// If the person gave none.
pub(crate) fn secret(label: &str) -> Result<Secret, Failure> {
    let text = if io::stdin().is_terminal() {
        rpassword::prompt_password(format!("{}: ", clean(label))).ok().map(Secret::new)
    } else {
        line()
    };
    text.filter(|text| !text.expose().is_empty()).ok_or_else(|| none(label))
}

/// Reads a line that may be seen.
///
/// # Errors
/// If the person gave none.
pub(crate) fn text(label: &str) -> Result<Secret, Failure> {
    visible(label).ok_or_else(|| none(label))
}

fn none(label: &str) -> Failure {
    Failure::new(FailureKind::Person, format!("no {} was given", clean(label)))
}

fn visible(label: &str) -> Option<Secret> {
    if io::stdin().is_terminal() {
        say(&format!("{}: ", clean(label)));
    }
    line().filter(|text| !text.expose().is_empty())
}

fn choice(label: &str, choices: &[String]) -> Option<Secret> {
    let list: String =
        choices.iter().enumerate().map(|(at, choice)| format!("  {}  {}\n", at + 1, clean(choice))).collect();
    say(&list);
    let number: usize =
        visible(&format!("{} (1 to {})", clean(label), choices.len()))?.expose().trim().parse().ok()?;
    (1..=choices.len()).contains(&number).then(|| Secret::new((number - 1).to_string()))
}

/// Reads one line of stdin, without its end.
fn line() -> Option<Secret> {
    const LONGEST: u64 = 64 * 1024;
    let mut text = String::new();
    let read = io::Read::take(io::stdin().lock(), LONGEST).read_line(&mut text);
    let secret = Secret::new(text.trim_end_matches(['\r', '\n']));
    drop(Secret::new(text));
    read.ok().filter(|length| *length > 0).map(|_| secret)
}
