//! Rules for the text of files, whatever their language, and for where files lie.

use super::{Finding, Tree, lines_with};

const MAX_LINES: usize = 400;
const TOP: &[&str] =
    &["Cargo.toml", "Cargo.lock", "README.md", "client", "daemon", "shared", "tests", "packaging"];
/// Written in two parts: this file has to pass as well.
const LEFT_OVER: &[&str] = &[
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("#[ig", "nore"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];
/// Places that are somebody's own. Examples speak of `alice`.
const MACHINE: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];
const EXAMPLE: &str = "alice";

/// Finds Rust files that are too long to be read in one go.
pub(super) fn length(tree: &Tree) -> Vec<Finding> {
    let lines = tree.files.iter().filter(|file| file.is_rust()).map(|file| (file, file.text.lines().count()));
    let long = lines.filter(|(_, lines)| *lines > MAX_LINES);
    long.map(|(file, lines)| {
        Finding::new(&file.path, 0, format!("{lines} lines, the ceiling is {MAX_LINES}"))
    })
    .collect()
}

/// Finds what was left for later.
pub(super) fn left_over(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for word in LEFT_OVER {
            let lines = lines_with(&file.text, word);
            findings.extend(lines.map(|line| Finding::new(&file.path, line, format!("{word} is left over"))));
        }
    }
    findings
}

/// Finds absolute paths of a machine that somebody worked on.
pub(super) fn machine_paths(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for (number, line) in file.text.lines().enumerate() {
            let is_path = |place: &&&str| {
                line.match_indices(**place).any(|(start, _)| {
                    let before = line[..start].chars().next_back();
                    let within =
                        before.is_some_and(|before| before.is_alphanumeric() || "/._-~}*".contains(before));
                    !within && !line[start + place.len()..].starts_with(EXAMPLE)
                })
            };
            let found = MACHINE.iter().filter(is_path);
            findings.extend(
                found.map(|place| Finding::new(&file.path, number + 1, format!("a path in {place}"))),
            );
        }
    }
    findings
}

/// Finds what does not belong at the top level.
pub(super) fn top_level(tree: &Tree) -> Vec<Finding> {
    let stray = tree.top.iter().filter(|name| !name.starts_with('.') && !TOP.contains(&name.as_str()));
    stray.map(|name| Finding::new(name, 0, "does not belong at the top level")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{sample, told};
    use super::*;

    #[test]
    fn finds_a_file_that_is_too_long() {
        let (most, more) = ("//\n".repeat(MAX_LINES), "//\n".repeat(MAX_LINES + 1));
        let tree = sample(&[("tests/a.rs", &most), ("tests/b.rs", &more), ("tests/c.txt", &more)]);
        assert_eq!(told(&length(&tree)), ["tests/b.rs: 401 lines, the ceiling is 400"]);
    }

    #[test]
    fn finds_what_was_left_for_later() {
        for word in LEFT_OVER {
            let tree = sample(&[("client/src/a.rs", &format!("\n{word}\"later\");\n"))]);
            assert_eq!(told(&left_over(&tree)), [format!("client/src/a.rs:2: {word} is left over")]);
        }
        let template = "mktemp keyfob.XXXXXX\nlet nottodo = 1;\n";
        assert!(left_over(&sample(&[("tests/a.sh", template)])).is_empty());
    }

    #[test]
    fn finds_paths_of_a_machine() {
        for place in MACHINE {
            let tree = sample(&[("README.md", &format!("\ncd {place}bob\n"))]);
            assert_eq!(told(&machine_paths(&tree)), [format!("README.md:2: a path in {place}")]);
        }
        let examples =
            format!("{}alice\nhttps://example.org{}x\n$D{}y\n", MACHINE[2], MACHINE[0], MACHINE[0]);
        assert!(machine_paths(&sample(&[("README.md", &examples)])).is_empty());
    }

    #[test]
    fn finds_what_does_not_belong_at_the_top() {
        let tree = sample(&[("notes.txt", ""), ("README.md", ""), (".ci/run", ""), ("client/src/a.rs", "")]);
        assert_eq!(told(&top_level(&tree)), ["notes.txt: does not belong at the top level"]);
    }
}
