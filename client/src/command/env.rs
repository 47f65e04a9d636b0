//! `keyfob env`: credentials as shell commands. They do not renew.

use super::{get, listing, name, print, unexpected};
use crate::line::{Env, Shell};
use keyfob_shared::{Failure, FailureKind, ProfileName};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

#[expect(clippy::print_stderr, reason = "stdout is read by the shell")]
pub(super) fn run(arguments: &Env) -> Result<(), Failure> {
    let shell = match arguments.shell {
        Some(shell) => shell,
        None => shell_of(&std::env::var("SHELL").unwrap_or_default()),
    };
    let document = get::document(&arguments.profile)?;
    let document: Document = serde_json::from_str(document.expose()).map_err(|_| unexpected())?;
    let profile = name::<ProfileName>(&arguments.profile)?;
    let region = listing::views(Some(&profile))?.into_iter().next().and_then(|view| view.region);
    let mut variables = vec![
        ("AWS_ACCESS_KEY_ID", Some(document.access_key_id)),
        ("AWS_SECRET_ACCESS_KEY", Some(document.secret_access_key)),
        ("AWS_SESSION_TOKEN", document.session_token),
        ("AWS_CREDENTIAL_EXPIRATION", document.expiration.clone()),
    ];
    if region.is_some() {
        variables.extend([("AWS_REGION", region.clone()), ("AWS_DEFAULT_REGION", region)]);
    }
    let mut text = String::new();
    for (variable, value) in variables {
        text.push_str(&set(shell, variable, value.as_deref())?);
    }
    eprintln!(
        "these credentials end at {} and do not renew",
        document.expiration.as_deref().unwrap_or("no fixed time")
    );
    print(&text)
}

fn shell_of(path: &str) -> Shell {
    match path.rsplit('/').next() {
        Some("zsh") => Shell::Zsh,
        Some("fish") => Shell::Fish,
        Some("pwsh") => Shell::Powershell,
        _ if cfg!(windows) => Shell::Powershell,
        _ => Shell::Bash,
    }
}

/// Writes the command that sets a variable, or unsets it.
fn set(shell: Shell, variable: &str, value: Option<&str>) -> Result<String, Failure> {
    let value = value.unwrap_or_default();
    if value.chars().any(char::is_control) {
        return Err(Failure::new(FailureKind::Upstream, format!("{variable} holds a control character")));
    }
    if value.is_empty() {
        return Ok(match shell {
            Shell::Bash | Shell::Zsh => format!("unset {variable}\n"),
            Shell::Fish => format!("set -e {variable}\n"),
            Shell::Powershell => format!("Remove-Item -ErrorAction SilentlyContinue Env:{variable}\n"),
            Shell::Cmd => format!("set \"{variable}=\"\n"),
        });
    }
    Ok(match shell {
        Shell::Bash | Shell::Zsh => format!("export {variable}='{}'\n", value.replace('\'', r"'\''")),
        Shell::Fish => format!("set -gx {variable} '{}'\n", value.replace('\\', r"\\").replace('\'', r"\'")),
        Shell::Powershell => format!("$Env:{variable} = '{}'\n", value.replace('\'', "''")),
        Shell::Cmd => {
            if value.contains(['"', '%', '!', '^', '&', '|', '<', '>']) {
                let failure = Failure::new(FailureKind::Usage, format!("{variable} can't be quoted for cmd"));
                return Err(failure.hint("--shell powershell"));
            }
            format!("set \"{variable}={value}\"\n")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_for_each_shell() {
        let quoted = |shell| set(shell, "V", Some("a'b $(c) \\")).unwrap();
        assert_eq!(quoted(Shell::Bash), "export V='a'\\''b $(c) \\'\n");
        assert_eq!(quoted(Shell::Fish), "set -gx V 'a\\'b $(c) \\\\'\n");
        assert_eq!(quoted(Shell::Powershell), "$Env:V = 'a''b $(c) \\'\n");
        assert!(set(Shell::Cmd, "V", Some("a%PATH%")).is_err());
        assert!(set(Shell::Bash, "V", Some("a\nb")).is_err());
    }

    #[test]
    fn a_bash_reads_back_what_was_written() {
        let text =
            format!("{}printf %s \"$V\"", set(Shell::Bash, "V", Some("it's `x` \"$HOME\" \\")).unwrap());
        let output = std::process::Command::new("sh").args(["-c", &text]).output().unwrap();
        assert_eq!(output.stdout, b"it's `x` \"$HOME\" \\");
    }
}
