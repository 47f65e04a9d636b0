//! Old files leave whole, and what is left verifies.

use crate::place::{LAST_DAY, Place, entry};
use keyfob_audit::{Audit, Retention, verify};
use std::fs;
use std::time::Duration;

const DAYS: u64 = 24 * 3_600;

fn numbers(place: &Place) -> Vec<usize> {
    (0..12).filter(|number| place.file(*number).exists()).collect()
}

/// One line on a day.
fn line(place: &Place, retention: Retention, day: i64) {
    let audit = Audit::open(place.path(), retention).unwrap();
    audit.record(entry(day, 0));
    audit.close();
}

#[test]
fn files_older_than_the_age_leave_and_the_newest_stays() {
    let age = |days: u64| Retention { age: Some(Duration::from_secs(days * DAYS)), ..Retention::default() };
    let place = Place::with_files();
    line(&place, age(80), 80);
    assert_eq!(numbers(&place), [0, 1, 2, 3, 4], "the oldest are of day 0");
    assert_eq!(place.told(None), "21 in order");
    line(&place, age(80), 81);
    assert_eq!(numbers(&place), [0, 1, 2, 3]);
    assert_eq!(place.told(None), "17 in order");
    assert_eq!(verify(place.path(), None).unwrap().first, 6);
    line(&place, age(10), 1_000);
    assert_eq!(numbers(&place), [0], "all others are older");
    assert_eq!(place.told(None), "1 in order");
    line(&place, age(10), 10_000);
    assert_eq!(place.told(None), "1 in order", "a line is there always");
}

#[test]
fn a_clock_that_steps_back_makes_nothing_old() {
    let place = Place::with_files();
    line(&place, Retention { age: Some(Duration::from_secs(DAYS)), ..Retention::default() }, -10_000);
    assert_eq!(place.told(None), "21 in order");
}

#[test]
fn files_beyond_the_size_leave() {
    let place = Place::with_files();
    let rotated: u64 = (1..4).map(|number| fs::metadata(place.file(number)).unwrap().len()).sum();
    let room_for_newest = 10 * 1024 * 1024;
    let fits = Retention { age: None, size: room_for_newest + rotated };
    line(&place, fits, LAST_DAY);
    assert_eq!(numbers(&place), [0, 1, 2, 3]);
    line(&place, Retention { size: fits.size - 1, ..fits }, LAST_DAY);
    assert_eq!(numbers(&place), [0, 1, 2]);
    assert_eq!(place.told(None), "17 in order");
    line(&place, Retention { age: None, size: 0 }, LAST_DAY);
    assert_eq!(numbers(&place), [0]);
    assert_eq!(place.told(None), "8 in order");
}

#[test]
fn other_bounds_are_in_force_with_the_next_line() {
    let place = Place::with_files();
    let audit = place.open();
    audit.record(entry(LAST_DAY, 0));
    place.wait_for("\"seq\":21,");
    audit.keep(Retention { age: None, size: 0 });
    audit.record(entry(LAST_DAY, 1));
    audit.close();
    assert_eq!(numbers(&place), [0]);
}

#[test]
fn what_was_taken_out_is_not_forgotten_when_old_files_leave() {
    let place = Place::with_files();
    place.edit(2, |lines| drop(lines.remove(0)));
    let rotated: u64 = (1..3).map(|number| fs::metadata(place.file(number)).unwrap().len()).sum();
    line(&place, Retention { age: None, size: 10 * 1024 * 1024 + rotated }, LAST_DAY);
    assert_eq!(numbers(&place), [0, 1, 2]);
    assert_eq!(place.told(None), "audit.2.jsonl:1: line 6 before it is missing");
    place.remove(2);
    assert!(place.told(None).starts_with("audit.1.jsonl:1: the lines 6 to 10 before it are missing"));
}
