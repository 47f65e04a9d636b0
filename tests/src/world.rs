//! The sealed world: a home, a socket, a state directory, an emulated AWS, and nothing of the machine's user.

use crate::emulator::{Emulator, UserKey};
use crate::{Run, leaks, parts};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A user that is not the one of the tests: `nobody` on Debian.
pub const OTHER_USER: u32 = 65_534;

/// One user's world; at its end the daemon is stopped and secrets are hunted.
#[derive(Debug)]
pub struct World {
    directory: tempfile::TempDir,
    /// The AWS of this world.
    pub aws: Emulator,
    /// Variables that every program of this world gets.
    pub environment: BTreeMap<String, OsString>,
    programs: Option<tempfile::TempDir>,
    user: Option<u32>,
    said: Mutex<Vec<(String, String)>>,
    more_secrets: Mutex<Vec<String>>,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// Makes an empty world with a memory vault; nothing runs yet but its AWS.
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("keyfob-").tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["home/.aws", "run", "state", "config"] {
            fs::create_dir_all(path(name)).unwrap();
        }
        fs::set_permissions(path("run"), fs::Permissions::from_mode(0o700)).unwrap();
        let mut environment: BTreeMap<String, OsString> = [
            ("HOME", path("home").into()),
            ("USER", "tester".into()),
            ("PATH", std::env::var_os("PATH").unwrap_or_default()),
            ("LANG", "C.UTF-8".into()),
            ("XDG_RUNTIME_DIR", path("run").into()),
            ("KEYFOB_CONFIG", path("config/config.toml").into()),
            ("KEYFOB_STATE_DIR", path("state").into()),
        ]
        .map(|(name, value): (&str, OsString)| (name.to_owned(), value))
        .into();
        environment.insert("KEYFOB_LOG".into(), "debug".into());
        Self {
            directory,
            aws: Emulator::start(),
            environment,
            programs: None,
            user: None,
            said: Mutex::default(),
            more_secrets: Mutex::default(),
        }
    }

    /// Makes a world with a user `alice`, her key in a memory vault, and one role as profile `p`.
    pub fn with_profile() -> Self {
        let world = Self::new();
        world.config(
            "[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\nregion = \"eu-west-1\"\n",
        );
        world.add_key("alice");
        world
    }

    /// Answers a path in this world.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Answers the path of the socket.
    pub fn socket(&self) -> PathBuf {
        self.path("run/keyfob/agent.sock")
    }

    /// Writes the configuration: a memory vault unless the text has a `[daemon]` table, and the emulated STS.
    pub fn config(&self, text: &str) {
        let daemon = if text.contains("[daemon]") { "" } else { "[daemon]\nvault = \"memory\"\n" };
        let endpoints = if text.contains("[endpoints]") {
            String::new()
        } else {
            // IAM and CloudTrail are at the same address.
            let url = self.aws.sts_url();
            format!("[endpoints]\nsts = \"{url}\"\niam = \"{url}\"\ncloudtrail = \"{url}\"\n")
        };
        self.config_text(&format!("{daemon}{endpoints}{text}"));
    }

    /// Writes the configuration as it is given, in one step.
    pub fn config_text(&self, text: &str) {
        let new = self.path("config/new");
        fs::write(&new, text).unwrap();
        if let Some(user) = self.user {
            self.chown(&self.path("config"), user);
        }
        fs::rename(new, self.path("config/config.toml")).unwrap();
    }

    /// Makes a user of the emulated AWS and stores the key.
    pub fn add_key(&self, identity: &str) -> UserKey {
        let key = self.aws.add_user(identity);
        let arguments = ["key", "add", identity, "--access-key-id", &key.access_key_id];
        self.keyfob_with_input(&arguments, &key.secret_access_key).ok();
        key
    }

    /// Has a text hunted like the secrets of the emulated AWS.
    pub fn add_secret(&self, secret: impl Into<String>) {
        self.more_secrets.lock().unwrap().push(secret.into());
    }

    /// Prepares a program with the variables of this world and no others.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.command_as(self.user, program)
    }

    /// The same as a user that is not the one of this world.
    pub fn command_as(&self, user: Option<u32>, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = match user {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("setpriv");
                let user = user.to_string();
                command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"]).arg(program);
                command
            }
        };
        command.env_clear().envs(&self.environment).current_dir(self.path("home")).stdin(Stdio::null());
        command
    }

    /// Answers the path of a program under test: the built one, or the copy that this world made.
    pub fn program(&self, name: &str) -> PathBuf {
        match &self.programs {
            Some(copies) => copies.path().join(name),
            None => parts::program(name),
        }
    }

    /// Makes copies of the programs that every user can run.
    pub fn copy_programs(&mut self) {
        let copies = tempfile::Builder::new().prefix("keyfob-bin-").tempdir().unwrap();
        fs::set_permissions(copies.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["keyfob", "keyfobd"] {
            copy_program(&parts::program(name), &copies.path().join(name));
        }
        self.programs = Some(copies);
    }

    /// Hands this world to another user, as whom all its programs run from now on.
    pub fn give_to(&mut self, user: u32) {
        self.copy_programs();
        self.user = Some(user);
        self.chown(self.directory.path(), user);
    }

    fn chown(&self, directory: &Path, user: u32) {
        std::os::unix::fs::lchown(directory, Some(user), Some(user)).unwrap();
        for entry in fs::read_dir(directory).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                self.chown(&entry.path(), user);
            } else {
                std::os::unix::fs::lchown(entry.path(), Some(user), Some(user)).unwrap();
            }
        }
    }

    /// Runs `keyfob`.
    pub fn keyfob(&self, arguments: &[&str]) -> Run {
        self.keyfob_with_input(arguments, "")
    }

    /// Runs `keyfob` with a line of stdin.
    pub fn keyfob_with_input(&self, arguments: &[&str], input: &str) -> Run {
        let mut command = self.command(self.program("keyfob"));
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(format!("{input}\n").as_bytes());
        let run = Run::from(child.wait_with_output().unwrap());
        self.note(arguments, &run);
        run
    }

    /// Takes note of what was said, for the hunt; the documents that `get` and `env` print are secrets by nature.
    fn note(&self, arguments: &[&str], run: &Run) {
        let mut said = self.said.lock().unwrap();
        let shows_secrets = matches!(arguments.first(), Some(&("get" | "env"))) && run.status == 0;
        if !shows_secrets {
            said.push((format!("stdout of {arguments:?}"), run.stdout.clone()));
        }
        said.push((format!("stderr of {arguments:?}"), run.stderr.clone()));
    }

    /// Runs `keyfob get`.
    pub fn get(&self, profile: &str) -> Run {
        self.keyfob(&["get", profile])
    }

    /// Answers the object of `keyfob status --json`.
    pub fn status(&self) -> Value {
        self.keyfob(&["status", "--json"]).json()
    }

    /// Answers one profile of the status.
    ///
    /// # Panics
    /// If it is not there.
    pub fn profile(&self, name: &str) -> Value {
        let status = self.status();
        let profiles = status["profiles"].as_array().cloned().unwrap_or_default();
        profiles.into_iter().find(|profile| profile["name"] == name).unwrap()
    }

    /// Answers the daemons of this world.
    pub fn daemons(&self) -> Vec<u32> {
        let is_daemon = |pid: &u32| proc(*pid, "comm").starts_with(b"keyfobd");
        self.processes_that(is_daemon)
    }

    /// Answers everything that runs in this world.
    pub fn processes(&self) -> Vec<u32> {
        self.processes_that(|_| true)
    }

    fn processes_that(&self, is_meant: impl Fn(&u32) -> bool) -> Vec<u32> {
        let pids = fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(is_meant).filter(|pid| self.owns(*pid)).collect()
    }

    fn owns(&self, pid: u32) -> bool {
        let wanted = format!("KEYFOB_STATE_DIR={}", self.path("state").display());
        let is_zombie = String::from_utf8_lossy(&proc(pid, "stat")).contains(") Z ");
        !is_zombie && proc(pid, "environ").split(|byte| *byte == 0).any(|line| line == wanted.as_bytes())
    }

    /// Ends every daemon of this world without warning.
    pub fn kill_daemons(&self) {
        for pid in self.daemons() {
            signal(pid, rustix::process::Signal::KILL);
        }
    }

    /// Answers the secrets that must not be found.
    pub fn secrets(&self) -> Vec<String> {
        [self.aws.secrets(), self.more_secrets.lock().unwrap().clone()].concat()
    }

    /// Looks for secrets wherever this world has something written.
    pub fn hunt(&self) -> Vec<leaks::Leak> {
        let secrets = self.secrets();
        let mut found = leaks::in_files(self.directory.path(), &secrets);
        for pid in self.daemons() {
            found.extend(leaks::in_process(pid, &secrets));
        }
        for (place, text) in self.said.lock().unwrap().iter() {
            found.extend(leaks::in_bytes(place, text.as_bytes(), &secrets));
        }
        found
    }
}

