//! What the project is built from: licences, places of origin, numbers, and what must not be in a program.
//!
//! All of it comes from `cargo metadata`, which speaks for every platform. Known holes in dependencies are not looked
//! for: their database is not in the package registry.

use crate::licence;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The most packages that `Cargo.lock` may hold. Each one is built, trusted and updated: more of them is a decision,
/// made here.
const MAX_PACKAGES: usize = 292;

const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Packages that may have one more licence. What a package carries beside Rust is not seen here: libdbus-sys brings the
/// C library libdbus (AFL-2.1 or GPL-2.0-or-later; used under the former).
const MORE_LICENCES: &[(&str, &str)] = &[
    // Asks for changes to its own files to be published; none are made.
    ("option-ext", "MPL-2.0"),
];

/// Packages that are there in two versions, since those who depend on them have not agreed yet. The list may only
/// shrink.
const TWICE: &[&str] = &[
    // dbus-secret-service has the older RustCrypto.
    "block-buffer",
    "cipher",
    "cpufeatures",
    "crypto-common",
    "digest",
    "hmac",
    "inout",
    "sha2",
    // ring has the older ones.
    "getrandom",
    "windows-sys",
    // The macros of tracing, zeroize and the AWS SDK have the older one; it runs at build time only.
    "syn",
];

/// What must stay out of the packages that start in no time or do no I/O.
const LIGHT: &[&str] = &["keyfob-shared", "keyfob", "keyfob-engine", "keyfob-governance"];

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Answers everything that is wrong with the dependencies.
pub(crate) fn findings(metadata: &Value) -> Vec<String> {
    let packages = list(metadata, "packages");
    let mut findings = Vec::new();
    if packages.len() > MAX_PACKAGES {
        findings.push(format!("Cargo.lock: {} packages, the ceiling is {MAX_PACKAGES}", packages.len()));
    }
    for package in packages {
        let called = format!("{} {}", text(package, "name"), text(package, "version"));
        findings.extend(origin(package).map(|what| format!("{called}: {what}")));
        findings.extend(licensing(package).map(|what| format!("{called}: {what}")));
    }
    findings.extend(versions(packages));
    findings.extend(LIGHT.iter().flat_map(|name| weight(metadata, name)));
    findings
}

fn origin(package: &Value) -> Option<String> {
    match package["source"].as_str() {
        None | Some(CRATES_IO) => None,
        Some(other) => Some(format!("comes from {other}, not from crates.io")),
    }
}

fn licensing(package: &Value) -> Option<String> {
    let Some(expression) = package["license"].as_str() else {
        return Some("has no licence expression".to_owned());
    };
    let mut allowed = LICENCES.to_vec();
    allowed.extend(MORE_LICENCES.iter().filter(|(name, _)| package["name"] == *name).map(|(_, more)| more));
    match licence::is_met(expression, &allowed) {
        Some(true) => None,
        Some(false) => Some(format!("the licence `{expression}` is not allowed")),
        None => Some(format!("the licence `{expression}` is not understood")),
    }
}

fn versions(packages: &[Value]) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(text(package, "name")).or_default().push(text(package, "version"));
    }
    let several = |name: &str| versions.get(name).is_some_and(|versions| versions.len() > 1);
    let shrunk = TWICE.iter().filter(|name| !several(name));
    let shrunk = shrunk.map(|name| format!("{name}: no longer there twice; take it off the list in xtask"));
    let grown = versions.iter().filter(|(name, versions)| versions.len() > most(name));
    grown.map(|(name, versions)| format!("{name}: versions {}", versions.join(", "))).chain(shrunk).collect()
}

fn most(name: &str) -> usize {
    if TWICE.contains(&name) { 2 } else { 1 }
}

