//! What will end soon, or run out.

use crate::clock;
use keyfob_shared::wire::{Finding, IdentityStatus, Severity};

const MINUTE: i64 = 60 * 1_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// Whoever is in the middle of something wants to know of it.
const SOON: i64 = 30 * MINUTE;
/// A few dozen programs with endpoints of their own need this many open files.
const FEW: usize = 1_024;

/// Tells of sign-ins that end within a day; within half an hour it is a warning.
pub(super) fn sign_ins(identities: &[IdentityStatus]) -> Vec<Finding> {
    let now = clock::now().wall.millis();
    let ready = identities.iter().filter(|identity| identity.state == "ready");
    let soon = |identity: &IdentityStatus| {
        let by = identity.sign_in_needed_by?;
        let left = by.millis() - now;
        let severity = if left < SOON { Severity::Warning } else { Severity::Note };
        (left < DAY).then(|| Finding {
            severity,
            subject: format!("identity {}", identity.name),
            message: format!("a person must sign in again by {by}, or its profiles end"),
            hint: Some(format!("keyfob login {}", identity.name)),
        })
    };
    ready.filter_map(soon).collect()
}

pub(super) fn descriptors(limit: usize) -> Option<Finding> {
    (limit < FEW).then(|| Finding {
        severity: Severity::Warning,
        subject: "open files".into(),
        message: format!(
            "the daemon may have {limit} files open, so that few programs can wait or run at one time"
        ),
        hint: Some(format!(
            "ulimit -n {FEW}; keyfob daemon restart; in a unit of systemd: LimitNOFILE={FEW}"
        )),
    })
}
