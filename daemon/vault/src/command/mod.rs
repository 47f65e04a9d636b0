//! Runs a command that prints a secret: without a shell, with bounds, and without what the daemon was given.
//!
//! Its output is never quoted.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
use other as platform;
#[cfg(unix)]
use unix as platform;

use std::fmt::Display;
use std::io::Read;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use zeroize::Zeroizing;

/// Long enough to touch a security key, or to type into a window.
const LONGEST_RUN: Duration = Duration::from_secs(30);
const MAX_OUTPUT: usize = 4_096;
/// Keys, sockets and files of the daemon are no business of a command.
const WITHHELD: &[&str] = &["AWS_", "KEYFOB_", "LISTEN_", "NOTIFY_SOCKET"];

/// Runs a command and answers what it prints on its standard output. Blocks.
///
/// # Errors
/// If it can't be started, fails, takes more than 30 s, or prints more than 4 KiB.
pub(crate) fn output(command: &[String]) -> Result<Zeroizing<Vec<u8>>, String> {
    bounded(command, LONGEST_RUN)
}

fn bounded(command: &[String], limit: Duration) -> Result<Zeroizing<Vec<u8>>, String> {
    let [program, arguments @ ..] = command else { return Err("it is empty".into()) };
    let wrong = |cause: &dyn Display| format!("{program}: {cause}");
    let mut prepared = Command::new(program);
    prepared.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let withheld = |name: &std::ffi::OsString| {
        WITHHELD.iter().any(|start| name.as_encoded_bytes().starts_with(start.as_bytes()))
    };
    std::env::vars_os().map(|(name, _)| name).filter(withheld).for_each(|name| {
        prepared.env_remove(name);
    });
    platform::set_apart(&mut prepared);
    let mut child = prepared.spawn().map_err(|cause| wrong(&cause))?;
    platform::give_usual_limits(&child);
    let (sender, printed) = sync_channel(1);
    let (stdout, id) = (child.stdout.take(), child.id());
    let reader = std::thread::Builder::new().name("passphrase".into()).spawn(move || {
        let output = read(stdout);
        // One that still prints would wait for somebody to read.
        if output.len() <= MAX_OUTPUT {
            platform::await_end(id);
        }
        let _ = sender.send(output);
    });
    let output = reader.as_ref().ok().and_then(|_| printed.recv_timeout(limit).ok());
    // What it has started and left behind ends with it; its number is not free before `wait`.
    platform::end_group(&mut child, output.is_some());
    let status = child.wait().map_err(|cause| wrong(&cause))?;
    reader.map_err(|cause| wrong(&cause))?;
    let Some(output) = output else { return Err(wrong(&format!("it took more than {} s", limit.as_secs()))) };
    if output.len() > MAX_OUTPUT {
        return Err(wrong(&format!("it printed more than {MAX_OUTPUT} bytes")));
    }
    if !status.success() {
        return Err(wrong(&status));
    }
    Ok(output)
}

fn read(stdout: Option<ChildStdout>) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT + 1));
    if let Some(stdout) = stdout {
        let _ = stdout.take(MAX_OUTPUT as u64 + 1).read_to_end(&mut bytes);
    }
    bytes
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn run(script: &str) -> Result<String, String> {
        let command = ["sh", "-c", script].map(str::to_owned);
        let output = bounded(&command, Duration::from_millis(500))?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }

    #[test]
    fn what_it_prints_is_answered_and_what_goes_wrong_is_told_without_it() {
        assert_eq!(run("echo pass"), Ok("pass\n".into()));
        assert_eq!(run("echo hunter2; exit 3"), Err("sh: exit status: 3".into()));
        assert!(
            bounded(&["/nonexistent".to_owned()], LONGEST_RUN).unwrap_err().starts_with("/nonexistent: ")
        );
        assert_eq!(bounded(&[], LONGEST_RUN), Err("it is empty".into()));
    }

    #[test]
    fn one_that_hangs_prints_without_end_or_leaves_others_behind_is_ended() {
        assert_eq!(run("sleep 77 & sleep 77"), Err("sh: it took more than 0 s".into()));
        assert_eq!(run("exec >&-; sleep 77"), Err("sh: it took more than 0 s".into()));
        assert_eq!(run("yes"), Err("sh: it printed more than 4096 bytes".into()));
        // With its output closed, what is left behind does not keep the reader waiting.
        let left = run("sleep 77 >&- & echo $!").unwrap();
        let there = || std::fs::read_to_string(format!("/proc/{}/stat", left.trim())).unwrap_or_default();
        let mut tries = 0;
        while !there().is_empty() && !there().contains(") Z ") {
            tries += 1;
            assert!(tries < 500, "{}", there());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn it_gets_no_more_open_files_than_others() {
        let usual = run("sleep 0.2; ulimit -Sn").unwrap();
        assert!(usual.trim().parse::<u64>().unwrap() <= 1_024 || !cfg!(target_os = "linux"), "{usual}");
    }
}
