//! Where shells look for completions, and what the client prints for them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Shells, and where below a prefix their completions lie.
const PLACES: &[(&str, &str)] = &[
    ("bash", "share/bash-completion/completions/keyfob"),
    ("zsh", "share/zsh/site-functions/_keyfob"),
    ("fish", "share/fish/vendor_completions.d/keyfob.fish"),
    ("powershell", "share/keyfob/keyfob.ps1"),
];

/// Asks a client for all scripts.
pub(super) fn scripts(prefix: &Path, client: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
    PLACES.iter().map(|(shell, place)| Ok((prefix.join(place), script(client, shell)?))).collect()
}

/// Asks a client for the script of a shell.
pub(crate) fn script(client: &Path, shell: &str) -> Result<Vec<u8>, String> {
    let mut command = Command::new(client);
    command.args(["completions", shell]).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().map_err(|cause| format!("run {}: {cause}", client.display()))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(format!("keyfob completions {shell}: {}", output.status)),
    }
}

/// Answers what the shells have to be told that look nowhere by themselves.
pub(super) fn advice(prefix: &Path) -> String {
    let place = |wanted: &str| {
        let found = PLACES.iter().find(|(shell, _)| *shell == wanted);
        found.map(|(_, place)| prefix.join(place)).unwrap_or_default()
    };
    let (zsh, powershell) = (place("zsh"), place("powershell"));
    format!(
        "zsh completes with this before compinit in ~/.zshrc: fpath+=({})\nPowerShell with this in $PROFILE: . {}",
        zsh.parent().unwrap_or(prefix).display(),
        powershell.display()
    )
}
