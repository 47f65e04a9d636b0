//! What differs between operating systems lies in sibling files; the logic has no conditions.
//!
//! A condition on `mod` or `use` chooses a sibling, which is the way it is meant to be.

use super::{File, Finding, Tree, lines_with};

const WORDS: &[&str] = &["unix", "windows", "target_os", "target_family", "target_env"];
const NAMES: &[&str] = &["unix", "windows", "linux", "macos", "other"];

/// Files that still have conditions, with how many. The list may only shrink.
const ALLOWED: &[(&str, usize)] = &[
    // What the shell is when nothing tells.
    ("client/src/command/env.rs", 1),
    // The entry of the hot path is the C runtime's: the crate itself has to know.
    ("client/src/main.rs", 3),
    // The length of a constant: socket paths are four bytes shorter on the BSDs.
    ("daemon/listen/src/unix/bind.rs", 1),
];

/// Answers whether a file is for one platform, by its own name or that of its directory.
pub(super) fn is_platform_file(path: &str) -> bool {
    let mut parts = path.trim_end_matches(".rs").rsplit('/');
    parts.next().is_some_and(|name| NAMES.contains(&name)) || parts.any(|name| name == "platform")
}

/// Finds conditions on the operating system within logic; tests may have them.
pub(super) fn conditions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.programs().filter(|file| !is_platform_file(&file.path)) {
        let lines = condition_lines(file);
        let allowed = ALLOWED.iter().find(|(path, _)| *path == file.path).map_or(0, |(_, count)| *count);
        if lines.len() < allowed {
            let what = format!("{} conditions are left of {allowed}; lower the number in xtask", lines.len());
            findings.push(Finding::new(&file.path, 0, what));
        }
        let excess = lines.into_iter().skip(allowed);
        findings.extend(
            excess.map(|line| Finding::new(&file.path, line, "a condition on the platform in logic")),
        );
    }
    findings
}

fn condition_lines(file: &File) -> Vec<usize> {
    let code: Vec<&str> = file.code.lines().collect();
    let mut lines: Vec<usize> = WORDS.iter().flat_map(|word| lines_with(&file.code, word)).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.retain(|line| code[line - 1].contains("cfg") && !chooses_a_sibling(&code[line - 1..]));
    lines
}

/// Answers whether the attribute on the first line belongs to a `mod NAME;` or a `use`.
fn chooses_a_sibling(code: &[&str]) -> bool {
    let is_attribute = |line: &str| line.trim_start().starts_with("#[");
    let item = code.iter().find(|line| !is_attribute(line)).map(|line| line.trim_start());
    let item = item.map(|item| item.trim_start_matches("pub(crate) ").trim_start_matches("pub(super) "));
    let item = item.map(|item| item.trim_start_matches("pub "));
    let chosen = item
        .is_some_and(|item| item.starts_with("use ") || (item.starts_with("mod ") && item.ends_with(';')));
    chosen && is_attribute(code[0])
}

#[cfg(test)]
mod tests {
    use super::super::{sample, told};
    use super::*;

    #[test]
    fn finds_conditions_in_logic() {
        for code in [
            "\nfn a() { if cfg!(windows) { b() } }\n",
            "\n#[cfg(unix)]\nfn a() {}\n",
            "\n#[cfg(not(target_os = \"linux\"))]\nmod a { fn b() {} }\n",
            "\n#![cfg_attr(all(unix, not(test)), no_main)]\n",
        ] {
            for path in ["client/src/a.rs", "daemon/vault/src/mod.rs"] {
                let found = told(&conditions(&sample(&[(path, code)])));
                assert_eq!(found, [format!("{path}:2: a condition on the platform in logic")], "{code}");
            }
        }
    }

    #[test]
    fn choosing_a_sibling_is_the_way() {
        let code = "#[cfg(unix)]\nmod unix;\n#[cfg(unix)]\n#[rustfmt::skip]\npub(crate) use unix::{a, b};\n";
        assert!(conditions(&sample(&[("client/src/lib.rs", code)])).is_empty());
    }

    #[test]
    fn lets_platform_files_and_tests_be() {
        let code = "#[cfg(unix)]\nfn a() {}\n";
        for path in ["client/src/platform/a.rs", "daemon/src/alarm/other.rs", "tests/src/lib.rs"] {
            assert!(conditions(&sample(&[(path, code)])).is_empty(), "{path}");
        }
        let test = format!("#[cfg(test)]\nmod tests {{\n{code}\n}}\n");
        assert!(conditions(&sample(&[("client/src/a.rs", &test)])).is_empty());
    }

    #[test]
    fn the_list_of_exceptions_shrinks() {
        for (path, count) in ALLOWED {
            let found = told(&conditions(&sample(&[(path, "")])));
            assert_eq!(
                found,
                [format!("{path}: 0 conditions are left of {count}; lower the number in xtask")]
            );
        }
    }
}
