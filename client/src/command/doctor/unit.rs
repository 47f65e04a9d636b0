//! The service of the user in systemd, where its units are installed: `keyfob.socket` and `keyfob.service`.
//!
//! systemd is asked through its own program, and given up if that does not answer.

use super::finding;
use keyfob_shared::wire::{Finding, Severity};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

const UNITS: [&str; 2] = ["keyfob.socket", "keyfob.service"];
/// Where units of all users lie (systemd.unit(5)).
const DIRECTORIES: [&str; 3] = ["/etc/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user"];
const STEP: Duration = Duration::from_millis(20);
/// A manager that is not there is told within milliseconds.
const STEPS: u32 = 100;

/// What systemd tells of a unit.
#[derive(Debug, Default)]
struct Unit {
    active: String,
    enabled: String,
    result: String,
}

pub(super) fn findings() -> Vec<Finding> {
    UNITS.into_iter().filter(|unit| is_installed(unit)).filter_map(examine).collect()
}

/// Looks for a unit: of this user, or of all.
fn is_installed(unit: &str) -> bool {
    let own = std::env::var_os("XDG_CONFIG_HOME")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")))
        .map(|config| config.join("systemd/user"));
    own.into_iter().chain(DIRECTORIES.map(PathBuf::from)).any(|place| place.join(unit).exists())
}

fn examine(unit: &str) -> Option<Finding> {
    let subject = format!("systemd unit {unit}");
    let Some(told) = ask(unit) else {
        let message = "it is installed, but the service manager of this user does not answer";
        let hint = "log in so that one runs, or: loginctl enable-linger";
        return Some(finding(Severity::Note, subject, message, hint));
    };
    if told.active == "failed" {
        let message = format!("it has failed: {}; journalctl --user -u {unit} says more", told.result);
        let hint = format!("systemctl --user reset-failed {unit}; systemctl --user restart {unit}");
        return Some(finding(Severity::Error, subject, message, hint));
    }
    if told.enabled == "masked" {
        let hint = format!("systemctl --user unmask {unit}");
        return Some(finding(Severity::Warning, subject, "it is masked: it never starts", hint));
    }
    // The service is started by its socket.
    if unit.ends_with(".socket") && told.active != "active" {
        let message =
            format!("it is installed but {}: the daemon is started by the first client", told.active);
        return Some(finding(
            Severity::Warning,
            subject,
            message,
            format!("systemctl --user enable --now {unit}"),
        ));
    }
    None
}

/// Asks systemd; `None` if it does not answer.
fn ask(unit: &str) -> Option<Unit> {
    let mut command = Command::new("systemctl");
    command.args(["--user", "show", "--property=ActiveState,UnitFileState,Result", unit]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    // What it says is far less than a pipe holds, so that it ends without a reader.
    let ended = (0..STEPS).any(|_| match child.try_wait() {
        Ok(None) => {
            std::thread::sleep(STEP);
            false
        }
        Ok(Some(_)) | Err(_) => true,
    });
    if !ended {
        let _ = child.kill();
    }
    let output = child.wait_with_output().ok().filter(|output| ended && output.status.success())?;
    let mut told = Unit::default();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        match line.split_once('=') {
            Some(("ActiveState", value)) => told.active = value.into(),
            Some(("UnitFileState", value)) => told.enabled = value.into(),
            Some(("Result", value)) => told.result = value.into(),
            Some(_) | None => {}
        }
    }
    (!told.active.is_empty()).then_some(told)
}
