//! What people can type and set stands in the README.

use super::{Finding, Tree, code};
use std::collections::BTreeMap;

const README: &str = "README.md";
const LINE: &str = "client/src/line.rs";
/// What every variable of ours starts with.
const PREFIX: &str = "KEYFOB_";

/// Finds variables and subcommands that the README does not name.
pub(super) fn variables_and_commands(tree: &Tree) -> Vec<Finding> {
    let Some(readme) = tree.file(README) else {
        return vec![Finding::new(README, 0, "is missing")];
    };
    let is_named = |word: &str| {
        let mut places = readme.text.match_indices(word);
        places.any(|(start, _)| {
            code::is_word(&readme.text, start, word.len()) && !goes_on(&readme.text[start + word.len()..])
        })
    };
    let mut findings = Vec::new();
    for (variable, (path, line)) in variables(tree) {
        if !is_named(&variable) {
            findings.push(Finding::new(path, line, format!("{variable} is not in the README")));
        }
    }
    let commands = tree.file(LINE).map(|file| commands(&file.code)).unwrap_or_default();
    if commands.is_empty() {
        findings.push(Finding::new(LINE, 0, "no subcommand found: this rule must follow the code"));
    }
    for (line, command) in commands {
        if !is_named(&format!("keyfob {command}")) {
            findings.push(Finding::new(LINE, line, format!("`keyfob {command}` is not in the README")));
        }
    }
    findings
}

/// Answers whether a hyphen makes the name longer.
fn goes_on(rest: &str) -> bool {
    rest.strip_prefix('-').is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
}

/// Answers the variables that the programs know, with the first place of each.
fn variables(tree: &Tree) -> BTreeMap<String, (&str, usize)> {
    let mut found = BTreeMap::new();
    for file in tree.programs() {
        for (number, line) in file.text.lines().enumerate() {
            for (start, _) in line.match_indices(PREFIX) {
                let is_name = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
                let length = line.as_bytes()[start..].iter().take_while(|byte| is_name(byte)).count();
                if length > PREFIX.len() && code::is_word(line, start, length) {
                    let name = line[start..start + length].to_owned();
                    found.entry(name).or_insert((file.path.as_str(), number + 1));
                }
            }
        }
    }
    found
}

/// Answers the subcommands: the variants of `enum Verb`, as clap spells them.
fn commands(code: &str) -> Vec<(usize, String)> {
    let mut depth = 0_usize;
    let mut found = Vec::new();
    let lines = code.lines().enumerate().skip_while(|(_, line)| !line.contains("enum Verb "));
    for (number, line) in lines {
        let name: String = line.trim_start().chars().take_while(char::is_ascii_alphanumeric).collect();
        if depth == 1 && name.starts_with(|first: char| first.is_ascii_uppercase()) {
            found.push((number + 1, kebab(&name)));
        }
        for byte in line.bytes() {
            match byte {
                b'{' | b'(' => depth += 1,
                b'}' | b')' => depth -= 1,
                _ => {}
            }
        }
        if depth == 0 {
            break;
        }
    }
    found
}

fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::super::{sample, told};
    use super::*;

    const VERBS: &str = "pub(crate) enum Verb {\n    /// Print\n    Get { profile: String },\n    #[command(subcommand)]\n    \
                         Key(Key),\n    Doctor {\n        /// Print\n        json: bool,\n    },\n    LogOut,\n}\nenum \
                         Other {\n    Not,\n}\n";

    #[test]
    fn finds_what_the_readme_does_not_name() {
        let broken = sample(&[
            (LINE, VERBS),
            ("shared/src/a.rs", "const A: &str = \"KEYFOB_A\";\n// KEYFOB_BEE\n"),
            (README, "keyfob get, `keyfob keys`, keyfob log-outs, keyfob doctor-x, KEYFOB_AB, KEYFOB_BEE"),
        ]);
        assert_eq!(
            told(&variables_and_commands(&broken)),
            [
                "shared/src/a.rs:1: KEYFOB_A is not in the README",
                "client/src/line.rs:5: `keyfob key` is not in the README",
                "client/src/line.rs:6: `keyfob doctor` is not in the README",
                "client/src/line.rs:10: `keyfob log-out` is not in the README",
            ]
        );
    }

    #[test]
    fn is_content_when_all_is_named() {
        let readme = "`keyfob get` `keyfob key add` keyfob doctor, keyfob log-out. KEYFOB_A";
        let whole = sample(&[(LINE, VERBS), ("daemon/src/a.rs", "\"KEYFOB_A\"\n"), (README, readme)]);
        assert!(variables_and_commands(&whole).is_empty());
    }

    #[test]
    fn finds_that_there_is_no_readme() {
        assert_eq!(told(&variables_and_commands(&sample(&[(LINE, VERBS)]))), ["README.md: is missing"]);
    }

    #[test]
    fn finds_that_the_subcommands_have_moved() {
        let found = told(&variables_and_commands(&sample(&[(LINE, "enum Command { A }\n"), (README, "")])));
        assert_eq!(found, ["client/src/line.rs: no subcommand found: this rule must follow the code"]);
    }
}
