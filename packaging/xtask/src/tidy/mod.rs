//! The tidy test: rules of the architecture that a compiler can't keep.
//!
//! Each rule reads the tree and answers findings; none changes anything. A list of exceptions gives a reason for each
//! entry and may only shrink.

mod clocks;
mod code;
mod platform;
mod purity;
mod readme;
mod rooms;
mod text;

use std::collections::BTreeMap;
use std::path::Path;
use std::{fmt, fs, io};

/// Something that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// Counted from 1; 0 speaks of the whole file.
    line: usize,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}: {}", self.path, self.what),
            line => write!(formatter, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// A text file of the project.
pub(crate) struct File {
    /// From the top level, with slashes.
    path: String,
    text: String,
    /// The text of a Rust file with comments, strings and tests blanked out, line by line as it was; else empty.
    code: String,
}

impl File {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// The files of the project; what git ignores is not among them.
pub(crate) struct Tree {
    files: Vec<File>,
    /// What lies at the top level.
    top: Vec<String>,
}

impl Tree {
    /// Reads the tree below a directory.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut texts = BTreeMap::new();
        collect(root, "", &mut texts)?;
        let mut top = Vec::new();
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !is_passed_over(&name, &entry.path()) {
                top.push(name);
            }
        }
        Ok(Self::new(texts, top))
    }

    fn new(texts: BTreeMap<String, String>, top: Vec<String>) -> Self {
        let mut blanked = BTreeMap::new();
        let mut tests = Vec::new();
        for (path, text) in texts.iter().filter(|(path, _)| path.ends_with(".rs")) {
            let (code, modules) = code::without_tests(&code::only(text));
            tests.extend(modules.iter().flat_map(|module| code::places(path, module)));
            blanked.insert(path.clone(), code);
        }
        let is_test =
            |path: &str| tests.iter().any(|test| path == test || path.starts_with(&format!("{test}/")));
        let file = |(path, text): (String, String)| {
            let code = blanked.remove(&path).filter(|_| !is_test(&path)).unwrap_or_default();
            File { path, text, code }
        };
        Self { files: texts.into_iter().map(file).collect(), top }
    }

    /// Answers the Rust files of the programs, that is, of all rooms but `tests` and `packaging`.
    fn programs(&self) -> impl Iterator<Item = &File> {
        let rooms = ["shared/", "client/", "daemon/"];
        self.files
            .iter()
            .filter(move |file| file.is_rust() && rooms.iter().any(|room| file.path.starts_with(room)))
    }

    fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// Answers whether something is git's own or built by cargo, by its path from the top level and from here.
fn is_passed_over(path: &str, here: &Path) -> bool {
    path == ".git" || path == "target" || here.join("CACHEDIR.TAG").exists()
}

fn collect(directory: &Path, prefix: &str, texts: &mut BTreeMap<String, String>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if is_passed_over(&path, &entry.path()) {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), &format!("{path}/"), texts)?;
        } else if kind.is_file()
            && let Ok(text) = String::from_utf8(fs::read(entry.path())?)
        {
            texts.insert(path, text);
        }
    }
    Ok(())
}

/// Answers everything in the tree that breaks a rule.
pub(crate) fn findings(tree: &Tree) -> Vec<Finding> {
    const RULES: &[fn(&Tree) -> Vec<Finding>] = &[
        rooms::imports,
        purity::engine,
        clocks::reads,
        platform::conditions,
        readme::variables_and_commands,
        text::length,
        text::left_over,
        text::machine_paths,
        text::top_level,
    ];
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(tree)).collect();
    findings.sort();
    findings
}

/// Answers the lines, counted from 1, with the word; a word is not part of a longer name.
fn lines_with<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let has =
        move |line: &str| line.match_indices(word).any(|(start, _)| code::is_word(line, start, word.len()));
    code.lines().enumerate().filter(move |(_, line)| has(line)).map(|(number, _)| number + 1)
}

#[cfg(test)]
fn sample(files: &[(&str, &str)]) -> Tree {
    let texts: BTreeMap<String, String> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let top = texts.keys().filter_map(|path| path.split('/').next()).map(str::to_owned).collect();
    Tree::new(texts, top)
}

#[cfg(test)]
fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(Finding::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let found = told(&findings(&Tree::read(&root).unwrap()));
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    #[test]
    fn test_modules_in_files_of_their_own_count_as_tests() {
        let tree = sample(&[
            ("shared/src/lib.rs", "#[cfg(test)]\nmod tests;\nmod real;\n"),
            ("shared/src/real.rs", "#[cfg(test)]\nmod world;\nfn real() {}\n"),
            ("shared/src/real/world.rs", "fn world() {}\n"),
            ("shared/src/tests/mod.rs", "fn test() {}\n"),
        ]);
        let code: Vec<&str> = tree.files.iter().map(|file| file.code.trim()).collect();
        assert_eq!(code, ["mod real;", "fn real() {}", "", ""]);
    }
}
