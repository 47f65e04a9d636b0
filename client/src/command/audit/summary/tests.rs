//! The summary, as it is counted and as it looks.

use super::super::chart::Letters;
use super::*;
use keyfob_audit::Line;
use serde_json::json;

const DAY: i64 = 24 * 3_600_000;

fn line(day: i64, profile: &str, program: &str, outcome: &str, times: u64) -> Line {
    let time = Timestamp::from_millis(1_767_225_600_000 + day * DAY);
    let line = json!({
        "seq": 1, "time": time, "request": "get", "profile": profile, "outcome": outcome, "times": times, "uid": 0,
        "pid": 7, "program": "/usr/bin/keyfob", "parents": [{ "pid": 6, "program": format!("/usr/bin/{program}") }],
        "previous": "", "hash": "",
    });
    serde_json::from_value(line).unwrap()
}

fn week() -> Summary {
    let mut summary = Summary::default();
    for (day, count) in [(0, 10), (2, 40), (3, 80)] {
        summary.add(&line(day, "prod", "terraform", "served", count));
    }
    summary.add(&line(3, "prod", "terraform", "failed", 2));
    summary.add(&line(1, "ci\u{1b}[31m", "make", "refused", 5));
    summary
}

#[test]
fn people_see_who_used_what_and_when() {
    let ascii = week().render(Style { letters: Letters::Ascii, width: 80 });
    let expected = "\
PROFILE  PROGRAM    SERVED  FAILED  REFUSED  LAST                  BY DAY
ci [31m  make       0       0       5        2026-01-02T00:00:00Z  ._..
prod     terraform  130     2       0        2026-01-04T00:00:00Z  _.:#

2026-01-01  ###### 10
2026-01-02  ### 5, 5 refused
2026-01-03  ########################## 40
2026-01-04  ####################################################### 82, 2 failed
";
    assert_eq!(ascii, expected);
    let blocks = week().render(Style { letters: Letters::Blocks, width: 80 });
    assert!(blocks.contains("  ·▁··\n") && blocks.contains("2026-01-01  ██████▋ 10\n"), "{blocks}");
}

#[test]
fn a_chart_fits_into_narrow_terminals_and_long_times() {
    let mut summary = week();
    summary.add(&line(99, "prod", "terraform", "served", 1));
    for width in [10, 40, 80, 200] {
        let text = summary.render(Style { letters: Letters::Ascii, width });
        let bars = text.split("\n\n").nth(1).unwrap();
        let count = bars.lines().count();
        assert!((1..=31).contains(&count), "{count} bars");
        assert!(width < 40 || bars.lines().all(|line| line.len() <= width), "{text}");
    }
    let text = summary.render(Style { letters: Letters::Ascii, width: 200 });
    assert!(text.contains("BY 4 DAYS") && text.contains("\n2026-01-01  "), "{text}");
}

#[test]
fn days_that_were_asked_for_are_drawn_without_requests_too() {
    let moment = |day: i64| Some(Timestamp::from_millis(1_767_225_600_000 + day * DAY));
    let mut summary = Summary::new(moment(-1), moment(2));
    summary.add(&line(1, "prod", "terraform", "served", 1));
    let text = summary.render(Style { letters: Letters::Ascii, width: 80 });
    assert!(text.contains("  ..#.\n") && text.contains("\n2025-12-31  0\n"), "{text}");
}

#[test]
fn what_is_held_is_bounded_and_nothing_is_uncounted() {
    let mut summary = Summary::default();
    for number in 0..5_000 {
        summary.add(&line(number, &format!("p{number}"), "make", "failed", 2));
    }
    assert_eq!(summary.rows.len(), 1_000);
    assert_eq!(summary.others.as_ref().unwrap().counts.failed, 8_000);
    assert_eq!(summary.days.0.len(), 400);
    let text = summary.render(Style { letters: Letters::Ascii, width: 80 });
    assert!(text.contains("\nothers "), "{text}");
    let huge = line(0, "p0", "make", "failed", u64::MAX);
    for _ in 0..2 {
        summary.add(&huge);
    }
    assert_eq!(summary.rows().map(|(_, _, row)| row.counts.failed).max(), Some(u64::MAX));
}

#[test]
fn lines_about_the_audit_are_no_requests() {
    let mut summary = Summary::default();
    summary.add(&Line { request: "lost".into(), ..line(0, "p", "make", "failed", 1) });
    let text = summary.render(Style { letters: Letters::Ascii, width: 80 });
    assert_eq!(
        text,
        "no request\n1 line tells of the audit itself: keyfob audit --request lost --request audit\n"
    );
}

#[test]
fn programs_read_the_same_as_people() {
    let value = serde_json::to_value(week().as_json()).unwrap();
    let prod = &value["programs"][1];
    assert_eq!((&prod["profile"], &prod["program"]), (&"prod".into(), &"terraform".into()));
    assert_eq!(
        (&prod["served"], &prod["failed"], &prod["last"]),
        (&130.into(), &2.into(), &"2026-01-04T00:00:00Z".into())
    );
    assert_eq!(prod["days"][2], json!({ "day": "2026-01-04", "served": 80, "failed": 2, "refused": 0 }));
    assert_eq!(value["days"].as_array().unwrap().len(), 4);
}
