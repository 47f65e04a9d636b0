//! The command that prints the code of an MFA device. It runs without a shell and never sees AWS or keyfob variables.
//!
//! It ends in time, whatever it does: prints without end, hangs, leaves others behind that hold its output.

use crate::platform;
use keyfob_shared::{Failure, FailureKind, Secret};
use std::ffi::OsStr;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};
use zeroize::Zeroizing;

/// Long enough to touch a security key.
const LONGEST_RUN: Duration = Duration::from_secs(30);
/// What a command has printed can be read at once when it has ended.
const LAST_READ: Duration = Duration::from_millis(200);
/// A process that was killed is gone soon, or hangs in the kernel.
const LAST_WAIT: Duration = Duration::from_secs(1);
const MAX_OUTPUT: usize = 1_024;
/// TokenCode of the STS API.
const DIGITS: usize = 6;
/// Beginnings of variables that tell of credentials, or of the daemon's own start.
const WITHHELD: [&[u8]; 5] = [b"AWS_", b"KEYFOB_", b"LISTEN_", b"NOTIFY_SOCKET", b"CREDENTIALS_DIRECTORY"];

/// Runs a command and answers the six digits that it prints.
///
/// # Errors
/// If it can't be run, fails, takes more than 30 s, or prints no code, several, or more than 1,024 bytes. Its output
/// is never quoted.
pub async fn mfa_code(command: &[String]) -> Result<Secret, Failure> {
    run(command, LONGEST_RUN).await
}

async fn run(command: &[String], longest: Duration) -> Result<Secret, Failure> {
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
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_withheld(name)) {
        prepared.env_remove(name);
    }
    platform::own_group(&mut prepared);
    let child = prepared.spawn().map_err(|cause| wrong(program, &cause.to_string()))?;
    let mut running = Running(child);
    let mut output = Output { bytes: Zeroizing::new([0; MAX_OUTPUT + 1]), length: 0 };
    let result = tokio::time::timeout(longest, running.finish(&mut output)).await;
    let status = match result {
        Ok(Ok(status)) => status,
        Ok(Err(cause)) => {
            running.end().await;
            return Err(wrong(program, &cause.to_string()));
        }
        Err(_) => {
            running.end().await;
            return Err(wrong(program, &format!("it took more than {} s", longest.as_secs())));
        }
    };
    if !status.success() {
        return Err(wrong(program, &format!("it ended with {status}")));
    }
    let code = std::str::from_utf8(output.text()).ok().and_then(find_code);
    code.ok_or_else(|| wrong(program, "it printed no code of six digits, or several"))
}

fn is_withheld(name: &OsStr) -> bool {
    WITHHELD.iter().any(|start| name.as_encoded_bytes().starts_with(start))
}

/// What was printed; wiped.
struct Output {
    bytes: Zeroizing<[u8; MAX_OUTPUT + 1]>,
    length: usize,
}

impl Output {
    async fn fill(&mut self, stdout: &mut ChildStdout) -> io::Result<()> {
        loop {
            let read = stdout.read(&mut self.bytes[self.length..]).await?;
            self.length += read;
            if self.length > MAX_OUTPUT {
                return Err(io::Error::other("it printed more than 1,024 bytes"));
            }
            if read == 0 {
                return Ok(());
            }
        }
    }

    fn text(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// A command that has been started; until it is done, dropping it ends it and what it has started.
struct Running(Child);

impl Running {
    async fn finish(&mut self, output: &mut Output) -> io::Result<ExitStatus> {
        let Some(mut stdout) = self.0.stdout.take() else { return self.0.wait().await };
        tokio::select! {
            filled = output.fill(&mut stdout) => {
                filled?;
                return self.0.wait().await;
            }
            status = self.0.wait() => {
                // An agent that it has started may hold the pipe open for ever.
                if let Ok(filled) = tokio::time::timeout(LAST_READ, output.fill(&mut stdout)).await {
                    filled?;
                }
                status
            }
        }
    }

    async fn end(&mut self) {
        platform::end_group(&self.0);
        let _ = self.0.start_kill();
        let _ = tokio::time::timeout(LAST_WAIT, self.0.wait()).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        platform::end_group(&self.0);
    }
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
