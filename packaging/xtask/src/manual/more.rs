//! What pages say that no definition of a command holds: exit codes, variables, files, where to read on.

/// Answers more sections for a page, in the language of `man`.
pub(super) fn sections(name: &str) -> String {
    match name {
        "keyfob" => {
            let exit = section("EXIT STATUS", EXIT_STATUS);
            let variables = section("ENVIRONMENT", ENVIRONMENT);
            format!("{exit}{variables}{}{}", section("FILES", FILES), see_also("keyfobd"))
        }
        "keyfobd" => {
            format!(
                "{}{}{}",
                section("ENVIRONMENT", ENVIRONMENT),
                section("FILES", FILES),
                see_also("keyfob")
            )
        }
        _ => {
            let above = name.rsplit_once('-').map_or("keyfob", |(above, _)| above);
            // "role-max-duration" is below "role"; no other name of a command below another has a hyphen.
            see_also(above.strip_suffix("-max").unwrap_or(above))
        }
    }
}

const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "It is done."),
    ("1", "AWS or the network failed."),
    ("2", "The usage or the configuration is wrong."),
    ("3", "A person must act; the hint says how."),
    ("4", "It was refused."),
    ("5", "The daemon can't be reached, or speaks another version."),
];

const ENVIRONMENT: &[(&str, &str)] = &[
    ("KEYFOB_CONFIG", "The configuration file."),
    ("KEYFOB_SOCKET", "The socket of the daemon."),
    ("KEYFOB_STATE_DIR", "The directory of vault, audit and logs."),
    ("KEYFOB_DAEMON_UID", "The number of a user whose daemon is trusted beside one's own."),
    ("KEYFOB_LOG", "The filter of the daemon's log: info, debug, and so on."),
];

const FILES: &[(&str, &str)] = &[
    ("~/.config/keyfob/config.toml", "Identities, profiles and sockets."),
    ("~/.local/state/keyfob", "Vault, audit and logs."),
    ("$XDG_RUNTIME_DIR/keyfob/agent.sock", "Where the daemon listens."),
];

fn section(heading: &str, rows: &[(&str, &str)]) -> String {
    let row = |(term, text): &(&str, &str)| format!(".TP\n\\fB{}\\fR\n{}\n", escaped(term), escaped(text));
    format!(".SH \"{heading}\"\n{}", rows.iter().map(row).collect::<String>())
}

fn see_also(name: &str) -> String {
    format!(".SH \"SEE ALSO\"\n\\fB{}\\fR(1)\n", escaped(name))
}

fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('-', "\\-").replace('~', "\\(ti");
    // A line that starts so would be a command.
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_leads_to_the_one_above() {
        for (name, above) in [
            ("keyfob-get", "keyfob"),
            ("keyfob-key-add", "keyfob\\-key"),
            ("keyfob-role-max-duration", "keyfob\\-role"),
        ] {
            assert_eq!(sections(name), format!(".SH \"SEE ALSO\"\n\\fB{above}\\fR(1)\n"));
        }
    }

    #[test]
    fn nothing_in_a_text_is_a_command() {
        assert_eq!(escaped(".x ~\\-"), "\\&.x \\(ti\\\\\\-");
    }
}
