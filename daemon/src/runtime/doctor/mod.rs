//! `doctor`, as far as the daemon can tell: a snapshot of the loop, then questions to the vault, the network and AWS
//! beside it. Each of them has an end.

mod age;
mod network;
mod soon;

use super::call::Call;
use super::dialogue::wire_status;
use super::keys::{self, Stored};
use super::{Runtime, Shared};
use keyfob_engine::config::Rotate;
use keyfob_shared::IdentityName;
use keyfob_shared::wire::{Finding, Reply, Severity};
use keyfob_vault::{BETTER, State, Status};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the loop knew when it was asked.
pub(super) struct Examination {
    config_file: PathBuf,
    findings: Vec<Finding>,
    troubles: Vec<Finding>,
    /// Identities with access keys, and how these are rotated.
    with_keys: BTreeMap<IdentityName, Rotate>,
    /// Endpoints of STS that profiles use.
    endpoints: Vec<String>,
    skew: i64,
    locked: bool,
}

impl Runtime {
    pub(super) fn examination(&self) -> Examination {
        let mut troubles = self.troubles();
        troubles.extend(soon::sign_ins(&self.engine.identities()));
        troubles.extend(soon::descriptors(crate::platform::descriptors()));
        Examination {
            config_file: self.config_file.clone(),
            findings: self.findings(),
            troubles,
            with_keys: self.rotations(),
            endpoints: network::endpoints(self.engine.config()),
            skew: self.engine.skew(),
            locked: self.engine.is_locked(),
        }
    }
}

pub(super) async fn examine(shared: Shared, seen: Examination, call: Call) {
    let mut found = seen.findings;
    let status = shared.vault.status().await;
    let is_ready = status.state == State::Ready;
    found.push(vault(status));
    found.extend(missing_keys(&shared, seen.with_keys.keys()).await);
    if let Some((waiting, why)) = shared.saver.trouble() {
        found.push(Finding {
            severity: Severity::Warning,
            subject: "vault".into(),
            message: format!(
                "sessions whose change is not in it yet, and will be tried again: {waiting}: {why}"
            ),
            hint: why.hint,
        });
    }
    found.extend(age::rotations(&shared, seen.with_keys.keys()));
    found.extend(seen.troubles);
    let ages = async {
        match is_ready && !seen.locked {
            true => age::keys(&shared, &seen.with_keys).await,
            false => Vec::new(),
        }
    };
    let (network, ages) = tokio::join!(network::findings(&shared, &seen.endpoints, seen.skew), ages);
    found.extend(network);
    found.extend(ages);
    found.extend(no_configuration(seen.config_file).await);
    call.list(found, |findings, more| Reply::Findings { findings, more }).await;
}

fn vault(status: Status) -> Finding {
    let is_poor = status.reason.contains(BETTER);
    let severity = match (status.state, is_poor) {
        (State::Ready, false) => Severity::Note,
        (State::Ready, true) => Severity::Warning,
        (State::Locked | State::Sealed | State::Unavailable, _) => Severity::Error,
    };
    let told = wire_status(&status);
    let message = format!("{} is {}: {}", told.kind, told.state, told.reason);
    let change = "set vault in [daemon] as it says; keyfob daemon restart; keyfob key add for each key";
    let hint = status.hint.or_else(|| is_poor.then(|| change.into()));
    Finding { severity, subject: "vault".into(), message, hint }
}

async fn missing_keys(shared: &Shared, identities: impl Iterator<Item = &IdentityName>) -> Vec<Finding> {
    let mut found = Vec::new();
    for identity in identities {
        let message = match keys::stored(&shared.vault, identity).await {
            Ok(Stored::Key(_)) => continue,
            Ok(Stored::Damaged) => "its access key in the vault is damaged",
            Ok(Stored::Nothing) => "it has no access key in the vault",
            // The state of the vault is told of already.
            Err(_) => break,
        };
        found.push(Finding {
            severity: Severity::Error,
            subject: format!("identity {identity}"),
            message: message.into(),
            hint: Some(format!("keyfob key add {identity} --access-key-id AKIA…")),
        });
    }
    found
}

/// Looks for the configuration beside the loop: it may lie on a network that has gone.
async fn no_configuration(file: PathBuf) -> Option<Finding> {
    let message = format!("there is no {}", file.display());
    let exists = tokio::task::spawn_blocking(move || file.exists()).await.unwrap_or(true);
    let hint = Some("see \"Set-up\" in the README".into());
    (!exists).then(|| Finding { severity: Severity::Warning, subject: "configuration".into(), message, hint })
}
