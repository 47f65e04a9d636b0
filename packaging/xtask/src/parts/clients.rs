//! Clients of AWS, a provider to sign in at and a reader of Terraform's files, fetched or built, each in a directory of
//! its own: what `tests/clients` holds, and what it needs.
//!
//! A directory that is complete holds the text that it was made from. Where one can't be had, a file beside it says why,
//! and the row of the tests that needs it says so too.

use super::{COMPLETE, is_program};
use crate::workspace;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A download that hangs or a build that does not end is given up after this many seconds.
const LIMIT: &str = "600";
const NODE: &str = "@aws-sdk/client-s3@3.1169.0";
const OIDC: &str = "oidc-provider@9.13.3";

/// A client, or what it needs.
struct Part {
    /// The directory among the parts.
    name: &'static str,
    tools: &'static [&'static str],
    /// The files in `tests/clients` that it is made from.
    sources: &'static [&'static str],
    /// What to run in the directory of the first source, or in that of the part; `PLACE` stands for the latter.
    steps: &'static [&'static [&'static str]],
}

const PARTS: &[Part] = &[
    Part {
        name: "node",
        tools: &["node", "npm"],
        sources: &[],
        steps: &[&[
            "npm",
            "install",
            "--prefix=PLACE",
            "--engine-strict",
            "--no-package-lock",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            NODE,
        ]],
    },
    Part {
        name: "oidc",
        tools: &["node", "npm"],
        sources: &[],
        steps: &[&[
            "npm",
            "install",
            "--prefix=PLACE",
            "--engine-strict",
            "--no-package-lock",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            OIDC,
        ]],
    },
    Part {
        name: "java",
        tools: &["javac", "mvn"],
        sources: &["java/pom.xml", "java/Client.java"],
        steps: &[
            &["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=PLACE"],
            &["javac", "-d", "PLACE", "-cp", "PLACE/*", "Client.java"],
        ],
    },
    Part {
        name: "go",
        tools: &["go"],
        sources: &["go/go.mod", "go/go.sum", "go/main.go"],
        steps: &[&["go", "build", "-o", "PLACE/client", "."]],
    },
    Part {
        name: "terraform",
        tools: &["go"],
        sources: &["terraform/go.mod", "terraform/go.sum", "terraform/main.go"],
        steps: &[&["go", "build", "-o", "PLACE/parse", "."]],
    },
    Part {
        name: "rust",
        tools: &["cargo"],
        sources: &["rust/Cargo.toml", "rust/Cargo.lock", "rust/src/main.rs"],
        steps: &[&["cargo", "build", "--quiet", "--locked", "--target-dir=PLACE"]],
    },
];

/// Makes what is not complete, all at once: most of the time is spent on downloads.
pub(super) fn install(root: &Path, directory: &Path) -> Vec<Result<(), String>> {
    let sources = root.join("tests").join("clients");
    let provide = |part: &'static Part| {
        let note = directory.join(format!("{}.missing", part.name));
        // Absent when all went well last time.
        let _ = fs::remove_file(&note);
        make(part, &sources, &directory.join(part.name)).map_err(|why| {
            // The test says less without it.
            let _ = fs::write(&note, &why);
            format!("missing: the client in {} ({why}); its row of the tests is skipped", part.name)
        })
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = PARTS.iter().map(|part| scope.spawn(|| provide(part))).collect();
        let ends = threads.into_iter().map(|thread| thread.join());
        ends.map(|end| end.unwrap_or_else(|_| Err("missing: a client".into()))).collect()
    })
}

fn make(part: &Part, sources: &Path, place: &Path) -> Result<(), String> {
    let mut made_from = format!("{:?}\n", part.steps);
    for source in part.sources {
        let path = sources.join(source);
        made_from +=
            &fs::read_to_string(&path).map_err(|cause| format!("read {}: {cause}", path.display()))?;
    }
    let mark = place.join(COMPLETE);
    if fs::read_to_string(&mark).is_ok_and(|text| text == made_from) {
        return Ok(());
    }
    if let Some(tool) = part.tools.iter().find(|tool| !is_program(tool)) {
        return Err(format!("{tool} is not installed"));
    }
    eprintln!("test: making the client in {}", part.name);
    // Absent the first time.
    let _ = fs::remove_dir_all(place);
    fs::create_dir_all(place).map_err(|cause| format!("make {}: {cause}", place.display()))?;
    let directory = part.sources.first().and_then(|source| Path::new(source).parent());
    let directory = directory.map_or_else(|| place.to_owned(), |directory| sources.join(directory));
    for step in part.steps {
        let words = step.iter().map(|word| word.replace("PLACE", &place.display().to_string()));
        let mut command = Command::new("timeout");
        command.arg(LIMIT).args(words).current_dir(&directory).stdin(Stdio::null());
        workspace::run(&mut command, &step[..2].join(" "))?;
    }
    fs::write(&mark, made_from).map_err(|cause| format!("write {}: {cause}", mark.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_without_its_tool_is_told_and_a_complete_one_is_left_alone() {
        let place = std::env::temp_dir().join(format!("keyfob-xtask-client-{}", std::process::id()));
        let part = Part { name: "x", tools: &["no-such-program"], sources: &[], steps: &[&["true", "-"]] };
        assert_eq!(make(&part, &place, &place), Err("no-such-program is not installed".to_owned()));
        let part = Part { tools: &["sh"], ..part };
        assert_eq!(make(&part, &place, &place), Ok(()));
        fs::write(place.join("left"), "").unwrap();
        assert_eq!(make(&part, &place, &place), Ok(()));
        let left = place.join("left").exists();
        fs::remove_dir_all(&place).unwrap();
        assert!(left, "it was made anew");
    }

    #[test]
    fn a_step_that_fails_leaves_the_client_incomplete() {
        let place = std::env::temp_dir().join(format!("keyfob-xtask-failed-{}", std::process::id()));
        let part = Part { name: "x", tools: &[], sources: &[], steps: &[&["false", "-"]] };
        let made = make(&part, &place, &place);
        let marked = place.join(COMPLETE).exists();
        fs::remove_dir_all(&place).unwrap();
        assert!(made.is_err() && !marked, "{made:?}");
    }
}
