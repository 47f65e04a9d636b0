//! Which room may import which. An arrow that is not in this table points back.

use super::{Finding, Tree, lines_with};

struct Room {
    /// Where it lies.
    place: &'static str,
    /// How others name it.
    package: &'static str,
    may_import: &'static [&'static str],
}

const ROOMS: &[Room] = &[
    Room { place: "shared/", package: "keyfob-shared", may_import: &[] },
    // The audit file is read in place: it must be readable while no daemon runs. Templates need none either.
    Room {
        place: "client/",
        package: "keyfob",
        may_import: &["keyfob-shared", "keyfob-audit", "keyfob-governance"],
    },
    Room { place: "daemon/engine/", package: "keyfob-engine", may_import: &["keyfob-shared"] },
    Room { place: "daemon/vault/", package: "keyfob-vault", may_import: &["keyfob-shared", "keyfob-engine"] },
    Room {
        place: "daemon/source/",
        package: "keyfob-source",
        may_import: &["keyfob-shared", "keyfob-engine", "keyfob-aws"],
    },
    Room { place: "daemon/aws/", package: "keyfob-aws", may_import: &["keyfob-shared"] },
    Room { place: "daemon/iam/", package: "keyfob-iam", may_import: &["keyfob-shared", "keyfob-aws"] },
    Room {
        place: "daemon/listen/",
        package: "keyfob-listen",
        may_import: &["keyfob-shared", "keyfob-engine"],
    },
    Room { place: "daemon/endpoint/", package: "keyfob-endpoint", may_import: &["keyfob-shared"] },
    // Its tests sign in at emulated providers.
    Room { place: "daemon/idp/", package: "keyfob-idp", may_import: &["keyfob-shared", "keyfob-tests"] },
    Room { place: "daemon/audit/", package: "keyfob-audit", may_import: &["keyfob-shared", "keyfob-engine"] },
    Room {
        place: "daemon/import/",
        package: "keyfob-import",
        may_import: &["keyfob-shared", "keyfob-engine"],
    },
    Room { place: "daemon/governance/", package: "keyfob-governance", may_import: &["keyfob-shared"] },
    Room {
        place: "daemon/",
        package: "keyfobd",
        may_import: &[
            "keyfob-shared",
            "keyfob-engine",
            "keyfob-vault",
            "keyfob-aws",
            "keyfob-source",
            "keyfob-iam",
            "keyfob-governance",
            "keyfob-listen",
            "keyfob-audit",
            "keyfob-endpoint",
            "keyfob-import",
            "keyfob-idp",
        ],
    },
    Room { place: "tests/", package: "keyfob-tests", may_import: &["keyfob-shared"] },
    // The manual is written from the command line of the client, which has these in it.
    Room {
        place: "packaging/xtask/",
        package: "xtask",
        may_import: &["keyfob-shared", "keyfob-audit", "keyfob-governance"],
    },
];

/// Finds imports that no arrow allows, in code and in manifests, tests included.
pub(super) fn imports(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        // The first that fits: the rooms of the daemon stand before the daemon.
        let Some(room) = ROOMS.iter().find(|room| file.path.starts_with(room.place)) else { continue };
        let is_manifest = file.name() == "Cargo.toml";
        if !is_manifest && !file.is_rust() {
            continue;
        }
        let code = if is_manifest { file.text.clone() } else { super::code::only(&file.text) };
        let foreign =
            |other: &&Room| other.package != room.package && !room.may_import.contains(&other.package);
        for other in ROOMS.iter().filter(foreign) {
            let lines: Vec<usize> = match is_manifest {
                true => dependency_lines(&code, other.package).collect(),
                false => lines_with(&code, &format!("{}::", other.package.replace('-', "_"))).collect(),
            };
            let what = format!("{} may not import {}", room.package, other.package);
            findings.extend(lines.into_iter().map(|line| Finding::new(&file.path, line, what.clone())));
        }
    }
    findings
}

/// Answers the lines of a manifest that depend on a package, by its name, by a path to it or under another name.
fn dependency_lines<'a>(manifest: &'a str, package: &'a str) -> impl Iterator<Item = usize> + 'a {
    let mut depends = false;
    let is_dependency = move |(_, line): &(usize, &str)| {
        if let Some(section) = line.trim().strip_prefix('[') {
            depends = section.contains("dependencies");
            return depends && section.trim_end_matches(']').ends_with(&format!("dependencies.{package}"));
        }
        let key = line.split(['=', '.', ' ']).next().unwrap_or_default().trim_matches('"');
        let renamed = line.contains(&format!("\"{package}\"")) && line.contains("package");
        depends && (key == package || renamed)
    };
    manifest.lines().enumerate().filter(is_dependency).map(|(number, _)| number + 1)
}

#[cfg(test)]
mod tests {
    use super::super::{sample, told};
    use super::*;

    #[test]
    fn finds_arrows_that_point_back() {
        let broken = sample(&[
            ("shared/src/lib.rs", "use keyfob_engine::plan;\n"),
            ("client/src/a.rs", "\nfn a() { keyfob_engine::b() }\n"),
            ("daemon/engine/src/a.rs", "use keyfob_vault::Vault;\n"),
            ("daemon/vault/src/a.rs", "use keyfob_source::sts;\n"),
            ("daemon/listen/src/a.rs", "#[cfg(test)]\nmod tests { use keyfob_audit::Log; }\n"),
            ("tests/src/lib.rs", "use keyfob_engine::plan;\n"),
        ]);
        assert_eq!(
            told(&imports(&broken)),
            [
                "client/src/a.rs:2: keyfob may not import keyfob-engine",
                "daemon/engine/src/a.rs:1: keyfob-engine may not import keyfob-vault",
                "daemon/listen/src/a.rs:2: keyfob-listen may not import keyfob-audit",
                "daemon/vault/src/a.rs:1: keyfob-vault may not import keyfob-source",
                "shared/src/lib.rs:1: keyfob-shared may not import keyfob-engine",
                "tests/src/lib.rs:1: keyfob-tests may not import keyfob-engine",
            ]
        );
    }

    #[test]
    fn finds_them_in_manifests() {
        let manifest =
            "[package]\nname = \"keyfob-engine\"\n\n[dependencies]\nkeyfob-shared.workspace = true\n";
        let tree = |more: &str| sample(&[("daemon/engine/Cargo.toml", &format!("{manifest}{more}"))]);
        assert!(imports(&tree("")).is_empty());
        let back = ["daemon/engine/Cargo.toml:6: keyfob-engine may not import keyfob-vault"];
        assert_eq!(told(&imports(&tree("keyfob-vault.workspace = true\n"))), back);
        assert_eq!(told(&imports(&tree("v = { package = \"keyfob-vault\", path = \"../vault\" }\n"))), back);
        assert_eq!(told(&imports(&tree("[dev-dependencies.keyfob-vault]\nworkspace = true\n"))), back);
    }

    #[test]
    fn lets_the_arrows_be() {
        let whole = sample(&[
            ("client/src/a.rs", "use keyfob_shared::wire;\nuse keyfob_audit::read;\n"),
            (
                "daemon/source/src/a.rs",
                "use keyfob_engine::plan;\n// keyfob_vault::Vault is not known here\n",
            ),
            ("daemon/src/a.rs", "use keyfob_vault::Vault;\nuse keyfob_source::sts;\n"),
        ]);
        assert!(imports(&whole).is_empty());
    }
}
