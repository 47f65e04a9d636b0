//! Commands of the configuration. They run without a shell and never see variables of AWS or of keyfob.
//!
//! A command ends in time, whatever it does: prints without end, hangs, leaves others behind that hold its output.

use crate::platform;
use std::ffi::OsStr;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};
use zeroize::Zeroizing;

/// What a command has printed can be read at once when it has ended.
const LAST_READ: Duration = Duration::from_millis(200);
/// A process that was killed is gone soon, or hangs in the kernel.
const LAST_WAIT: Duration = Duration::from_secs(1);
/// Beginnings of variables that tell of credentials, or of the daemon's own start.
const WITHHELD: [&[u8]; 5] = [b"AWS_", b"KEYFOB_", b"LISTEN_", b"NOTIFY_SOCKET", b"CREDENTIALS_DIRECTORY"];

/// What a command may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) longest: Duration,
    /// In bytes.
    pub(crate) most: usize,
}

/// Runs a command and answers what it printed, or why that is no good; its output is never quoted.
pub(crate) async fn run(
    command: &[String],
    variables: &[(&str, &str)],
    limits: Limits,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let [program, arguments @ ..] = command else { return Err("it is empty".into()) };
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
    prepared.envs(variables.iter().copied());
    platform::own_group(&mut prepared);
    let mut running = Running(prepared.spawn().map_err(|cause| cause.to_string())?);
    let mut output = Output::new(limits.most);
    let status = match tokio::time::timeout(limits.longest, running.finish(&mut output)).await {
        Ok(Ok(status)) => status,
        Ok(Err(cause)) => {
            running.end().await;
            return Err(cause.to_string());
        }
        Err(_) => {
            running.end().await;
            return Err(format!("it took more than {} s", limits.longest.as_secs()));
        }
    };
    if status.success() { Ok(output.bytes) } else { Err(format!("it ended with {status}")) }
}

fn is_withheld(name: &OsStr) -> bool {
    WITHHELD.iter().any(|start| name.as_encoded_bytes().starts_with(start))
}

/// What was printed; wiped.
struct Output {
    bytes: Zeroizing<Vec<u8>>,
    most: usize,
}

impl Output {
    /// Has room for all that is allowed, so that it never moves and leaves a copy behind.
    fn new(most: usize) -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(most + 1)), most }
    }

    async fn fill(&mut self, stdout: &mut ChildStdout) -> io::Result<()> {
        while self.bytes.len() <= self.most {
            let left = self.most + 1 - self.bytes.len();
            if (&mut *stdout).take(left as u64).read_buf(&mut *self.bytes).await? == 0 {
                return Ok(());
            }
        }
        Err(io::Error::other(format!("it printed more than {} bytes", self.most)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_credentials_and_of_the_daemon_are_withheld() {
        for name in
            ["AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "KEYFOB_STATE_DIR", "LISTEN_FDS", "NOTIFY_SOCKET"]
        {
            assert!(is_withheld(OsStr::new(name)), "{name}");
        }
        assert!(!is_withheld(OsStr::new("PATH")) && !is_withheld(OsStr::new("HTTPS_PROXY")));
    }
}
