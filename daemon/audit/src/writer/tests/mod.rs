//! The writer, claim by claim.

mod loss;
#[cfg(unix)]
mod on_unix;

use super::*;
use crate::files::file;
use crate::{Audit, Broken, Caller, Entry, History, Outcome, Verified};
use keyfob_shared::Timestamp;
use std::fs::File;
use std::path::PathBuf;

/// Files of the tests: as many as with the default bounds.
const FILES: usize = 6;
const DAY: i64 = 24 * 3_600_000;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn newest(&self) -> PathBuf {
        file(self.path(), 0)
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.newest()).unwrap()
    }

    fn set_text(&self, text: &str) {
        std::fs::write(self.newest(), text).unwrap();
    }

    /// One life of a daemon that ends well.
    fn write(&self, count: usize) {
        let audit = Audit::open(self.path(), Retention::default()).unwrap();
        (0..count).for_each(|number| audit.record(entry(&format!("p{number}\u{1b}[31m\n"))));
        audit.close();
    }

    fn writer(&self) -> Writer {
        Writer::open(self.path(), Arc::default()).unwrap()
    }

    /// One that has a line in each of its files.
    fn rotated(&self) -> Writer {
        let mut writer = self.writer();
        writer.output.longest = 1;
        for number in 0..FILES {
            one(&mut writer, &number.to_string());
        }
        writer.set_mark();
        writer
    }

    fn verify(&self) -> Result<Verified, Broken> {
        crate::verify(self.path(), None)
    }

    /// Answers how many lines are in order, and how many are torn.
    fn counts(&self) -> (u64, u64) {
        self.verify().map(|verified| (verified.lines, verified.torn)).unwrap()
    }

    fn why(&self) -> String {
        self.verify().unwrap_err().to_string()
    }
}

fn entry(profile: &str) -> Entry {
    Entry {
        time: Timestamp::from_millis(0),
        request: "get",
        socket: None,
        profile: Some(profile.into()),
        outcome: Outcome::Served,
        reason: None,
        access_key_id: Some("ASIA1".into()),
        session_name: None,
        caller: Caller::default(),
    }
}

impl Writer {
    fn set_mark(&self) {
        self.marks.write(&self.end_of_file().unwrap()).unwrap();
    }
}

fn one(writer: &mut Writer, profile: &str) -> u64 {
    on_day(writer, profile, 0)
}

/// Writes a line of a day, and answers how many were lost.
fn on_day(writer: &mut Writer, profile: &str, day: i64) -> u64 {
    let lost = AtomicU64::new(0);
    let entry = Entry { time: Timestamp::from_millis(day * DAY), ..entry(profile) };
    writer.batch(&entry.clone(), std::iter::once(entry), &lost);
    lost.into_inner()
}

fn without(text: &str, taken: impl Fn(usize) -> bool) -> String {
    let lines = text.lines().enumerate().filter(|(at, _)| !taken(*at));
    lines.map(|(_, line)| format!("{line}\n")).collect()
}

#[test]
fn the_chain_goes_on_over_restarts() {
    let place = Place::new();
    place.write(3);
    place.write(2);
    assert_eq!(place.counts(), (5, 0));
    assert!(!place.text().contains('\u{1b}') && place.text().lines().count() == 5);
}

#[test]
fn a_line_that_was_changed_moved_or_taken_out_is_found() {
    let place = Place::new();
    place.write(5);
    let text = place.text();
    place.set_text(&text.replacen("ASIA1", "ASIA2", 1));
    assert_eq!(place.verify().unwrap_err().line, 1);
    place.set_text(&without(&text, |at| at == 2));
    assert_eq!(place.verify().unwrap_err().line, 3);
    let mut lines: Vec<&str> = text.lines().collect();
    lines.swap(1, 2);
    place.set_text(&(lines.join("\n") + "\n"));
    assert_eq!(place.verify().unwrap_err().line, 2);
    place.set_text(&without(&text, |at| at == 0));
    assert!(place.why().ends_with("audit.jsonl:1: line 1 before it is missing"), "{}", place.why());
}

