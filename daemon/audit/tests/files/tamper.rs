//! Every way to tamper with an audit, and where it is found: by the check that a person makes, and again after the next
//! daemon has written.

use crate::place::{LAST_DAY, Place, entry, sealed, value};
use keyfob_audit::{Anchor, verify};
use serde_json::Value;
use std::fs;

/// What somebody does, and the beginning of what is told; a name of a file stands for its path.
type Case = (&'static str, fn(&Place), &'static str);

const CASES: &[Case] = &[
    (
        "the last line is taken out",
        |place| place.edit(0, |lines| lines.truncate(4)),
        "audit.jsonl:4: line 20 behind it is missing",
    ),
    (
        "the last lines are taken out",
        |place| place.edit(0, |lines| lines.truncate(1)),
        "audit.jsonl:1: the lines 17 to 20 behind it are missing",
    ),
    (
        "the last line is cut",
        |place| place.cut(0, 40),
        "audit.jsonl:5: it was changed or cut: line 20 is missing",
    ),
    (
        "the last line is cut to its first letter",
        |place| place.cut_to(0, 4, 1),
        "audit.jsonl:5: it was changed or cut: line 20 is missing",
    ),
    (
        "the newest file is emptied",
        |place| place.edit(0, Vec::clear),
        "audit.1.jsonl:5: the lines 16 to 20 behind it are missing",
    ),
    (
        "a file is cut within a line",
        |place| place.cut_to(2, 3, 50),
        "audit.2.jsonl:4: it was changed or cut: the lines 9 to 10 are missing",
    ),
    (
        "a file is cut behind a line",
        |place| place.edit(2, |lines| lines.truncate(3)),
        "audit.1.jsonl:1: the lines 9 to 10 before it are missing, behind audit.2.jsonl:3",
    ),
    (
        "a line is sealed anew",
        |place| place.edit(2, |lines| lines[2] = sealed(&lines[2].replace("ASIA", "ASIB"))),
        "audit.2.jsonl:4: it does not follow from the line before it",
    ),
    (
        "the last line is sealed anew",
        |place| place.edit(0, |lines| lines[4] = sealed(&lines[4].replace("ASIA", "ASIB"))),
        "audit.jsonl:5: it is not the line that was written",
    ),
    (
        "the first line is sealed anew",
        |place| place.edit(3, |lines| lines[0] = sealed(&lines[0].replace("000000", "000001"))),
        "audit.3.jsonl:1: the first line was exchanged",
    ),
    (
        "the chain is made anew from a line on",
        |place| place.forge_from(8),
        "audit.jsonl:5: it is not the line that was written",
    ),
    (
        "a field is put in",
        |place| place.edit(2, |lines| lines[2] = lines[2].replace(",\"uid\"", ",\"note\":\"fine\",\"uid\"")),
        "audit.2.jsonl:3: the line was changed",
    ),
    (
        "a space is put in",
        |place| place.edit(2, |lines| lines[2] = lines[2].replace(",\"uid\"", ", \"uid\"")),
        "audit.2.jsonl:3: the line was changed",
    ),
    (
        "two lines change places",
        |place| place.edit(2, |lines| lines.swap(1, 2)),
        "audit.2.jsonl:2: line 7 before it is missing",
    ),
    (
        "a line moves to another file",
        |place| {
            let moved = place.lines(2).remove(1);
            place.edit(2, |lines| drop(lines.remove(1)));
            place.edit(1, |lines| lines.insert(2, moved));
        },
        "audit.2.jsonl:2: line 7 before it is missing",
    ),
    (
        "a line is doubled",
        |place| place.edit(2, |lines| lines.insert(2, lines[1].clone())),
        "audit.2.jsonl:3: it is line 7 of the audit, and line 8 belongs here",
    ),
    (
        "the last line is doubled",
        |place| place.edit(0, |lines| lines.push(lines[4].clone())),
        "audit.jsonl:6: it is line 20 of the audit, and line 21 belongs here",
    ),
    (
        "the first line is taken out",
        |place| place.edit(3, |lines| drop(lines.remove(0))),
        "audit.3.jsonl:1: line 1 before it is missing",
    ),
    (
        "a line in the middle is taken out",
        |place| place.edit(2, |lines| drop(lines.remove(2))),
        "audit.2.jsonl:3: line 8 before it is missing",
    ),
    (
        "the first lines of a file are taken out",
        |place| place.edit(1, |lines| drop(lines.drain(..3))),
        "audit.1.jsonl:1: the lines 11 to 13 before it are missing, behind audit.2.jsonl:5",
    ),
    (
        "words are put in",
        |place| place.edit(2, |lines| lines.insert(2, "all is well".into())),
        "audit.2.jsonl:3: it is no line of the audit",
    ),
    (
        "an empty line is put in",
        |place| place.edit(2, |lines| lines.insert(2, String::new())),
        "audit.2.jsonl:3: it is no line of the audit",
    ),
    (
        "a line becomes half of another",
        |place| place.edit(2, |lines| lines[2] = lines[1][..30].into()),
        "audit.2.jsonl:3: it is no line of the audit",
    ),
    (
        "the oldest file is removed",
        |place| place.remove(3),
        "audit.2.jsonl:1: the lines 1 to 5 before it are missing",
    ),
    (
        "a file in the middle is removed",
        |place| place.remove(2),
        "audit.1.jsonl:1: the lines 6 to 10 before it are missing, behind audit.3.jsonl:5",
    ),
    (
        "the newest file is removed",
        |place| place.remove(0),
        "audit.1.jsonl:5: the lines 16 to 20 behind it are missing",
    ),
    (
        "all files are removed",
        |place| (0..4).for_each(|number| place.remove(number)),
        "audit.jsonl: the lines 1 to 20 are missing",
    ),
    (
        "two files change places",
        |place| place.swap(1, 2),
        "audit.2.jsonl:1: the lines 6 to 10 before it are missing, behind audit.3.jsonl:5",
    ),
    (
        "the newest file changes places",
        |place| place.swap(0, 3),
        "audit.3.jsonl:1: the lines 1 to 15 before it are missing",
    ),
    (
        "a file is put in the place of another",
        |place| {
            fs::copy(place.file(3), place.file(1)).unwrap();
        },
        "audit.1.jsonl:1: it is line 1 of the audit, and line 11 belongs here",
    ),
    (
        "a file is added",
        |place| {
            fs::copy(place.file(2), place.file(7)).unwrap();
        },
        "audit.7.jsonl:1: the lines 1 to 5 before it are missing",
    ),
    (
        "words are added as a file",
        |place| fs::write(place.file(7), "all is well\n").unwrap(),
        "audit.7.jsonl:1: it is no line of the audit",
    ),
    (
        "an older state of the files is put back",
        |place| place.put_back(false),
        "audit.jsonl:5: the lines 11 to 20 behind it are missing",
    ),
    (
        "the mark is removed",
        |place| fs::remove_file(place.mark()).unwrap(),
        "audit.mark: the mark is missing",
    ),
    (
        "the mark is emptied",
        |place| fs::write(place.mark(), "").unwrap(),
        "audit.mark: the mark can't be read",
    ),
    (
        "an older mark is put back",
        Place::put_back_mark,
        "audit.mark: the mark is older than audit.1.jsonl: an older one was put back",
    ),
    (
        "the mark is another's",
        |place| {
            fs::copy(Place::with_lines(1).mark(), place.mark()).unwrap();
        },
        "audit.3.jsonl:1: it is not the line that was written",
    ),
];

