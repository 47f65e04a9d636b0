//! The command line of the daemon for its page: the daemon reads its few words without clap.

use clap::{Arg, ArgAction, Command};

/// Answers what `keyfobd --help` tells, as a definition.
pub(super) fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    let mut command = Command::new("keyfobd")
        .about("Keeps AWS sessions renewed and serves them over a local socket")
        .long_about(
            "Keeps AWS sessions renewed and serves them over a local socket. Nobody has to start it: clients do, or \
             systemd, see keyfob-daemon-install(1). It takes over a socket that systemd listens on.",
        )
        .disable_help_flag(true)
        .arg(flag("detached", "Leave the terminal, log to a file, print one line when ready"))
        .arg(
            Arg::new("log-format")
                .long("log-format")
                .value_name("FORMAT")
                .help("How its log looks: human or json; human if left out"),
        )
        .arg(flag("version", "Print the version"))
        .arg(flag("help", "Print what can be typed"));
    command.build();
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_page_has_the_flags_that_the_daemon_reads() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../daemon/src/arguments.rs");
        let source = std::fs::read_to_string(source).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        let read = code.split("\"--").skip(1).filter_map(|rest| rest.split('"').next());
        let mut read: Vec<&str> = read.filter(|flag| !flag.contains(' ')).collect();
        read.sort_unstable();
        let command = command();
        let mut written: Vec<&str> = command.get_arguments().filter_map(Arg::get_long).collect();
        written.sort_unstable();
        assert_eq!(written, read);
    }
}
