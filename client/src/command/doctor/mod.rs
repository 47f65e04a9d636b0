//! `keyfob doctor`: what the daemon tells, and what only a client can see: its environment, the files of AWS tools,
//! the way to the daemon.
//!
//! Nothing is changed here; each finding says what to do.

mod agent;
mod bundle;
mod places;
mod profiles;
mod redact;
mod settings;
mod shape;
mod unit;
mod variables;

use super::status::{self, Whole};
use super::{listing, print};
use crate::line::Doctor;
use keyfob_shared::wire::{Finding, Request, Severity};
use keyfob_shared::{Failure, FailureKind};

/// All that was found, and the status if the daemon told it.
struct Examined {
    findings: Vec<Finding>,
    status: Option<Whole>,
    unreachable: Option<FailureKind>,
}

pub(super) fn run(arguments: &Doctor) -> Result<(), Failure> {
    let examined = examine()?;
    if let Some(file) = &arguments.bundle {
        bundle::write(file, &examined)?;
        return print(&format!("written to {}: look through it before you give it away\n", file.display()));
    }
    let shown = listing::show(&examined.findings, arguments.json);
    match examined.unreachable {
        // The exit code is still that of a daemon that can't be reached.
        Some(kind) => shown.map_err(|failure| Failure { kind, ..failure }),
        None => shown,
    }
}

/// Examines all of it; a restricted socket has nothing to tell, and says so.
fn examine() -> Result<Examined, Failure> {
    let status = status::fetch();
    let mut findings = Vec::new();
    let mut unreachable = None;
    match status.as_ref().map(|_| ()).map_err(Clone::clone).and_then(|()| listing::found(&Request::Doctor)) {
        Ok(found) => findings.extend(found),
        Err(failure) if failure.kind == FailureKind::Refused => return Err(failure),
        Err(failure) => {
            unreachable = Some(failure.kind);
            findings.push(agent::unreachable(&failure));
        }
    }
    let status = status.ok();
    if let Some(status) = &status {
        findings.extend(agent::findings(&status.daemon));
    }
    findings.extend(super::audit::finding());
    findings.extend(places::findings());
    findings.extend(variables::findings());
    let known = status.is_some().then(|| listing::views(None).ok()).flatten();
    findings.extend(profiles::findings(known.as_deref()));
    findings.extend(unit::findings());
    Ok(Examined { findings, status, unreachable })
}

fn finding(
    severity: Severity,
    subject: impl Into<String>,
    message: impl AsRef<str>,
    hint: impl AsRef<str>,
) -> Finding {
    // A failure keeps texts of files on one line.
    let text = Failure::new(FailureKind::Usage, message).hint(hint);
    Finding { severity, subject: subject.into(), message: text.message, hint: text.hint }
}