#[test]
fn each_is_found_where_it_is_and_after_the_next_daemon_too() {
    for (name, tamper, told) in CASES {
        let place = Place::with_files();
        assert_eq!(place.told(None), "20 in order");
        tamper(&place);
        let found = place.told(None);
        assert!(found.starts_with(told), "{name}: {found}");
        place.life(LAST_DAY, 2);
        let found = place.told(None);
        assert!(!found.ends_with("in order"), "{name}, after the next daemon: {found}");
    }
}

#[test]
fn each_field_of_a_line_and_of_the_mark_is_bound() {
    let line = value(&Place::with_files().lines(2)[2]);
    let fields: Vec<String> = line.as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields.len(), 15, "a field was added: {fields:?}");
    for field in fields {
        let place = Place::with_files();
        place.edit(2, |lines| lines[2] = changed(&lines[2], &field));
        let found = place.told(None);
        assert!(found.starts_with("audit.2.jsonl:3: ") && found.contains("changed"), "{field}: {found}");
    }
    let mark = value(&fs::read_to_string(Place::with_files().mark()).unwrap());
    for field in mark.as_object().unwrap().keys() {
        let place = Place::with_files();
        let text = fs::read_to_string(place.mark()).unwrap();
        fs::write(place.mark(), changed(&text, field)).unwrap();
        let found = place.told(None);
        assert_eq!(found, "audit.mark: the mark can't be read: it was changed", "{field}");
        place.life(LAST_DAY, 1);
        assert!(
            place.told(None).starts_with("audit.jsonl:6: the daemon has found then: the mark"),
            "{field}"
        );
    }
}