#[test]
fn a_cut_tail_is_found_now_and_after_the_next_daemon_has_written() {
    let place = Place::new();
    place.write(5);
    place.set_text(&without(&place.text(), |at| at > 2));
    assert!(
        place.why().ends_with("audit.jsonl:3: the lines 4 to 5 behind it are missing"),
        "{}",
        place.why()
    );
    place.write(2);
    assert!(place.text().contains("the last lines of the audit were missing"));
    assert!(place.why().contains("audit.jsonl:4: "), "{}", place.why());
}

#[test]
fn a_changed_line_near_the_end_is_told_by_the_next_daemon() {
    let place = Place::new();
    place.write(5);
    place.set_text(&place.text().replacen("ASIA1", "ASIA2", 1));
    place.write(1);
    assert!(place.text().contains("a line of the audit was changed"));
    assert_eq!(place.verify().unwrap_err().line, 1);
}

#[test]
fn an_older_state_and_a_chain_that_was_made_anew_are_found() {
    let place = Place::new();
    place.write(3);
    let old = place.text();
    place.write(2);
    place.set_text(&old);
    assert!(place.why().contains("missing"));
    let forged = Place::new();
    forged.write(6);
    place.set_text(&forged.text());
    assert_eq!(place.verify().unwrap_err().line, 5);
    place.write(1);
    assert!(place.text().contains("the last lines of the audit were changed"));
    assert!(place.verify().is_err());
}

#[test]
fn deleted_files_are_found() {
    let place = Place::new();
    drop(place.rotated());
    assert_eq!(place.verify().unwrap().lines, FILES as u64);
    let aside = place.path().join("aside");
    for number in 0..FILES {
        std::fs::rename(file(place.path(), number), &aside).unwrap();
        assert!(place.verify().is_err(), "without file {number}");
        std::fs::rename(&aside, file(place.path(), number)).unwrap();
    }
    (0..FILES).for_each(|number| std::fs::remove_file(file(place.path(), number)).unwrap());
    assert!(place.why().contains("the lines 1 to 6 are missing"), "{}", place.why());
    place.write(1);
    assert!(place.text().contains("the lines of the audit were missing") && place.verify().is_err());
}

#[test]
fn a_mark_that_is_missing_or_damaged_is_found_and_told() {
    for damage in [None, Some("{"), Some("")] {
        let place = Place::new();
        place.write(2);
        let mark = crate::mark::path(place.path());
        match damage {
            None => std::fs::remove_file(&mark).unwrap(),
            Some(text) => std::fs::write(&mark, text).unwrap(),
        }
        assert!(place.why().contains("audit.mark: the mark "), "{}", place.why());
        place.write(1);
        assert!(place.text().contains("the mark of the audit was missing or damaged"));
        assert!(
            place.why().contains("audit.jsonl:3: the daemon has found then: the mark"),
            "{}",
            place.why()
        );
    }
}

#[test]
fn a_daemon_that_was_killed_leaves_a_torn_line_and_no_suspicion() {
    let place = Place::new();
    place.write(2);
    let mut writer = place.writer();
    assert_eq!(one(&mut writer, "behind the mark"), 0);
    drop(writer);
    place.set_text(&(place.text() + "{\"seq\":4,\"ti"));
    assert_eq!(place.counts(), (3, 1));
    place.write(2);
    assert_eq!(place.counts(), (5, 1));
}

