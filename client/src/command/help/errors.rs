//! `keyfob help errors`: each way in which a command can end, what is done about it unasked, and what AWS answers.

use super::codes::CODES;
use keyfob_shared::FailureKind;

/// What a person should know of one kind of error.
pub(super) struct Entry {
    /// The names under which it is met.
    pub(super) names: &'static [&'static str],
    pub(super) what: &'static str,
    pub(super) why: &'static str,
    /// What to do about it.
    pub(super) mend: &'static str,
}

const KINDS: [FailureKind; 5] = [
    FailureKind::Upstream,
    FailureKind::Usage,
    FailureKind::Person,
    FailureKind::Refused,
    FailureKind::Unreachable,
];

/// Answers what an exit code means.
const fn kind(kind: FailureKind) -> Entry {
    match kind {
        FailureKind::Upstream => Entry {
            names: &["upstream"],
            what: "AWS, an identity provider or the network has failed",
            why: "the call was made, and the answer was an error, or there was none",
            mend: "read the cause and its hint; keyfob doctor looks at clock, network and proxy",
        },
        FailureKind::Usage => Entry {
            names: &["usage"],
            what: "the command line or the configuration is wrong",
            why: "there is no such profile, a setting has a value that it can't have, or a file can't be read",
            mend: "keyfob profile check names the line; keyfob --help explains the words",
        },
        FailureKind::Person => Entry {
            names: &["person"],
            what: "a person has to do something",
            why: "a sign-in has ended, an MFA code is asked for, the vault is sealed, or a key is missing",
            mend: "run the command of the hint: keyfob login NAME, keyfob unlock or keyfob key add NAME",
        },
        FailureKind::Refused => Entry {
            names: &["refused"],
            what: "the agent does not serve this",
            why: "it is locked, the caller is another user, a restricted socket does not have it, or too many wait",
            mend: "keyfob unlock if it is locked; else ask at the person's own socket: keyfob status",
        },
        FailureKind::Unreachable => Entry {
            names: &["unreachable"],
            what: "the daemon can't be reached, or speaks another version of the protocol",
            why: "it can't be started, it hangs, or client and daemon are of different versions",
            mend: "keyfob daemon restart; keyfob daemon run shows why it ends",
        },
    }
}

/// What the daemon does about an error of a mint, by the names of its log.
const GROUPS: [Entry; 7] = [
    Entry {
        names: &["Transient"],
        what: "it may work in a moment",
        why: "the network, a server error, or AWS asks to slow down",
        mend: "nothing: it is tried again, later each time; keyfob status shows when",
    },
    Entry {
        names: &["SourceExpired"],
        what: "what signs the call has ended",
        why: "a session before this one in the chain, or a token, ended early or was revoked",
        mend: "nothing at first: it is renewed, and the call is made once more; then keyfob login NAME",
    },
    Entry {
        names: &["ClockSkew"],
        what: "the clock of this computer is wrong",
        why: "AWS takes signatures that are at most five minutes old (SigV4)",
        mend: "set the clock: timedatectl set-ntp true; until then calls are dated by the clock of AWS",
    },
    Entry {
        names: &["DurationTooLong"],
        what: "the session was to last longer than it may",
        why: "above the role's maximum, or above the one hour of a chained role",
        mend: "it is asked for with one hour; set duration in the profile, or keyfob role max-duration",
    },
    Entry {
        names: &["MfaRefused"],
        what: "the MFA code was not taken",
        why: "it is wrong, was used before, or mfa_serial is another device",
        mend: "wait for the next code, then keyfob login NAME",
    },
    Entry {
        names: &["SignInNeeded"],
        what: "the identity provider wants to see a person",
        why: "its own session has ended, or it asks for another factor",
        mend: "keyfob login NAME",
    },
    Entry {
        names: &["Final"],
        what: "trying again changes nothing",
        why: "AWS understood the call and refused it",
        mend: "see the code below, and mend its cause; the next get tries again",
    },
];

pub(super) fn text() -> String {
    let mut text = String::from("Exit codes\n\n");
    for one in KINDS {
        let entry = kind(one);
        text.push_str(&paragraph(&format!("{} {}", one.exit_code(), entry.names.join(", ")), &entry));
    }
    text.push_str("0 is success; exec ends with the exit code of its command.\n\nWhat the daemon does about a failed call\n\n");
    for entry in &GROUPS {
        text.push_str(&paragraph(&entry.names.join(", "), entry));
    }
    text.push_str("What AWS answers\n\n");
    for entry in CODES {
        text.push_str(&paragraph(&entry.names.join(", "), entry));
    }
    text.trim_end().to_owned() + "\n"
}

fn paragraph(heading: &str, entry: &Entry) -> String {
    format!("{heading}\n  what:  {}\n  why:   {}\n  to do: {}\n\n", entry.what, entry.why, entry.mend)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers the words in quotes that stand before `=>` or `|`, which are the codes of a match.
    fn codes(source: &str) -> Vec<&str> {
        let body = source.split("fn known(").nth(1).and_then(|rest| rest.split("\n}\n").next()).unwrap();
        let quoted: Vec<&str> = body.split('"').collect();
        // Behind an odd number of quotes begins a text; one of a pattern is followed by `|`, `=>` or `if`.
        let pattern = |pair: &[&'_ str]| {
            let after = pair[1].trim_start();
            after.starts_with('|') || after.starts_with("=>") || after.starts_with("if ")
        };
        (1..quoted.len() - 1).step_by(2).filter(|at| pattern(&quoted[*at..])).map(|at| quoted[at]).collect()
    }

    #[test]
    fn every_code_that_the_daemon_knows_is_explained_once() {
        let known = codes(include_str!("../../../../daemon/source/src/refusal.rs"));
        assert!(
            known.len() > 50 && known.contains(&"AccessDenied") && known.contains(&"UnsupportedProtocol"),
            "{known:?}"
        );
        let explained: Vec<&str> = CODES.iter().flat_map(|entry| entry.names).copied().collect();
        for code in &known {
            assert_eq!(explained.iter().filter(|name| *name == code).count(), 1, "{code}");
        }
        for code in explained {
            assert!(known.contains(&code), "{code} is explained, but nothing knows it");
        }
    }

    #[test]
    fn every_group_of_the_daemon_is_explained() {
        let source = include_str!("../../../../daemon/engine/src/mint.rs");
        let body = source
            .split("pub enum MintErrorKind {")
            .nth(1)
            .and_then(|rest| rest.split("\n}").next())
            .unwrap();
        let names = body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("///"));
        let names: Vec<&str> = names.map(|line| line.trim_end_matches(',')).collect();
        let explained: Vec<&str> = GROUPS.iter().flat_map(|entry| entry.names).copied().collect();
        assert_eq!(explained, names);
    }

    #[test]
    fn every_exit_code_is_told() {
        let text = text();
        for (at, one) in KINDS.iter().enumerate() {
            assert_eq!(usize::from(one.exit_code()), at + 1);
            assert!(text.contains(&format!("\n{} {}\n", at + 1, kind(*one).names[0])), "{text}");
        }
    }
}
