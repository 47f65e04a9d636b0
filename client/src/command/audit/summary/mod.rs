//! Who used what: a table by profile and program, and a bar for each day.

mod count;

use super::chart::Style;
use super::print_json;
use crate::line::Wanted;
use crate::{platform, table};
use count::{Counts, Groups, NONE, Row, Summary, date};
use keyfob_shared::{Failure, Timestamp};
use serde::Serialize;
use std::path::Path;

/// Days, or groups of days, that are drawn.
const MAX_DRAWN: i64 = 31;
const LEAST_DRAWN: i64 = 7;

pub(super) fn run(directory: &Path, wanted: &Wanted, json: bool) -> Result<(), Failure> {
    let now = platform::now();
    let until = wanted
        .until
        .map(|moment| moment.end(now))
        .or_else(|| wanted.since.map(|_| Timestamp::from_millis(now)));
    let until = until.map(|until| until.min(Timestamp::from_millis(now)));
    let mut summary = Summary::new(wanted.since.map(|moment| moment.start(now)), until);
    super::read(directory, wanted, |line| {
        summary.add(&line);
        Ok(())
    })?;
    if json {
        return print_json(&summary.as_json());
    }
    crate::command::print(&summary.render(Style::of_stdout()))
}

impl Summary {
    fn render(&self, style: Style) -> String {
        let heading =
            ["PROFILE", "PROGRAM", "SERVED", "FAILED", "REFUSED", "LAST", ""].map(str::to_owned).to_vec();
        let texts = self.rows().map(|(profile, program, row)| {
            let Counts { served, failed, refused } = row.counts;
            let last = row.last.map_or_else(String::new, |last| last.to_string());
            let numbers = [served, failed, refused].map(|number| number.to_string());
            [vec![profile.to_owned(), program.to_owned()], numbers.to_vec(), vec![last, String::new()]]
                .concat()
        });
        let mut table: Vec<Vec<String>> = std::iter::once(heading).chain(texts).collect();
        let most = room(&table, style.width);
        let Some(groups) = self.groups(most) else { return format!("no request\n{}", self.note()) };
        let title = if groups.days == 1 { "BY DAY".to_owned() } else { format!("BY {} DAYS", groups.days) };
        if let Some(cell) = table.first_mut().and_then(|heading| heading.last_mut()) {
            *cell = title;
        }
        let values =
            |row: &Row| row.days.grouped(groups).into_iter().map(|(_, counts)| counts.all()).collect();
        let rows: Vec<Vec<u64>> = self.rows().map(|(_, _, row)| values(row)).collect();
        let most = rows.iter().flatten().copied().max().unwrap_or(0);
        for (values, text) in rows.iter().zip(table.iter_mut().skip(1)) {
            if let Some(cell) = text.last_mut() {
                *cell = style.letters.line(values, most);
            }
        }
        format!("{}\n{}{}", table::columns(&table), self.bars(groups, style), self.note())
    }

    /// Draws all requests, a bar for each day.
    fn bars(&self, groups: Groups, style: Style) -> String {
        let groups = self.days.grouped(groups);
        let most = groups.iter().map(|(_, counts)| counts.all()).max().unwrap_or(0);
        let told = |counts: &Counts| {
            let parts = [(counts.failed, "failed"), (counts.refused, "refused")];
            let parts =
                parts.iter().filter(|(count, _)| *count > 0).map(|(count, how)| format!(", {count} {how}"));
            format!("{}{}", counts.all(), parts.collect::<String>())
        };
        let longest = groups.iter().map(|(_, counts)| told(counts).len()).max().unwrap_or(0);
        let width = style.width.saturating_sub("2026-01-01  ".len() + 1 + longest).clamp(1, 60);
        let line = |(start, counts): &(i64, Counts)| {
            let bar = style.letters.bar(counts.all(), most, width);
            let space = if bar.is_empty() { "" } else { " " };
            format!("{}  {bar}{space}{}\n", date(*start), told(counts))
        };
        groups.iter().map(line).collect()
    }

    fn note(&self) -> String {
        const HOW: &str = "of the audit itself: keyfob audit --request lost --request audit";
        match self.about_the_audit {
            0 => String::new(),
            1 => format!("1 line tells {HOW}\n"),
            count => format!("{count} lines tell {HOW}\n"),
        }
    }

    fn as_json(&self) -> impl Serialize {
        let of_day = |(day, counts): (&i64, &Counts)| OfDay { day: date(*day), counts: *counts };
        let of_row = |((profile, program), row): (&(String, String), &Row)| OfProgram {
            profile: Some(profile.clone()).filter(|name| name != NONE),
            program: Some(program.clone()).filter(|name| name != NONE),
            counts: row.counts,
            last: row.last,
            days: row.days.0.iter().map(of_day).collect(),
        };
        Whole {
            programs: self.rows.iter().map(of_row).collect(),
            others: self.others.as_ref().map(|others| others.counts),
            days: self.days.0.iter().map(of_day).collect(),
            about_the_audit: self.about_the_audit,
        }
    }
}

/// Answers how many days are drawn beside the other columns.
fn room(table: &[Vec<String>], width: usize) -> i64 {
    let of_column = |column: usize| {
        table.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let others: usize = (0..6).map(|column| of_column(column) + 2).sum();
    i64::try_from(width.saturating_sub(others)).unwrap_or(MAX_DRAWN).clamp(LEAST_DRAWN, MAX_DRAWN)
}

/// The object of `--summary --json`.
#[derive(Serialize)]
struct Whole {
    programs: Vec<OfProgram>,
    /// What more programs and profiles did than are told apart.
    others: Option<Counts>,
    days: Vec<OfDay>,
    about_the_audit: u64,
}

#[derive(Serialize)]
struct OfProgram {
    profile: Option<String>,
    program: Option<String>,
    #[serde(flatten)]
    counts: Counts,
    last: Option<Timestamp>,
    days: Vec<OfDay>,
}

#[derive(Serialize)]
struct OfDay {
    day: String,
    #[serde(flatten)]
    counts: Counts,
}

#[cfg(test)]
mod tests;
