//! `keyfob completions`: what a shell needs to complete our commands, from their own definitions.

use super::print;
use crate::line::{Completed, Line};
use clap::CommandFactory;
use clap_complete::Shell;
use keyfob_shared::Failure;

pub(super) fn run(shell: Completed) -> Result<(), Failure> {
    print(&script(shell))
}

fn script(shell: Completed) -> String {
    let shell = match shell {
        Completed::Bash => Shell::Bash,
        Completed::Zsh => Shell::Zsh,
        Completed::Fish => Shell::Fish,
        Completed::Powershell => Shell::PowerShell,
    };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Line::command(), "keyfob", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_is_told_of_every_command() {
        for shell in [Completed::Bash, Completed::Zsh, Completed::Fish, Completed::Powershell] {
            let script = script(shell);
            for command in Line::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell:?}: {}", command.get_name());
            }
            assert!(script.contains("max-duration"), "{shell:?}: commands below commands");
        }
    }
}