impl Drop for World {
    #[expect(clippy::print_stdout, reason = "the runner shows it with the failure")]
    fn drop(&mut self) {
        let found = self.hunt();
        self.kill_daemons();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.path("state/keyfobd.log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            println!("the end of the log:\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        } else {
            assert!(found.is_empty(), "secrets were found: {found:?}");
        }
    }
}

/// Copies a program by another process: one that this process writes can't be run while another thread of it makes a child,
/// which has all its files for a moment.
///
/// # Panics
/// If it can't be copied.
pub fn copy_program(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("--").args([from, to]).status().unwrap().success());
}

fn proc(pid: u32, name: &str) -> Vec<u8> {
    fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default()
}

/// Answers the name that sessions have in CloudTrail, if nothing else is set: person and machine.
pub fn session_name(user: &str) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let host: String = host.split('.').next().unwrap_or_default().chars().take(20).collect();
    format!("keyfob-{user}@{host}")
}

/// Sends a signal; the process may be gone.
pub fn signal(pid: u32, signal: rustix::process::Signal) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid.cast_signed()) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Waits until something is so.
///
/// # Panics
/// If it is not so in time.
#[track_caller]
pub fn eventually(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    const STEP: Duration = Duration::from_millis(20);
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(STEP);
    }
}

/// Answers whether a file is only for its owner.
pub fn is_private(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 == 0)
}
