//! The thread that writes: in batches, rotated, going on where the last daemon ended.

use crate::chain::{Line, START, clean};
use crate::process::Programs;
use crate::{Entry, Outcome};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Files that are kept, the one that is written to among them.
pub(crate) const FILES: usize = 6;
const MAX_FILE: u64 = 10 * 1024 * 1024;
const MAX_QUEUE: usize = 16_384;
const MAX_BATCH: usize = 512;
/// Under load, lines are collected this long, so that not every one of them wakes the thread.
const PAUSE: Duration = Duration::from_millis(2);
const LAST_WRITES: Duration = Duration::from_secs(1);

/// Answers the path of a file; 0 is the newest.
pub(crate) fn file(state_directory: &Path, number: usize) -> PathBuf {
    match number {
        0 => state_directory.join("audit.jsonl"),
        number => state_directory.join(format!("audit.{number}.jsonl")),
    }
}

/// The audit of a daemon.
#[derive(Debug)]
pub struct Audit {
    queue: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
    thread: JoinHandle<()>,
    ended: Receiver<()>,
}

impl Audit {
    /// Opens the audit in a directory and starts its thread.
    ///
    /// # Errors
    /// If the file can't be opened, or is a symbolic link.
    pub fn open(state_directory: &Path) -> io::Result<Self> {
        let mut writer = Writer::open(state_directory)?;
        let (queue, entries) = sync_channel(MAX_QUEUE);
        let (end, ended) = sync_channel(1);
        let lost = Arc::new(AtomicU64::new(0));
        let own = lost.clone();
        let thread = std::thread::Builder::new().name("audit".into()).spawn(move || {
            writer.run(&entries, &own);
            let _ = end.send(());
        })?;
        Ok(Self { queue, lost, thread, ended })
    }

    /// Has a request written down; never waits.
    pub fn record(&self, entry: Entry) {
        if self.queue.try_send(entry).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes what is queued, for a second at most.
    pub fn close(self) {
        drop(self.queue);
        if self.ended.recv_timeout(LAST_WRITES) != Err(RecvTimeoutError::Timeout) {
            let _ = self.thread.join();
        }
    }
}

struct Writer {
    directory: PathBuf,
    file: File,
    size: u64,
    seq: u64,
    previous: String,
    programs: Programs,
}

impl Writer {
    fn open(directory: &Path) -> io::Result<Self> {
        let path = file(directory, 0);
        let mut opened = append(&path)?;
        let mut size = opened.metadata()?.len();
        let last = crate::read(directory).filter_map(|(_, _, line)| line.ok()).last();
        let (seq, previous) = last.map_or((0, START.to_owned()), |line| (line.seq, line.hash));
        if size > 0 && !std::fs::read(&path)?.ends_with(b"\n") {
            opened.write_all(b"\n")?;
            size += 1;
        }
        Ok(Self {
            directory: directory.to_owned(),
            file: opened,
            size,
            seq,
            previous,
            programs: Programs::default(),
        })
    }

