//! The command that prints the code of an MFA device.

use crate::command::{self, Limits};
use keyfob_shared::{Failure, FailureKind, Secret};
use std::time::Duration;

/// Long enough to touch a security key.
const LONGEST_RUN: Duration = Duration::from_secs(30);
const MAX_OUTPUT: usize = 1_024;
/// TokenCode of the STS API.
const DIGITS: usize = 6;

/// Runs a command and answers the six digits that it prints.
///
/// # Errors
/// If it can't be run, fails, takes more than 30 s, or prints no code, several, or more than 1,024 bytes. Its output
/// is never quoted.
pub async fn mfa_code(command: &[String]) -> Result<Secret, Failure> {
    run(command, LONGEST_RUN).await
}

async fn run(command: &[String], longest: Duration) -> Result<Secret, Failure> {
    let program = command.first().map_or("mfa_command", String::as_str);
    let limits = Limits { longest, most: MAX_OUTPUT };
    let output = command::run(command, &[], limits).await.map_err(|why| wrong(program, &why))?;
    let code = std::str::from_utf8(&output).ok().and_then(find_code);
    code.ok_or_else(|| wrong(program, "it printed no code of six digits, or several"))
}

/// Answers the only word of six digits.
fn find_code(output: &str) -> Option<Secret> {
    let is_code = |word: &&str| word.len() == DIGITS && word.bytes().all(|byte| byte.is_ascii_digit());
    let mut codes = output.split(|letter: char| !letter.is_alphanumeric()).filter(is_code);
    let code = codes.next()?;
    codes.next().is_none().then(|| Secret::new(code))
}

fn wrong(program: &str, why: &str) -> Failure {
    Failure::new(FailureKind::Person, format!("run mfa_command {program}: {why}"))
        .hint("run the command by hand, or remove mfa_command and use keyfob login")
}

#[cfg(test)]
mod tests;
