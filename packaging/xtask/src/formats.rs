//! Tests of the packages that this project only describes: each file is read by the language it is written in.

use crate::parts;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const WINGET: [&str; 3] = [
    "winget/keyfob.keyfob.yaml",
    "winget/keyfob.keyfob.installer.yaml",
    "winget/keyfob.keyfob.locale.en-US.yaml",
];

fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(packaging(name)).unwrap_or_else(|cause| panic!("{name}: {cause}"))
}

/// Runs a program over a file, if it is installed, and answers what it printed.
fn read_by(program: &str, arguments: &[&str], name: &str) -> Option<String> {
    if !parts::is_program(program) {
        return None;
    }
    let mut command = Command::new(program);
    let output = command.args(arguments).arg(packaging(name)).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn each_format_is_understood_by_its_language() {
    read_by("bash", &["-n"], "arch/PKGBUILD");
    read_by("sh", &["-n"], "debian/postrm");
    read_by("ruby", &["-wc"], "homebrew/keyfob.rb");
    let scoop: Value = serde_json::from_str(&text("scoop/keyfob.json")).unwrap();
    assert!(scoop["architecture"]["64bit"]["url"].is_string());
    for name in WINGET {
        let read = "require 'yaml'; require 'json'; puts YAML.load_file(ARGV[0]).to_json";
        let Some(json) = read_by("ruby", &["-e", read], name) else { continue };
        let manifest: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(manifest["PackageIdentifier"], "keyfob.keyfob", "{name}");
    }
}

#[test]
fn each_format_has_the_version_of_the_workspace() {
    let version = env!("CARGO_PKG_VERSION");
    for (name, line) in [
        ("arch/PKGBUILD", format!("pkgver={version}\n")),
        ("homebrew/keyfob.rb", format!("keyfob-{version}.tar.gz\"\n")),
        ("nix/flake.nix", format!("version = \"{version}\";\n")),
        ("scoop/keyfob.json", format!("\"version\": \"{version}\",\n")),
        ("debian/changelog", format!("keyfob ({version}) ")),
    ] {
        assert!(text(name).contains(&line), "{name}: no {line}");
    }
    for name in WINGET {
        assert!(text(name).contains(&format!("\nPackageVersion: {version}\n")), "{name}");
    }
}
