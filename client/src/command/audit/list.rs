//! The lines of the audit as a table, a block at a time.

use super::output::Output;
use crate::line::Wanted;
use crate::platform;
use crate::table::Blocks;
use keyfob_audit::{Line, Outcome};
use keyfob_shared::Failure;
use std::path::Path;

/// Rows that are laid out together.
const BLOCK: usize = 500;
const HEADING: [&str; 7] = ["TIME", "REQUEST", "SOCKET", "PROFILE", "ACCESS KEY", "CALLER", "OUTCOME"];

pub(super) fn run(directory: &Path, wanted: &Wanted) -> Result<(), Failure> {
    let mut output = Output::new();
    let mut table = Blocks::new(platform::width().unwrap_or(usize::MAX));
    let mut rows = vec![HEADING.map(str::to_owned).to_vec()];
    super::read(directory, wanted, |line| {
        rows.push(row(&line));
        if rows.len() < BLOCK {
            return Ok(());
        }
        output.text(&table.lay_out(&std::mem::take(&mut rows)))
    })?;
    output.text(&table.lay_out(&rows))?;
    output.finish()
}

fn row(line: &Line) -> Vec<String> {
    let dash = || "-".to_owned();
    let reason = line.reason.as_deref().unwrap_or("-");
    let outcome = match line.outcome {
        Outcome::Served => "served".to_owned(),
        Outcome::Failed => format!("failed: {reason}"),
        Outcome::Refused => format!("refused: {reason}"),
    };
    let outcome = match line.times {
        Some(times) => format!("{outcome} ({times} times)"),
        None => outcome,
    };
    vec![
        line.time.to_string(),
        line.request.clone(),
        line.socket.clone().unwrap_or_else(dash),
        line.profile.clone().unwrap_or_else(dash),
        line.access_key_id.clone().unwrap_or_else(dash),
        line.asker().map_or_else(|| format!("process {}", line.pid), str::to_owned),
        outcome,
    ]
}
