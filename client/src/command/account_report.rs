//! `keyfob report`: what is the matter with the users of an account.

use super::{listing, name, print};
use crate::line::{Report, ReportKind};
use crate::table;
use keyfob_shared::wire::{self, AccountFinding, Reply, Request};
use keyfob_shared::{Failure, FailureKind, Timestamp};
use serde::Serialize;

/// What `--json` prints.
#[derive(Serialize)]
struct Told<'a> {
    users: usize,
    generated: Option<Timestamp>,
    findings: &'a [AccountFinding],
}

pub(super) fn run(arguments: &Report) -> Result<(), Failure> {
    let request = Request::Report(wire::Report {
        profile: name(&arguments.profile)?,
        unused_days: arguments.unused,
        old_days: arguments.old,
    });
    let (mut users, mut generated) = (0, None);
    let findings = listing::pages(&request, |reply| match reply {
        Reply::Account { users: counted, generated: made, findings, more } => {
            (users, generated) = (counted, made);
            Some((findings, more))
        }
        _ => None,
    })?;
    if arguments.json {
        listing::print_json(&Told { users, generated, findings: &findings })?;
    } else if arguments.csv {
        print(&comma_separated(&findings))?;
    } else {
        print(&for_people(users, generated, &findings))?;
    }
    let is_meant = |finding: &&AccountFinding| {
        arguments.fail_on.iter().any(|kind| *kind == ReportKind::Any || kind.name() == finding.kind)
    };
    match findings.iter().filter(is_meant).count() {
        0 => Ok(()),
        count => {
            Err(Failure::new(FailureKind::Refused, format!("{count} findings of the kinds of --fail-on"))
                .hint("run the commands that mend them"))
        }
    }
}

fn for_people(users: usize, generated: Option<Timestamp>, findings: &[AccountFinding]) -> String {
    let heading = ["USER", "FINDING", "WHAT", "MENDED BY"].map(str::to_owned).to_vec();
    let row = |finding: &AccountFinding| {
        vec![finding.user.clone(), finding.kind.clone(), finding.detail.clone(), finding.mend.clone()]
    };
    let made = generated.map_or_else(String::new, |made| format!(", as IAM saw them at {made}"));
    let summary = format!("{} findings in {users} users{made}\n", findings.len());
    if findings.is_empty() {
        return summary;
    }
    let rows: Vec<_> = std::iter::once(heading).chain(findings.iter().map(row)).collect();
    format!("{}{summary}", table::columns(&rows))
}

/// Answers the findings as RFC 4180 has it.
fn comma_separated(findings: &[AccountFinding]) -> String {
    let line = |fields: [&str; 5]| {
        let quoted: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
        format!("{}\r\n", quoted.join(","))
    };
    let rows = findings.iter().map(|finding| {
        let key = finding.access_key_id.as_deref().unwrap_or_default();
        line([&finding.user, &finding.kind, &finding.detail, key, &finding.mend])
    });
    let heading = line(["user", "finding", "detail", "access_key_id", "mend"]);
    std::iter::once(heading).chain(rows).collect()
}

fn quoted(field: &str) -> String {
    // Security: a spreadsheet takes what begins so for a formula.
    let field =
        if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{field}") } else { field.into() };
    if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_commas_and_quotes_are_quoted_and_formulas_are_texts() {
        assert_eq!(quoted("a"), "a");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
    }
}