/// Changes one field of an object, and leaves the others as they are written.
fn changed(text: &str, field: &str) -> String {
    let old = value(text)[field].clone();
    let new: Value = match &old {
        Value::Number(number) => (number.as_u64().unwrap() + 1).into(),
        Value::String(text) => format!("{text}x").into(),
        Value::Array(_) => Vec::<Value>::new().into(),
        other => panic!("{other}"),
    };
    let other = text.replace(&format!("\"{field}\":{old}"), &format!("\"{field}\":{new}"));
    assert_ne!(other, text, "{field}");
    other
}

#[test]
fn what_nothing_beside_the_audit_can_show_is_shown_by_an_anchor() {
    let place = Place::with_files();
    let anchor = verify(place.path(), None).unwrap().newest.unwrap();
    assert_eq!(anchor.to_string().parse::<Anchor>().unwrap(), anchor);
    place.life(LAST_DAY, 3);
    assert_eq!(place.told(Some(&anchor)), "23 in order", "it grows, and the anchor is there still");
    for (name, tamper, told) in [
        (
            "an older state is put back with its mark",
            (|place: &Place| place.put_back(true)) as fn(&Place),
            "audit.jsonl:5: the lines 11 to 20 behind it are missing: an older state",
        ),
        ("all is written anew", Place::forge_all, "audit.jsonl:5: it is not the line of the anchor"),
        ("all is removed", Place::remove_all, "audit.jsonl: the lines 1 to 20 are missing: an older state"),
    ] {
        let place = Place::with_files();
        tamper(&place);
        assert!(place.told(None).ends_with("in order"), "{name}: {}", place.told(None));
        assert!(place.told(Some(&anchor)).starts_with(told), "{name}: {}", place.told(Some(&anchor)));
    }
    for wrong in
        ["", "1", "0:", "x:00", "1:zz", &format!("0:{}", "0".repeat(64)), &format!("1:{}", "g".repeat(64))]
    {
        assert!(wrong.parse::<Anchor>().is_err(), "{wrong}");
    }
}

#[test]
fn what_a_crash_leaves_is_no_tampering() {
    for torn in [
        "{",
        "{\"seq\":21,\"ti",
        "{\"seq\":21,\"time\":\"2026-01-01T00:00",
        "\0\0\0\0",
        "{\"seq\":21,\"t\0\0\0",
    ] {
        let place = Place::with_files();
        let text = fs::read_to_string(place.file(0)).unwrap();
        fs::write(place.file(0), text + torn).unwrap();
        assert_eq!(place.told(None), "20 in order", "{torn:?}");
        place.life(LAST_DAY, 2);
        assert_eq!(place.told(None), "22 in order", "{torn:?}");
        assert_eq!(verify(place.path(), None).unwrap().torn, 1);
    }
}

#[test]
fn what_is_done_beneath_a_running_daemon_is_found_when_it_has_written() {
    for (name, tamper) in [
        ("the newest file is removed", (|place: &Place| place.remove(0)) as fn(&Place)),
        ("the newest file is exchanged for itself, as editors do", |place| {
            fs::copy(place.file(0), place.path().join("copy")).unwrap();
            fs::rename(place.path().join("copy"), place.file(0)).unwrap();
        }),
        ("the newest file is emptied in place", |place| place.edit(0, Vec::clear)),
        ("the newest file is cut within a line in place", |place| place.cut(0, 40)),
        ("words are added", |place| place.edit(0, |lines| lines.push("all is well".into()))),
        ("an older state is put back with its mark", |place| place.put_back(true)),
    ] {
        let place = Place::with_files();
        let audit = place.open();
        audit.record(entry(LAST_DAY, 1));
        place.wait_for("\"seq\":21,");
        tamper(&place);
        audit.record(entry(LAST_DAY, 2));
        audit.close();
        assert!(!place.told(None).ends_with("in order"), "{name}");
        let text = fs::read_to_string(place.file(0)).unwrap();
        assert!(text.contains("\"request\":\"audit\"") && text.contains("\"seq\":23,"), "{name}: {text}");
    }
}
