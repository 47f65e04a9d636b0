//! The daemon as this client meets it: reachable, of the same version, able to ask a person.

use super::finding;
use keyfob_shared::Failure;
use keyfob_shared::wire::{DaemonStatus, Finding, Severity, VaultStatus};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Set by sshd in each session.
const SSH: &str = "SSH_CONNECTION";
/// Set by WSL in each session of a distribution.
const WSL: &str = "WSL_DISTRO_NAME";
/// Keychains whose dialogue is a window.
const WITH_WINDOW: &[&str] = &["secret-service", "keychain", "credential-manager"];

/// Tells that there is no answer.
pub(super) fn unreachable(failure: &Failure) -> Finding {
    let hint = failure.hint.as_deref().unwrap_or("keyfob daemon restart");
    finding(Severity::Error, "daemon", &failure.message, hint)
}

pub(super) fn findings(daemon: &DaemonStatus) -> Vec<Finding> {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let found = [
        version(&daemon.version),
        set(SSH).then(|| over_ssh(&daemon.vault)).flatten(),
        set(WSL).then(|| in_wsl(&daemon.vault)).flatten(),
    ];
    found.into_iter().flatten().collect()
}

fn version(of_daemon: &str) -> Option<Finding> {
    let message = || format!("the daemon is of version {of_daemon}, this client of {VERSION}");
    (of_daemon != VERSION).then(|| finding(Severity::Warning, "daemon", message(), "keyfob daemon restart"))
}

/// A keychain asks in a window of the desktop, which nobody sees over SSH.
fn over_ssh(vault: &VaultStatus) -> Option<Finding> {
    if !matches!(vault.state.as_str(), "locked" | "sealed") {
        return None;
    }
    let (message, hint) = if WITH_WINDOW.contains(&vault.kind.as_str()) {
        (
            format!("this is a session over SSH, and {} asks in a window of the desktop", vault.kind),
            "unlock it at the desktop, or here: gnome-keyring-daemon --unlock, on macOS security unlock-keychain; or set vault = \"file\" in [daemon]",
        )
    } else {
        ("this is a session over SSH: the passphrase can be given here".to_owned(), "keyfob unlock")
    };
    Some(finding(Severity::Error, "vault over SSH", message, hint))
}

fn in_wsl(vault: &VaultStatus) -> Option<Finding> {
    if !matches!(vault.kind.as_str(), "memory" | "keyutils") {
        return None;
    }
    let message =
        format!("this is WSL without a keyring: {} forgets all keys when WSL is shut down", vault.kind);
    let hint = "set vault = \"file\" in [daemon], then: keyfob daemon restart; keyfob unlock";
    Some(finding(Severity::Warning, "vault in WSL", message, hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(kind: &str, state: &str) -> VaultStatus {
        VaultStatus { kind: kind.into(), state: state.into(), reason: String::new() }
    }

    #[test]
    fn a_keychain_with_a_window_can_not_be_unlocked_over_ssh() {
        let hint = |vault| over_ssh(&vault).map(|found| found.hint.unwrap_or_default());
        assert!(
            hint(vault("keychain", "locked")).is_some_and(|hint| hint.contains("security unlock-keychain"))
        );
        assert_eq!(hint(vault("file", "sealed")).as_deref(), Some("keyfob unlock"));
        assert_eq!(hint(vault("keychain", "ready")), None);
    }

    #[test]
    fn a_vault_that_lasts_is_good_enough_for_wsl() {
        assert!(in_wsl(&vault("keyutils", "ready")).is_some());
        for kind in ["file", "secret-service"] {
            assert_eq!(in_wsl(&vault(kind, "ready")), None);
        }
    }
}
