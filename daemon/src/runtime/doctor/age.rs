//! Long-term keys that are old or no longer good, and exchanges of them that stand still.

use crate::clock;
use crate::runtime::{Shared, key_list};
use keyfob_engine::config::Rotate;
use keyfob_shared::IdentityName;
use keyfob_shared::wire::{Finding, KeyView, Severity};
use std::collections::BTreeMap;
use std::time::Duration;

const DAY: i64 = 24 * 60 * 60 * 1_000;
/// A key that is older should be exchanged (CIS AWS Foundations Benchmark, "access keys are rotated every 90 days").
const OLD: i64 = 90;
/// IAM may be far; a person does not wait longer for this.
const LONGEST: Duration = Duration::from_secs(5);

/// Tells of keys that AWS says are old, inactive or gone. What it does not tell in time is left out.
pub(super) async fn keys(shared: &Shared, settings: &BTreeMap<IdentityName, Rotate>) -> Vec<Finding> {
    let asked = tokio::time::timeout(LONGEST, key_list::collect(shared, settings)).await;
    let Ok(Ok(views)) = asked else { return Vec::new() };
    let now = clock::now().wall.millis();
    let signs = views.iter().filter(|view| view.rotation.is_none());
    signs.filter_map(|view| examine(view, settings.get(&view.identity).copied(), now)).collect()
}

fn examine(view: &KeyView, rotate: Option<Rotate>, now: i64) -> Option<Finding> {
    let identity = &view.identity;
    let (severity, message, hint) = match view.state.as_str() {
        "absent" => (
            Severity::Error,
            format!("AWS does not know its access key {}", view.access_key_id),
            format!("keyfob key add {identity}"),
        ),
        "inactive" => (
            Severity::Error,
            format!("its access key {} is inactive", view.access_key_id),
            format!("activate it in IAM, or: keyfob key add {identity}"),
        ),
        _ => {
            let days = (now - view.created?.millis()) / DAY;
            if days < OLD || rotate.is_some_and(|rotate| rotate.every.is_some()) {
                return None;
            }
            (
                Severity::Warning,
                format!(
                    "its access key {} is {days} days old, and no rotate_every is set",
                    view.access_key_id
                ),
                format!("keyfob key rotate {identity}"),
            )
        }
    };
    Some(Finding { severity, subject: format!("identity {identity}"), message, hint: Some(hint) })
}

/// Tells of rotations that do not go on by themselves.
pub(super) fn rotations<'a>(
    shared: &Shared,
    identities: impl Iterator<Item = &'a IdentityName>,
) -> Vec<Finding> {
    let stuck = |identity: &IdentityName| {
        let view = shared.rotations.view(identity)?;
        let is_over = view.stage == "given-up";
        if !(view.paused || view.needs_person || is_over) {
            return None;
        }
        let trouble = shared.trouble_of(&view);
        let why = trouble.as_ref().map_or_else(String::new, |failure| format!(": {failure}"));
        let hint = trouble.and_then(|failure| failure.hint);
        Some(Finding {
            severity: Severity::Warning,
            subject: format!("identity {identity}"),
            message: format!("the rotation of its access key stands still: {}{why}", view.text),
            hint: Some(hint.unwrap_or_else(|| format!("keyfob key rotate {identity}"))),
        })
    };
    identities.filter_map(stuck).collect()
}
