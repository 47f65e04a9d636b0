//! The engine decides and does nothing: no runtime, no SDK, no I/O, no clock of its own.
//!
//! The import translates texts: it has the parser of the SDK, and no I/O either. What keyfob knows of governance is
//! values and texts as well.

use super::{File, Finding, Tree, lines_with};

const ENGINE: &str = "daemon/engine/src/";
const IMPORT: &str = "daemon/import/src/";
const GOVERNANCE: &str = "daemon/governance/src/";
const CRATES: &[&str] = &["tokio", "aws_config", "aws_runtime", "aws_types", "rustix"];
const MODULES: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
];
/// An address is a value.
const VALUES: &[&str] = &["std::net::IpAddr", "std::net::Ipv4Addr", "std::net::Ipv6Addr"];

/// Finds what the engine must not use; its tests may.
pub(super) fn engine(tree: &Tree) -> Vec<Finding> {
    let of = |room: &'static str| tree.files.iter().filter(move |file| file.path.starts_with(room));
    let engine = of(ENGINE).flat_map(|file| uses(file, "the engine"));
    let governance = of(GOVERNANCE).flat_map(|file| uses(file, "governance"));
    engine.chain(governance).chain(of(IMPORT).flat_map(does)).collect()
}

/// Finds input and output.
fn does(file: &File) -> Vec<Finding> {
    let runtime = lines_with(&file.code, "tokio").map(|line| (line, "tokio"));
    let found = runtime.chain(modules(file));
    found.map(|(line, what)| Finding::new(&file.path, line, format!("the import uses {what}"))).collect()
}

/// Finds modules of the standard library that do something, or read a clock.
fn modules(file: &File) -> impl Iterator<Item = (usize, &'static str)> {
    paths(&file.code).into_iter().filter_map(|(line, path)| {
        let is_within = |outer: &&&str| path == **outer || path.starts_with(&format!("{outer}::"));
        if VALUES.iter().any(|value| is_within(&value)) {
            return None;
        }
        Some((line, *MODULES.iter().find(is_within)?))
    })
}

fn uses(file: &File, room: &str) -> Vec<Finding> {
    let crates = CRATES.iter().flat_map(|name| lines_with(&file.code, name).map(move |line| (line, *name)));
    let sdk = ["aws_sdk_", "aws_smithy_"].into_iter();
    let sdk = sdk.flat_map(|start| {
        let lines = file.code.lines().enumerate().filter(move |(_, line)| line.contains(start));
        lines.map(move |(number, _)| (number + 1, start))
    });
    let found = crates.chain(sdk).chain(modules(file));
    found.map(|(line, what)| Finding::new(&file.path, line, format!("{room} uses {what}"))).collect()
}

/// Answers the paths into the standard library, with groups spread out.
fn paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (start, root) in code.match_indices("std::") {
        if super::code::is_word(code, start, root.len()) {
            let line = code[..start].lines().count().max(1);
            let mut spread = Vec::new();
            spread_out("std", &code[start + root.len()..], &mut spread);
            found.extend(spread.into_iter().map(|path| (line, path)));
        }
    }
    found
}

/// Adds the paths that go on from a prefix, and answers what follows them.
fn spread_out<'a>(prefix: &str, code: &'a str, found: &mut Vec<String>) -> &'a str {
    let code = code.trim_start();
    if let Some(mut rest) = code.strip_prefix('{') {
        loop {
            rest = rest.trim_start().trim_start_matches(',').trim_start();
            if rest.is_empty() {
                return rest;
            }
            if let Some(rest) = rest.strip_prefix('}') {
                return rest;
            }
            let before = rest.len();
            rest = spread_out(prefix, rest, found);
            if rest.len() == before {
                return rest;
            }
        }
    }
    let length = code.find(|byte: char| !(byte.is_alphanumeric() || byte == '_')).unwrap_or(code.len());
    let (name, rest) = code.split_at(length);
    let path = if name == "self" { prefix.to_owned() } else { format!("{prefix}::{name}") };
    if let Some(rest) = rest.strip_prefix("::") {
        return spread_out(&path, rest, found);
    }
    found.push(path);
    match rest.trim_start().strip_prefix("as ") {
        Some(alias) => {
            alias.trim_start().trim_start_matches(|byte: char| byte.is_alphanumeric() || byte == '_')
        }
        None => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{sample, told};
    use super::*;

    fn found(code: &str) -> Vec<String> {
        told(&engine(&sample(&[("daemon/engine/src/a.rs", code)])))
    }

    fn uses(what: &str) -> Vec<String> {
        vec![format!("daemon/engine/src/a.rs:1: the engine uses {what}")]
    }

    #[test]
    fn finds_runtime_and_sdk() {
        assert_eq!(found("use tokio::sync::Mutex;\n"), uses("tokio"));
        assert_eq!(found("fn a(b: aws_sdk_sts::Client) {}\n"), uses("aws_sdk_"));
        assert_eq!(found("use aws_types::region;\n"), uses("aws_types"));
    }

    #[test]
    fn finds_input_and_output_in_any_spelling() {
        assert_eq!(found("fn a() { std::fs::read(b); }\n"), uses("std::fs"));
        assert_eq!(found("use std::{fmt, process::{self as p, id}, sync::Arc};\n").len(), 2);
        assert_eq!(found("use std::{io, thread};\n"), uses("std::thread"));
        assert_eq!(found("use std::net::{IpAddr, TcpStream};\n"), uses("std::net"));
        assert_eq!(found("use std::time::{Duration, Instant};\n"), uses("std::time::Instant"));
    }

    #[test]
    fn the_import_has_the_parser_and_does_nothing() {
        let code = "use aws_runtime::env_config;\nuse std::fs;\nuse tokio::fs;\n";
        let found = told(&engine(&sample(&[("daemon/import/src/a.rs", code)])));
        let expected = ["3: the import uses tokio", "2: the import uses std::fs"];
        assert_eq!(found, expected.map(|what| format!("daemon/import/src/a.rs:{what}")));
    }

    #[test]
    fn governance_is_as_pure_as_the_engine() {
        let code = "use aws_types::region;\nuse std::{fmt, fs};\n";
        let found = told(&engine(&sample(&[("daemon/governance/src/a.rs", code)])));
        let expected = ["1: governance uses aws_types", "2: governance uses std::fs"];
        assert_eq!(found, expected.map(|what| format!("daemon/governance/src/a.rs:{what}")));
    }

    #[test]
    fn values_comments_and_tests_are_pure() {
        assert!(
            found("use std::net::IpAddr;\nuse std::{collections::BTreeMap, time::Duration};\n").is_empty()
        );
        assert!(found("// std::fs is for others\nconst A: &str = \"tokio\";\n").is_empty());
        assert!(found("#[cfg(test)]\nmod tests { use std::fs; }\n").is_empty());
        assert!(told(&engine(&sample(&[("daemon/src/a.rs", "use std::fs;\n")]))).is_empty());
    }
}