#[test]
fn a_kill_while_files_are_rotated_or_removed_leaves_no_suspicion() {
    let place = Place::new();
    let mut writer = place.rotated();
    // It gets as far as the half of the moves.
    for number in (3..FILES).rev() {
        std::fs::rename(file(place.path(), number), file(place.path(), number + 1)).unwrap();
    }
    assert_eq!(place.counts(), (FILES as u64, 0));
    writer.output.rotate(&writer.end, &writer.marks).unwrap();
    assert!(
        (0..=FILES).all(|number| file(place.path(), number).exists()),
        "the gap is filled, and others stay"
    );
    assert_eq!(place.counts(), (FILES as u64, 0));
    // It gets as far as the mark.
    writer.marks.keep_from(3).unwrap();
    assert_eq!(place.counts(), (FILES as u64, 0), "they are not gone yet");
    for number in [FILES, FILES - 1] {
        std::fs::remove_file(file(place.path(), number)).unwrap();
        assert!(place.verify().is_ok(), "the oldest file is gone, and the mark knows");
    }
    std::fs::remove_file(file(place.path(), FILES - 2)).unwrap();
    assert!(place.why().contains("line 3 before it is missing"), "{}", place.why());
}

#[test]
fn a_full_file_is_rotated_and_the_chain_goes_on() {
    let place = Place::new();
    let mut writer = place.rotated();
    one(&mut writer, "more");
    assert_eq!(place.verify().unwrap().lines, FILES as u64 + 1);
    drop(writer);
    place.write(1);
    assert_eq!(place.verify().unwrap().lines, FILES as u64 + 2);
}

#[test]
fn a_check_beside_a_daemon_that_rotates_and_removes_files_finds_nothing() {
    let place = Place::new();
    let retention = Retention { age: None, size: output::MAX_FILE + 3_000 };
    let mut writer = Writer::open(place.path(), Arc::new(Mutex::new(retention))).unwrap();
    writer.output.longest = 700;
    std::thread::scope(|scope| {
        let lines = scope.spawn(|| (0..100).map(|_| one(&mut writer, "p")).sum::<u64>());
        while !lines.is_finished() {
            if let Err(broken) = place.verify() {
                panic!("{broken}");
            }
        }
        assert_eq!(lines.join().unwrap(), 0, "none was lost");
    });
    assert!(place.verify().unwrap().first > 1, "old files have left");
}

#[test]
fn the_newest_file_may_be_empty_after_a_kill() {
    let place = Place::new();
    place.write(2);
    std::fs::rename(place.newest(), file(place.path(), 1)).unwrap();
    place.set_text("");
    place.write(1);
    assert_eq!(place.verify().unwrap().lines, 3);
}

#[test]
fn lines_of_the_first_version_verify() {
    let place = Place::new();
    place.set_text(concat!(
        r#"{"seq":1,"time":"2026-01-01T00:00:00Z","request":"get","profile":"p","outcome":"failed","reason":"wh"#,
        r#"y","uid":1000,"pid":7,"program":"keyfob","previous":"0000000000000000000000000000000000000000000000000000000000000000","hash":"b215910bbf433d5e0da6efc121e0d5fd8e56f986abab9a5b11f7130082896d4c"}"#,
        "\n"
    ));
    let hash = "b215910bbf433d5e0da6efc121e0d5fd8e56f986abab9a5b11f7130082896d4c";
    std::fs::write(crate::mark::path(place.path()), format!(r#"{{"first":1,"seq":1,"hash":"{hash}"}}"#))
        .unwrap();
    assert_eq!(place.counts(), (1, 0));
    place.write(2);
    assert_eq!(place.counts(), (3, 0));
}

#[test]
fn failures_that_repeat_are_two_lines_with_their_number_in_the_chain() {
    let place = Place::new();
    let audit = Audit::open(place.path(), Retention::default()).unwrap();
    let failed = Entry { outcome: Outcome::Failed, access_key_id: None, ..entry("absent") };
    for number in 0..1_000 {
        audit.record(failed.clone());
        if number % 100 == 0 {
            audit.record(entry("p"));
        }
    }
    audit.close();
    assert_eq!(place.counts(), (12, 0));
    let mut times = Vec::new();
    let each = |line: Line| {
        times.extend(line.times);
        Ok::<(), ()>(())
    };
    History::open(place.path()).unwrap().each(&Default::default(), None, each).unwrap();
    assert_eq!(times, [999]);
    // Whoever changes the number is found out.
    place.set_text(&place.text().replace("\"times\":999", "\"times\":1"));
    assert!(place.why().contains("the line was changed"));
}
