//! `keyfob env`: credentials as shell commands. They do not renew.

use super::{get, listing, name, print, unexpected};
use crate::line::{Env, Shell};
use crate::report;
use keyfob_shared::credentials::Document;
use keyfob_shared::{Failure, FailureKind, ProfileName, Secret};
use zeroize::Zeroizing;

/// Longer than all commands together, so that the text never moves and leaves a copy behind.
const ROOM: usize = 32 * 1024;

pub(super) fn run(arguments: &Env) -> Result<(), Failure> {
    let shell = match arguments.shell {
        Some(shell) => shell,
        None => shell_of(&std::env::var("SHELL").unwrap_or_default()),
    };
    let document = document(&arguments.profile)?;
    let profile = name::<ProfileName>(&arguments.profile)?;
    let region = listing::views(Some(&profile))?.into_iter().next().and_then(|view| view.region);
    let mut variables = vec![
        ("AWS_ACCESS_KEY_ID", Some(document.access_key_id.as_str())),
        ("AWS_SECRET_ACCESS_KEY", Some(document.secret_access_key.expose())),
        ("AWS_SESSION_TOKEN", document.session_token.as_ref().map(Secret::expose)),
        ("AWS_CREDENTIAL_EXPIRATION", document.expiration.as_deref()),
    ];
    if region.is_some() {
        variables.extend([("AWS_REGION", region.as_deref()), ("AWS_DEFAULT_REGION", region.as_deref())]);
    }
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    for (variable, value) in variables {
        set(&mut text, shell, variable, value.unwrap_or_default())?;
    }
    print(&text)?;
    let end = document.expiration.as_deref().unwrap_or("no fixed time");
    report::say(&format!("{}\n", report::clean(&format!("these credentials end at {end} and do not renew"))));
    Ok(())
}

/// Answers the credentials of a profile, in parts.
pub(super) fn document(profile: &str) -> Result<Document, Failure> {
    Document::read(get::document(profile)?.expose()).ok_or_else(unexpected)
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
fn set(text: &mut String, shell: Shell, variable: &str, value: &str) -> Result<(), Failure> {
    if value.chars().any(char::is_control) {
        let failure = Failure::new(FailureKind::Upstream, format!("{variable} holds a control character"));
        return Err(failure.hint("keyfob doctor"));
    }
    if value.is_empty() {
        let unset = match shell {
            Shell::Bash | Shell::Zsh => format!("unset {variable}\n"),
            Shell::Fish => format!("set -e {variable}\n"),
            Shell::Powershell => format!("Remove-Item -ErrorAction SilentlyContinue Env:{variable}\n"),
            Shell::Cmd => format!("set \"{variable}=\"\n"),
        };
        text.push_str(&unset);
        return Ok(());
    }
    let plain: &[(char, &str)] = &[];
    let (before, escapes, after) = match shell {
        Shell::Bash | Shell::Zsh => (format!("export {variable}='"), &[('\'', r"'\''")] as &[_], "'\n"),
        Shell::Fish => (format!("set -gx {variable} '"), &[('\\', r"\\"), ('\'', r"\'")] as &[_], "'\n"),
        Shell::Powershell => (format!("$Env:{variable} = '"), &[('\'', "''")] as &[_], "'\n"),
        Shell::Cmd if value.contains(['"', '%', '!', '^', '&', '|', '<', '>']) => {
            let failure = Failure::new(FailureKind::Usage, format!("{variable} can't be quoted for cmd"));
            return Err(failure.hint("keyfob env --shell powershell"));
        }
        Shell::Cmd => (format!("set \"{variable}="), plain, "\"\n"),
    };
    text.push_str(&before);
    for letter in value.chars() {
        match escapes.iter().find(|(special, _)| *special == letter) {
            Some((_, escaped)) => text.push_str(escaped),
            None => text.push(letter),
        }
    }
    text.push_str(after);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(shell: Shell, value: &str) -> Result<String, Failure> {
        let mut text = String::new();
        set(&mut text, shell, "V", value).map(|()| text)
    }

    #[test]
    fn values_are_quoted_for_each_shell() {
        let quoted = |shell| written(shell, "a'b $(c) \\").unwrap();
        assert_eq!(quoted(Shell::Bash), "export V='a'\\''b $(c) \\'\n");
        assert_eq!(quoted(Shell::Fish), "set -gx V 'a\\'b $(c) \\\\'\n");
        assert_eq!(quoted(Shell::Powershell), "$Env:V = 'a''b $(c) \\'\n");
        assert_eq!(written(Shell::Cmd, "a b").unwrap(), "set \"V=a b\"\n");
        assert!(written(Shell::Cmd, "a%PATH%").is_err());
        assert!(written(Shell::Bash, "a\nb").is_err());
        assert_eq!(written(Shell::Zsh, "").unwrap(), "unset V\n");
    }

    #[test]
    fn a_bash_reads_back_what_was_written() {
        let text = format!("{}printf %s \"$V\"", written(Shell::Bash, "it's `x` \"$HOME\" \\").unwrap());
        let output = std::process::Command::new("sh").args(["-c", &text]).output().unwrap();
        assert_eq!(output.stdout, b"it's `x` \"$HOME\" \\");
    }
}
