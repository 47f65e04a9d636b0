//! `keyfob audit`: reads the files; the daemon is not asked.

use super::print;
use crate::line::Audit;
use crate::table;
use keyfob_audit::Line;
use keyfob_shared::{Failure, FailureKind, environment};

pub(super) fn run(arguments: &Audit) -> Result<(), Failure> {
    let directory = environment::state_directory()?;
    if arguments.verify {
        return match keyfob_audit::verify(&directory) {
            Ok(found) => {
                print(&format!("{} lines, {} torn by a crash, none changed\n", found.lines, found.torn))
            }
            Err(broken) => {
                Err(Failure::new(FailureKind::Refused, format!("the audit was changed: {broken}"))
                    .hint(format!("compare {} with a copy", directory.display())))
            }
        };
    }
    let lines = keyfob_audit::read(&directory).filter_map(|(_, _, line)| line.ok());
    if arguments.json {
        for line in lines {
            let text = serde_json::to_string(&line).map_err(|_| super::unexpected())?;
            print(&format!("{text}\n"))?;
        }
        return Ok(());
    }
    let heading = ["TIME", "REQUEST", "SOCKET", "PROFILE", "OUTCOME", "ACCESS KEY", "CALLER"]
        .map(str::to_owned)
        .to_vec();
    print(&table::columns(&std::iter::once(heading).chain(lines.map(|line| row(&line))).collect::<Vec<_>>()))
}

fn row(line: &Line) -> Vec<String> {
    let dash = || "-".to_owned();
    let outcome = match line.outcome {
        keyfob_audit::Outcome::Served => "served".to_owned(),
        keyfob_audit::Outcome::Failed => format!("failed: {}", line.reason.as_deref().unwrap_or("-")),
        keyfob_audit::Outcome::Refused => format!("refused: {}", line.reason.as_deref().unwrap_or("-")),
    };
    let outcome = match line.times {
        Some(times) => format!("{outcome} ({times} times)"),
        None => outcome,
    };
    // The client itself is always the caller; who started it is what people look for.
    let program = line.parents.first().map(|parent| parent.program.clone()).or_else(|| line.program.clone());
    vec![
        line.time.to_string(),
        line.request.clone(),
        line.socket.clone().unwrap_or_else(dash),
        line.profile.clone().unwrap_or_else(dash),
        outcome,
        line.access_key_id.clone().unwrap_or_else(dash),
        program.unwrap_or_else(|| format!("process {}", line.pid)),
    ]
}
