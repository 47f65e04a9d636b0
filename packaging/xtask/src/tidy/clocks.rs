//! Clocks are read in files named `clock.rs` and in platform files; everybody else is given the time.

use super::{Finding, Tree, lines_with, platform};

const READS: &[&str] = &["SystemTime::now", "Instant::now", "clock_gettime", "UtcDateTime::now", "now_utc"];

/// Files that read a clock all the same.
const ALLOWED: &[&str] = &[
    // Limits how often a refusal is logged; nothing of a session depends on it.
    "daemon/listen/src/unix/listener.rs",
];

/// Finds clocks that are read elsewhere; tests may.
pub(super) fn reads(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.programs() {
        let lines: Vec<(usize, &str)> = READS
            .iter()
            .flat_map(|read| lines_with(&file.code, read).map(move |line| (line, *read)))
            .collect();
        if ALLOWED.contains(&file.path.as_str()) {
            if lines.is_empty() {
                findings.push(Finding::new(&file.path, 0, "reads no clock; take it off the list in xtask"));
            }
            continue;
        }
        if file.name() != "clock.rs" && !platform::is_platform_file(&file.path) {
            let found = lines.into_iter();
            findings.extend(
                found.map(|(line, read)| Finding::new(&file.path, line, format!("{read} outside clock.rs"))),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::{sample, told};
    use super::*;

    #[test]
    fn finds_a_clock_that_is_read_in_passing() {
        let code = "use std::time::Instant;\nfn a() -> Instant { Instant::now() }\n";
        for path in ["client/src/a.rs", "daemon/listen/src/unix/bind.rs", "daemon/vault/src/clocks.rs"] {
            let found = told(&reads(&sample(&[(path, code)])));
            assert_eq!(found, [format!("{path}:2: Instant::now outside clock.rs")]);
        }
    }

    #[test]
    fn lets_clocks_platforms_and_tests_be() {
        let code = "fn a() { SystemTime::now() }\n";
        for path in ["daemon/src/clock.rs", "client/src/platform/windows.rs", "tests/src/lib.rs"] {
            assert!(reads(&sample(&[(path, code)])).is_empty(), "{path}");
        }
        let test = format!("#[cfg(test)]\nmod tests {{ {code} }}\n");
        assert!(reads(&sample(&[("client/src/a.rs", &test)])).is_empty());
    }

    #[test]
    fn the_list_of_exceptions_shrinks() {
        assert_eq!(reads(&sample(&[(ALLOWED[0], "fn a() {}\n")])).len(), 1);
    }
}
