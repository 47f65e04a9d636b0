//! The command that prints the code of an MFA device. It runs without a shell and never sees AWS variables.

use keyfob_shared::{Failure, FailureKind, Secret};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// Long enough to touch a security key.
const LONGEST_RUN: Duration = Duration::from_secs(30);
const MAX_OUTPUT: u64 = 1_024;
/// TokenCode of the STS API.
const DIGITS: usize = 6;

/// Runs a command and answers the six digits that it prints.
///
/// # Errors
/// If it can't be run, fails, takes more than 30 s, or prints no code or several. Its output is never quoted.
pub async fn mfa_code(command: &[String]) -> Result<Secret, Failure> {
    let [program, arguments @ ..] = command else {
        return Err(wrong("mfa_command", "it is empty"));
    };
    let mut prepared = Command::new(program);
    prepared
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"AWS_")) {
        prepared.env_remove(name);
    }
    #[cfg(unix)]
    prepared.process_group(0);
    let mut child = prepared.spawn().map_err(|cause| wrong(program, &cause.to_string()))?;
    let result = tokio::time::timeout(LONGEST_RUN, output(&mut child)).await;
    end_group(&child);
    let (status, output) = match result {
        Ok(Ok(ended)) => ended,
        Ok(Err(cause)) => return Err(wrong(program, &cause.to_string())),
        Err(_) => return Err(wrong(program, "it took more than 30 s")),
    };
    if !status.success() {
        return Err(wrong(program, &format!("it ended with {status}")));
    }
    find_code(output.expose()).ok_or_else(|| wrong(program, "it printed no code of six digits, or several"))
}

async fn output(child: &mut Child) -> std::io::Result<(std::process::ExitStatus, Secret)> {
    let mut bytes = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MAX_OUTPUT).read_to_end(&mut bytes).await?;
    }
    let text = Secret::new(String::from_utf8(bytes).unwrap_or_default());
    Ok((child.wait().await?, text))
}

/// Ends what the command has started and left behind.
#[cfg(unix)]
fn end_group(child: &Child) {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(group) = id {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end_group(_child: &Child) {}

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
mod tests {
    use super::*;

    fn command(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[test]
    fn the_code_is_found_among_other_words() {
        let found = |text: &str| find_code(text).map(|code| code.expose().to_owned());
        assert_eq!(found("aws:alice  123456\n").as_deref(), Some("123456"));
        assert_eq!(found("1234567"), None);
        assert_eq!(found("123456 654321"), None);
        assert_eq!(found("a123456"), None);
    }

    #[tokio::test]
    async fn a_command_prints_the_code() {
        assert_eq!(mfa_code(&command("echo 123456")).await.unwrap().expose(), "123456");
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_without_the_output() {
        for script in ["echo 12345; false", "echo none", "echo 111111 222222", "exit 3"] {
            let failure = mfa_code(&command(script)).await.unwrap_err();
            assert!(
                !failure.message.contains("111111") && failure.message.starts_with("run mfa_command sh: "),
                "{failure}"
            );
        }
        assert!(mfa_code(&["/nonexistent".to_owned()]).await.unwrap_err().message.contains("/nonexistent"));
        assert!(mfa_code(&[]).await.is_err());
    }
}