/// Answers what a light package carries that it must not, tests aside.
fn weight(metadata: &Value, name: &str) -> Vec<String> {
    let packages = list(metadata, "packages");
    let names: BTreeMap<&str, &str> =
        packages.iter().map(|package| (text(package, "id"), text(package, "name"))).collect();
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"], "nodes").iter().map(|node| (text(node, "id"), node)).collect();
    let Some((root, _)) = names.iter().find(|(_, known)| **known == name) else {
        return vec![format!("{name}: there is no such package")];
    };
    let mut seen = BTreeSet::from([*root]);
    let mut rest = vec![*root];
    while let Some(node) = rest.pop().and_then(|id| nodes.get(id)) {
        let shipped = |dependency: &&Value| {
            list(dependency, "dep_kinds").iter().any(|kind| kind["kind"].as_str() != Some("dev"))
        };
        for dependency in list(node, "deps").iter().filter(shipped) {
            if seen.insert(text(dependency, "pkg")) {
                rest.push(text(dependency, "pkg"));
            }
        }
    }
    let carried = seen.iter().filter_map(|id| names.get(id));
    let heavy = carried.filter(|name| **name == "tokio" || name.starts_with("aws-"));
    heavy.map(|heavy| format!("{name}: depends on {heavy}")).collect()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str) -> Value {
        json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT", "source": CRATES_IO })
    }

    #[test]
    fn finds_a_package_that_is_not_from_the_registry() {
        let mut stray = package("stray");
        assert_eq!(origin(&stray), None);
        stray["source"] = json!("git+https://example.org/stray");
        assert!(origin(&stray).is_some_and(|what| what.contains("example.org")));
    }

    #[test]
    fn finds_a_licence_that_is_not_allowed() {
        let mut closed = package("closed");
        assert_eq!(licensing(&closed), None);
        closed["license"] = json!("MPL-2.0");
        assert_eq!(licensing(&closed), Some("the licence `MPL-2.0` is not allowed".to_owned()));
        closed["name"] = json!("option-ext");
        assert_eq!(licensing(&closed), None, "an exception speaks of one package");
        closed["license"] = Value::Null;
        assert_eq!(licensing(&closed), Some("has no licence expression".to_owned()));
    }

    #[test]
    fn finds_a_second_version_and_a_list_that_could_shrink() {
        let known: Vec<Value> = TWICE.iter().flat_map(|name| [package(name), package(name)]).collect();
        assert!(versions(&known).is_empty());
        let more: Vec<Value> = [package("twice"), package("twice")].into_iter().chain(known).collect();
        assert_eq!(versions(&more), ["twice: versions 1.0.0, 1.0.0"]);
        assert_eq!(versions(&more[3..]).len(), 1, "half of the first known pair is gone");
    }

    #[test]
    fn finds_too_many_packages() {
        let packages: Vec<Value> = (0..=MAX_PACKAGES).map(|number| package(&format!("p{number}"))).collect();
        let found = findings(&json!({ "packages": packages }));
        assert!(found.iter().any(|what| what.contains("the ceiling is")), "{found:?}");
    }

    #[test]
    fn finds_weight_however_deep_but_not_that_of_tests() {
        let edge = |to: &str, kind: Value| json!({ "pkg": to, "dep_kinds": [{ "kind": kind }] });
        let metadata = |kind: Value| {
            json!({
                "packages": [package("keyfob"), package("middle"), package("tokio")],
                "resolve": { "nodes": [
                    { "id": "keyfob", "deps": [edge("middle", kind)] },
                    { "id": "middle", "deps": [edge("tokio", Value::Null)] },
                    { "id": "tokio", "deps": [] },
                ] },
            })
        };
        assert_eq!(weight(&metadata(Value::Null), "keyfob"), ["keyfob: depends on tokio"]);
        assert_eq!(weight(&metadata(json!("build")), "keyfob"), ["keyfob: depends on tokio"]);
        assert!(weight(&metadata(json!("dev")), "keyfob").is_empty());
        assert_eq!(weight(&metadata(json!("dev")), "gone"), ["gone: there is no such package"]);
    }
}
