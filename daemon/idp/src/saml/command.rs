//! A command that prints an assertion. It runs without a shell and never sees AWS or keyfob variables.
//!
//! It ends in time, whatever it does: prints without end, hangs, leaves others behind that hold its output.

use super::assertion::MAX_ENCODED;
use super::{Settings, SignedIn, assertion_of, login, received};
use crate::platform;
use crate::trouble::Trouble;
use keyfob_shared::Secret;
use std::ffi::OsStr;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};
use zeroize::Zeroizing;

/// Long enough to approve a sign-in on another device, and short enough for a caller to be told.
const LONGEST_RUN: Duration = Duration::from_secs(35);
/// What a command has printed can be read at once when it has ended.
const LAST_READ: Duration = Duration::from_millis(200);
/// A process that was killed is gone soon, or hangs in the kernel.
const LAST_WAIT: Duration = Duration::from_secs(1);
/// Every character may be escaped, in the form of a browser.
const MAX_OUTPUT: usize = 3 * MAX_ENCODED;
/// Beginnings of variables that tell of credentials, or of the daemon's own start.
const WITHHELD: [&str; 5] = ["AWS_", "KEYFOB_", "LISTEN_", "NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY"];

/// Runs the command and reads the assertion that it prints; its output is never quoted.
pub(super) async fn sign_in(settings: &Settings, command: &[String]) -> Result<SignedIn, Trouble> {
    let program = command.first().map_or("", String::as_str);
    let tried = format!("run command {program}");
    let printed = run(command, LONGEST_RUN).await.map_err(|wrong| match wrong {
        Wrong::Slow => Trouble::passing(format!("{tried}: it took more than {} s", LONGEST_RUN.as_secs())),
        Wrong::Failed(why) => Trouble::useless(format!("{tried}: {why}")).hint(by_hand(settings)),
    })?;
    let assertion = assertion_of(settings, &received::of_text(&printed), None);
    // A refusal too is the matter of the command: the next run may print something else.
    let assertion = assertion.map_err(|trouble| {
        Trouble::useless(format!("{tried}: {}", trouble.into_failure().message)).hint(by_hand(settings))
    })?;
    Ok(SignedIn { assertion, kept: Secret::default() })
}

fn by_hand(settings: &Settings) -> String {
    format!("run the command by hand, then {}", login(settings))
}

#[derive(Debug)]
enum Wrong {
    Slow,
    Failed(String),
}

async fn run(command: &[String], longest: Duration) -> Result<Secret, Wrong> {
    let failed = |cause: io::Error| Wrong::Failed(cause.to_string());
    let [program, arguments @ ..] = command else { return Err(Wrong::Failed("it is empty".into())) };
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
    let mut running = Running(prepared.spawn().map_err(failed)?);
    // It never grows, so that no half of it is left behind.
    let mut output = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT + 1));
    let status = match tokio::time::timeout(longest, running.finish(&mut output)).await {
        Ok(Ok(status)) => status,
        Ok(Err(cause)) => {
            running.end().await;
            return Err(failed(cause));
        }
        Err(_) => {
            running.end().await;
            return Err(Wrong::Slow);
        }
    };
    if !status.success() {
        return Err(Wrong::Failed(format!("it ended with {status}")));
    }
    let text = std::str::from_utf8(&output).map_err(|_| Wrong::Failed("it printed no text".into()))?;
    Ok(Secret::new(text))
}

fn is_withheld(name: &OsStr) -> bool {
    WITHHELD.iter().any(|start| name.as_encoded_bytes().starts_with(start.as_bytes()))
}

async fn fill(output: &mut Vec<u8>, stdout: &mut ChildStdout) -> io::Result<()> {
    loop {
        let room = (MAX_OUTPUT + 1).saturating_sub(output.len());
        let read = stdout.take(room as u64).read_buf(output).await?;
        if output.len() > MAX_OUTPUT {
            return Err(io::Error::other(format!("it printed more than {MAX_OUTPUT} bytes")));
        }
        if read == 0 {
            return Ok(());
        }
    }
}

/// A command that has been started; until it is done, dropping it ends it and what it has started.
struct Running(Child);

impl Running {
    async fn finish(&mut self, output: &mut Vec<u8>) -> io::Result<ExitStatus> {
        let Some(mut stdout) = self.0.stdout.take() else { return self.0.wait().await };
        tokio::select! {
            filled = fill(output, &mut stdout) => {
                filled?;
                return self.0.wait().await;
            }
            status = self.0.wait() => {
                // Something that it has started may hold the pipe open for ever.
                if let Ok(filled) = tokio::time::timeout(LAST_READ, fill(output, &mut stdout)).await {
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn ran(script: &str, longest: Duration) -> Result<String, Wrong> {
        let command = ["sh", "-c", script].map(str::to_owned);
        let ran = tokio::time::timeout(Duration::from_secs(20), run(&command, longest)).await;
        ran.expect("it ends").map(|text| text.expose().to_owned())
    }

    #[tokio::test]
    async fn what_is_printed_is_answered() {
        assert_eq!(ran("echo PHNhbWw+", LONGEST_RUN).await.unwrap(), "PHNhbWw+\n");
        let long = ran("head -c 100000 /dev/zero | tr '\\0' a; sleep 8 &", LONGEST_RUN).await.unwrap();
        assert_eq!(long.len(), 100_000, "and what it leaves behind delays nothing");
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_without_the_output() {
        for script in ["echo s3cret; exit 3", "echo s3cret >&2; false", "printf '\\377 s3cret'", "yes s3cret"]
        {
            let Err(Wrong::Failed(why)) = ran(script, LONGEST_RUN).await else { panic!("{script}") };
            assert!(!why.contains("s3cret"), "{script}: {why}");
        }
        assert!(matches!(run(&[], LONGEST_RUN).await, Err(Wrong::Failed(_))));
        assert!(matches!(run(&["/nonexistent".into()], LONGEST_RUN).await, Err(Wrong::Failed(_))));
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_ended_with_what_it_started() {
        assert!(matches!(ran("sleep 60 & sleep 60", Duration::from_millis(300)).await, Err(Wrong::Slow)));
    }

    #[test]
    fn variables_of_credentials_and_of_the_daemon_are_withheld() {
        assert!(
            ["AWS_PROFILE", "KEYFOB_SOCKET", "LISTEN_FDS"].iter().all(|name| is_withheld(OsStr::new(name)))
        );
        assert!(["PATH", "HOME", "DISPLAY"].iter().all(|name| !is_withheld(OsStr::new(name))));
    }
}
