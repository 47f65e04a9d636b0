//! A program that has run: its exit status and what it said.

use serde_json::Value;
use std::process::Output;

/// What a command did.
#[derive(Clone, Debug)]
pub struct Run {
    /// The exit status; 128 + the signal if one ended it.
    pub status: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let signal = || output.status.signal().map(|signal| 128 + signal);
        Self {
            status: output.status.code().or_else(signal).unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Run {
    /// Answers what it printed.
    ///
    /// # Panics
    /// If it failed.
    #[track_caller]
    pub fn ok(&self) -> &str {
        assert_eq!(self.status, 0, "{self:?}");
        &self.stdout
    }

    /// Answers what it complained of.
    ///
    /// # Panics
    /// If it did not end with this status, printed something all the same, or has no hint.
    #[track_caller]
    pub fn failed(&self, status: i32) -> &str {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.stdout, "", "nothing is printed on failure");
        let mut lines = self.stderr.lines();
        assert!(lines.next().is_some_and(|line| line.starts_with("keyfob: ")), "{self:?}");
        assert!(lines.next().is_some_and(|line| line.starts_with("hint: ")), "{self:?}");
        &self.stderr
    }

    /// Reads what it printed as JSON.
    ///
    /// # Panics
    /// If it failed or printed something else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.ok()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Answers the access key id of a printed credential_process document.
    ///
    /// # Panics
    /// If it failed or printed something else.
    #[track_caller]
    pub fn access_key_id(&self) -> String {
        self.json()["AccessKeyId"].as_str().unwrap_or_default().to_owned()
    }
}