    fn run(&mut self, entries: &Receiver<Entry>, lost: &AtomicU64) {
        while let Ok(first) = entries.recv() {
            let mut text = Vec::new();
            let missed = lost.swap(0, Ordering::Relaxed);
            if missed > 0 {
                self.append(&mut text, lost_entry(&first, missed));
            }
            self.append(&mut text, first);
            entries.try_iter().take(MAX_BATCH).for_each(|entry| self.append(&mut text, entry));
            if let Err(error) = self.write(&text) {
                tracing::warn!(%error, "write the audit");
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn append(&mut self, text: &mut Vec<u8>, entry: Entry) {
        let (program, parents) = self.programs.of(&entry.caller, entry.time);
        self.seq += 1;
        let mut line = Line {
            seq: self.seq,
            time: entry.time,
            request: entry.request.into(),
            profile: entry.profile.as_deref().map(clean),
            outcome: entry.outcome,
            reason: entry.reason.as_deref().map(clean),
            access_key_id: entry.access_key_id.as_deref().map(clean),
            session_name: entry.session_name.as_deref().map(clean),
            uid: entry.caller.uid,
            pid: entry.caller.pid,
            program,
            parents,
            previous: std::mem::take(&mut self.previous),
            hash: String::new(),
        };
        line.hash = line.digest();
        if serde_json::to_writer(&mut *text, &line).is_ok() {
            text.push(b'\n');
        }
        self.previous = line.hash;
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        if self.size > MAX_FILE {
            self.rotate()?;
        }
        self.file.write_all(text)?;
        self.size += text.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..FILES).rev() {
            match std::fs::rename(file(&self.directory, number - 1), file(&self.directory, number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        self.file = append(&file(&self.directory, 0))?;
        self.size = 0;
        Ok(())
    }
}

fn lost_entry(after: &Entry, missed: u64) -> Entry {
    Entry {
        request: "lost",
        profile: None,
        outcome: Outcome::Failed,
        reason: Some(format!("{missed} lines were not written")),
        access_key_id: None,
        session_name: None,
        caller: crate::Caller::default(),
        ..after.clone()
    }
}

#[cfg(unix)]
fn append(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new().create(true).append(true).mode(0o600).custom_flags(no_follow).open(path)
}

#[cfg(not(unix))]
fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Caller, verify};
    use keyfob_shared::Timestamp;

    fn entry(profile: &str) -> Entry {
        Entry {
            time: Timestamp::from_millis(0),
            request: "get",
            profile: Some(profile.into()),
            outcome: Outcome::Served,
            reason: None,
            access_key_id: Some("ASIA1".into()),
            session_name: None,
            caller: Caller::default(),
        }
    }

    fn write(directory: &Path, count: usize) {
        let audit = Audit::open(directory).unwrap();
        (0..count).for_each(|number| audit.record(entry(&format!("p{number}\u{1b}[31m\n"))));
        audit.close();
    }

    #[test]
    fn the_chain_goes_on_over_restarts() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), 3);
        write(directory.path(), 2);
        assert_eq!(verify(directory.path()).unwrap(), crate::Verified { lines: 5, torn: 0 });
        let text = std::fs::read_to_string(file(directory.path(), 0)).unwrap();
        assert!(!text.contains('\u{1b}') && text.lines().count() == 5);
    }

    #[test]
    fn a_line_that_was_changed_or_taken_out_is_found() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), 5);
        let path = file(directory.path(), 0);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("ASIA1", "ASIA2", 1)).unwrap();
        assert_eq!(verify(directory.path()).unwrap_err().line, 1);
        let without: String = text
            .lines()
            .enumerate()
            .filter(|(at, _)| *at != 2)
            .map(|(_, line)| format!("{line}\n"))
            .collect();
        std::fs::write(&path, without).unwrap();
        assert_eq!(verify(directory.path()).unwrap_err().line, 3);
    }

    #[test]
    fn a_torn_line_does_not_end_the_audit() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), 2);
        let path = file(directory.path(), 0);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"seq\":3,\"ti");
        std::fs::write(&path, text).unwrap();
        write(directory.path(), 2);
        assert_eq!(verify(directory.path()).unwrap(), crate::Verified { lines: 4, torn: 1 });
    }

    #[test]
    fn a_full_file_is_rotated_and_the_chain_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path()).unwrap();
        for number in 0..10 {
            let mut text = Vec::new();
            writer.append(&mut text, entry(&number.to_string()));
            writer.size = MAX_FILE + 1;
            writer.write(&text).unwrap();
        }
        let kept = verify(directory.path()).unwrap().lines;
        assert_eq!(kept, FILES as u64);
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_not_written_through() {
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/null", file(directory.path(), 0)).unwrap();
        assert!(Audit::open(directory.path()).is_err());
    }
}
