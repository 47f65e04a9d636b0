//! What is wrong with the configuration, and what keeps profiles from working now.

use super::{Runtime, restricted};
use crate::watch::LOOK_EACH;
use keyfob_shared::wire::{Finding, Severity};

/// A vault is opened once: what lies in the old one is not moved.
pub(super) const ANOTHER_VAULT: &str =
    "the configuration names another vault, which is opened by the next daemon";

impl Runtime {
    /// Answers whether the configuration names another vault than the one that is open.
    pub(super) fn wants_another_vault(&self) -> bool {
        let (now, then) = (&self.engine.config().daemon, &self.opened_with);
        now.vault != then.vault
            || now.vault_key_file != then.vault_key_file
            || now.passphrase_command != then.passphrase_command
    }

    /// Findings of the file as it is on disk: of the broken one, or of the one in force.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let Some(broken) = &self.broken else { return self.engine.config().findings.clone() };
        if !broken.findings.is_empty() {
            let file = self.config_file.display();
            let with_file = |finding: &Finding| Finding {
                subject: format!("{file}:{}", finding.subject),
                ..finding.clone()
            };
            return broken.findings.iter().map(with_file).collect();
        }
        vec![Finding {
            severity: Severity::Error,
            subject: self.config_file.display().to_string(),
            message: broken.failure.message.clone(),
            hint: broken.failure.hint.clone(),
        }]
    }

    /// What keeps profiles from working now.
    pub(super) fn troubles(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(self.watch.trouble().map(|why| Finding {
            severity: Severity::Warning,
            subject: "configuration".into(),
            message: format!("an edit is in force within {} s, not at once: {why}", LOOK_EACH.as_secs()),
            hint: Some(
                "keyfob daemon reload after an edit; keyfob daemon restart when that is mended".into(),
            ),
        }));
        if self.ledger.lost() > 0 {
            findings.push(Finding {
                severity: Severity::Warning,
                subject: "audit".into(),
                message: format!("lines that could not be written: {}; the log says why", self.ledger.lost()),
                hint: Some("look at the disk and the state directory: df -h; ls -la".into()),
            });
        }
        if self.wants_another_vault() {
            findings.push(Finding {
                severity: Severity::Error,
                subject: "vault".into(),
                message: ANOTHER_VAULT.into(),
                hint: Some("keyfob daemon restart".into()),
            });
        }
        if self.engine.is_locked() {
            findings.push(Finding {
                severity: Severity::Error,
                subject: "agent".into(),
                message: "it is locked and serves nothing".into(),
                hint: Some("keyfob unlock".into()),
            });
        }
        findings.extend(self.sockets.findings());
        for status in self.engine.identities().into_iter().filter(|status| status.state == "sign-in-needed") {
            findings.push(Finding {
                severity: Severity::Warning,
                subject: format!("identity {}", status.name),
                message: "it needs a sign-in".into(),
                hint: Some(format!("keyfob login {}", status.name)),
            });
        }
        for status in self.engine.profiles() {
            let Some(message) = status.last_error.clone().filter(|_| status.state != "sign-in-needed") else {
                continue;
            };
            let hint = self.engine.failure(&status.name).and_then(|failure| failure.hint.clone());
            findings.push(Finding {
                severity: Severity::Error,
                subject: restricted::subject(&status),
                message,
                hint: hint.or_else(|| Some(format!("keyfob get {}", status.name))),
            });
        }
        findings
    }
}
