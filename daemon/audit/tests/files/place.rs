//! An audit of four files with five lines each, and what can be done to it by somebody who knows its format.

use keyfob_audit::{Anchor, Audit, Caller, Entry, Outcome, Retention, verify};
use keyfob_shared::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DAY: i64 = 24 * 3_600_000;
/// A file is begun each eleven days.
const AGE: Duration = Duration::from_secs(80 * 24 * 3_600);
const FILES: i64 = 4;
/// Between looks for what is being written.
const STEP: Duration = Duration::from_millis(5);
pub(crate) const LINES: usize = 5;
/// The day of the newest line.
pub(crate) const LAST_DAY: i64 = (FILES - 1) * 11;

pub(crate) struct Place {
    directory: tempfile::TempDir,
    /// The state when half of the files were written.
    older: Vec<(PathBuf, Vec<u8>)>,
}

pub(crate) fn entry(day: i64, number: usize) -> Entry {
    let name = format!("p{number}");
    Entry {
        time: Timestamp::from_millis(day * DAY),
        request: "get",
        socket: Some("ci".into()),
        profile: Some(name),
        outcome: if number == 2 { Outcome::Failed } else { Outcome::Served },
        reason: Some("a reason".into()),
        access_key_id: Some("ASIA1".into()),
        session_name: Some("keyfob-alice".into()),
        caller: Caller {
            uid: 1000,
            pid: 7,
            ppid: Some(std::process::id()),
            started: None,
            comm: Some("x".into()),
        },
    }
}

/// Reads an object as it is.
pub(crate) fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Seals a line anew, as whoever wrote this crate would do.
pub(crate) fn sealed(line: &str) -> String {
    let (open, _) = line.rsplit_once("\"hash\":\"").unwrap();
    let hash = digest(&format!("{open}\"hash\":\"\"}}"));
    format!("{open}\"hash\":\"{hash}\"}}")
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

impl Place {
    pub(crate) fn with_files() -> Self {
        let mut place = Self { directory: tempfile::tempdir().unwrap(), older: Vec::new() };
        for number in 0..FILES {
            if number == FILES / 2 {
                place.older = place.state();
            }
            place.life(number * 11, LINES);
        }
        place
    }

    pub(crate) fn with_lines(count: usize) -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap(), older: Vec::new() };
        place.life(1, count);
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn file(&self, number: usize) -> PathBuf {
        let name = if number == 0 { "audit.jsonl".to_owned() } else { format!("audit.{number}.jsonl") };
        self.path().join(name)
    }

    pub(crate) fn mark(&self) -> PathBuf {
        self.path().join("audit.mark")
    }

    pub(crate) fn open(&self) -> Audit {
        Audit::open(self.path(), Retention { age: Some(AGE), ..Retention::default() }).unwrap()
    }

    /// One life of a daemon.
    pub(crate) fn life(&self, day: i64, lines: usize) {
        let audit = self.open();
        (0..lines).for_each(|number| audit.record(entry(day, number)));
        audit.close();
    }

    /// Answers what the check tells, without the directory.
    pub(crate) fn told(&self, anchor: Option<&Anchor>) -> String {
        let told = match verify(self.path(), anchor) {
            Ok(verified) => format!("{} in order", verified.lines),
            Err(broken) => broken.to_string(),
        };
        told.replace(&format!("{}/", self.path().display()), "")
    }

    pub(crate) fn lines(&self, number: usize) -> Vec<String> {
        fs::read_to_string(self.file(number)).unwrap().lines().map(str::to_owned).collect()
    }

    pub(crate) fn edit(&self, number: usize, edit: impl FnOnce(&mut Vec<String>)) {
        let mut lines = self.lines(number);
        edit(&mut lines);
        fs::write(self.file(number), lines.iter().map(|line| format!("{line}\n")).collect::<String>())
            .unwrap();
    }

    /// Takes bytes away at the end.
    pub(crate) fn cut(&self, number: usize, bytes: usize) {
        let text = fs::read_to_string(self.file(number)).unwrap();
        fs::write(self.file(number), &text[..text.len() - bytes]).unwrap();
    }

    /// Leaves some lines, and some bytes of the next.
    pub(crate) fn cut_to(&self, number: usize, lines: usize, bytes: usize) {
        let left = self.lines(number);
        let whole = left[..lines].iter().map(|line| format!("{line}\n")).collect::<String>();
        fs::write(self.file(number), whole + &left[lines][..bytes]).unwrap();
    }

    pub(crate) fn remove(&self, number: usize) {
        fs::remove_file(self.file(number)).unwrap();
    }

    pub(crate) fn remove_all(&self) {
        self.state().iter().for_each(|(path, _)| fs::remove_file(path).unwrap());
    }

    pub(crate) fn swap(&self, one: usize, other: usize) {
        let aside = self.path().join("aside");
        fs::rename(self.file(one), &aside).unwrap();
        fs::rename(self.file(other), self.file(one)).unwrap();
        fs::rename(aside, self.file(other)).unwrap();
    }

    fn state(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let paths = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        // A daemon may be writing a mark.
        let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension != "new"));
        paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }

    /// Puts the older state back, and its mark too.
    pub(crate) fn put_back(&self, with_mark: bool) {
        let mark = fs::read(self.mark()).unwrap();
        self.remove_all();
        for (path, bytes) in &self.older {
            fs::write(path, bytes).unwrap();
        }
        if !with_mark {
            fs::write(self.mark(), mark).unwrap();
        }
    }

    /// Puts the mark of the older state back.
    pub(crate) fn put_back_mark(&self) {
        let is_mark = |(path, _): &&(PathBuf, Vec<u8>)| *path == self.mark();
        let (path, bytes) = self.older.iter().find(is_mark).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Changes all lines from one on, each with its digest.
    pub(crate) fn forge_from(&self, seq: u64) {
        let mut previous: Option<String> = None;
        for number in (0..4).rev() {
            self.edit(number, |lines| {
                for line in lines {
                    let old = value(line);
                    if old["seq"].as_u64() < Some(seq) {
                        continue;
                    }
                    let mut other = line.replace("ASIA1", "ASIA9");
                    if let Some(previous) = &previous {
                        other = other.replace(old["previous"].as_str().unwrap(), previous);
                    }
                    *line = sealed(&other);
                    previous = value(line)["hash"].as_str().map(str::to_owned);
                }
            });
        }
    }

    /// Changes everything, the mark as well.
    pub(crate) fn forge_all(&self) {
        self.forge_from(1);
        let hash = value(self.lines(0).last().unwrap())["hash"].as_str().unwrap().to_owned();
        let digest = digest(&format!("1 20 {hash}"));
        let mark = format!(r#"{{"first":1,"seq":20,"hash":"{hash}","digest":"{digest}"}}"#);
        fs::write(self.mark(), mark).unwrap();
    }

    /// Waits until the daemon has written something to its newest file.
    pub(crate) fn wait_for(&self, text: &str) {
        for _ in 0..1_000 {
            if fs::read_to_string(self.file(0)).unwrap().contains(text) {
                return;
            }
            std::thread::sleep(STEP);
        }
        panic!("{text} is not written");
    }
}
