//! Tables and times for people.

use crate::report::clean;
use keyfob_shared::Timestamp;

/// The least that is left of the last column.
const NARROWEST: usize = 12;

/// Lays rows out in columns as wide as their widest cell; the first row is the heading.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    fitted(rows, usize::MAX)
}

/// The same for lines of a width: what is too long in the last column is cut off.
pub(crate) fn fitted(rows: &[Vec<String>], line_width: usize) -> String {
    Blocks::new(line_width).lay_out(rows)
}

/// Lays out a table of any length block by block: a column becomes wider where a block needs it, and never narrower.
pub(crate) struct Blocks {
    widths: Vec<usize>,
    line_width: usize,
}

impl Blocks {
    pub(crate) fn new(line_width: usize) -> Self {
        Self { widths: Vec::new(), line_width }
    }

    pub(crate) fn lay_out(&mut self, rows: &[Vec<String>]) -> String {
        for (column, cell) in rows.iter().flat_map(|row| row.iter().enumerate()) {
            if self.widths.len() <= column {
                self.widths.resize(column + 1, 0);
            }
            self.widths[column] = self.widths[column].max(cell.chars().count());
        }
        let count = self.widths.len();
        let before: usize = self.widths.iter().rev().skip(1).map(|width| width + 2).sum();
        let last = self.line_width.saturating_sub(before).max(NARROWEST);
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&self.widths).enumerate().map(|(column, (cell, width))| {
                let cell = clean(cell);
                if column + 1 == count { cut(&cell, last) } else { format!("{cell:width$}") }
            });
            format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
        };
        rows.iter().map(line).collect()
    }
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

/// Answers how far a moment is away: `in 3 h 12 min`, `5 min ago`.
pub(crate) fn relative(moment: Timestamp, now: i64) -> String {
    let left = moment.millis() - now;
    let text = span(left.abs() / 1_000);
    if left >= 0 { format!("in {text}") } else { format!("{text} ago") }
}

fn span(seconds: i64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_hold_no_escape_sequences() {
        let rows = [vec!["NAME".to_owned(), "STATE".into()], vec!["zürich".into(), "a\u{1b}[31m".into()]];
        assert_eq!(columns(&rows), "NAME    STATE\nzürich  a [31m\n");
    }

    #[test]
    fn a_table_in_blocks_becomes_wider_only() {
        let row = |name: &str| vec![name.to_owned(), "x".into()];
        let mut table = Blocks::new(80);
        assert_eq!(table.lay_out(&[row("A"), row("bbb")]), "A    x\nbbb  x\n");
        assert_eq!(table.lay_out(&[row("a"), row("ccccc")]), "a      x\nccccc  x\n");
        assert_eq!(table.lay_out(&[row("a")]), "a      x\n");
    }

    #[test]
    fn what_does_not_fit_is_cut_off() {
        let rows = [vec!["prod".to_owned(), "a cause that is long".into()], vec!["p".into(), "short".into()]];
        assert_eq!(fitted(&rows, 20), "prod  a cause that …\np     short\n");
        assert_eq!(fitted(&rows, 3), "prod  a cause tha…\np     short\n");
    }

    #[test]
    fn times_are_told_as_people_say_them() {
        let at = |millis: i64| relative(Timestamp::from_millis(millis), 0);
        assert_eq!(at(59_000), "in 59 s");
        assert_eq!(at(11_520_000), "in 3 h 12 min");
        assert_eq!(at(-300_000), "5 min ago");
        assert_eq!(at(-200_000_000), "2 d 7 h ago");
    }
}
