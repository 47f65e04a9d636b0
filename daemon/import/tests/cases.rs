//! AWS files and what becomes of them: one folder of `cases` is one case, and adding one needs no code.
//!
//! A case has `why.txt`, any of `config`, `credentials` and `keyfob.toml`, the names of profiles in `only` where not
//! all are asked for, and in `expected` the same three files, as far as they change, with `notes`.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use keyfob_engine::config::Surroundings;
use keyfob_import::{Asked, Texts, plan};
use keyfob_shared::import::{Change, Import, NoteKind};
use keyfob_shared::{Failure, Secret};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const LEAST_WHY: usize = 20;
const LEAST_CASES: usize = 30;
const FILES: [&str; 3] = ["keyfob.toml", "config", "credentials"];

fn folders() -> Vec<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut folders: Vec<PathBuf> = fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn read(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn run(texts: [Option<String>; 3], only: &[String]) -> Result<Import, Failure> {
    let [config, aws_config, credentials] = texts.map(|text| text.map(Secret::new));
    let file = Path::new("/config.toml");
    let around = Surroundings {
        directory: Path::new("/"),
        home: None,
        user: "alice",
        host: "laptop",
        read: &|_| Err(std::io::ErrorKind::NotFound.into()),
    };
    let asked = Asked { profiles: only, config_file: file };
    plan(&Texts { config, aws_config, credentials }, &asked, &around)
}

fn changes(import: &Import) -> [&Change; 3] {
    [&import.config, &import.aws_config, &import.credentials]
}

fn notes(import: &Import) -> String {
    let mut text = String::new();
    for key in &import.keys {
        writeln!(text, "key of identity {}: {}", key.identity, key.access_key_id).unwrap();
    }
    for note in &import.notes {
        let kind = match note.kind {
            NoteKind::LeftAlone => "left alone",
            NoteKind::Note => "note",
        };
        writeln!(text, "{kind}: {}: {}", note.subject, note.message).unwrap();
    }
    text
}

/// Answers what came out, by file.
fn found(folder: &Path, only: &[String]) -> Vec<(&'static str, String)> {
    let before = FILES.map(|name| read(&folder.join(name)));
    let import = match run(before.clone(), only) {
        Ok(import) => import,
        Err(failure) => return vec![("error", format!("{failure}\n"))],
    };
    let mut found = vec![("notes", notes(&import))];
    let texts = changes(&import).map(|change| change.after.expose().to_owned());
    for ((name, change), text) in FILES.into_iter().zip(changes(&import)).zip(&texts) {
        if !change.is_none() {
            found.push((name, text.clone()));
        }
    }
    settled(folder, &texts, only);
    kept_lines(folder, &before, &texts);
    found
}

/// A second run changes nothing.
fn settled(folder: &Path, texts: &[String; 3], only: &[String]) {
    let again = run(texts.clone().map(Some), only).unwrap();
    let settled = changes(&again).iter().all(|change| change.is_none());
    assert!(settled && again.keys.is_empty() && again.profiles.is_empty(), "{}: {again:?}", folder.display());
}

/// Every line that comes out was there, in this order, or is keyfob's.
fn kept_lines(folder: &Path, before: &[Option<String>; 3], after: &[String; 3]) {
    let [config, aws_config, credentials] = [0, 1, 2].map(|at| before[at].clone().unwrap_or_default());
    assert!(after[0].starts_with(&config), "{}", folder.display());
    for (old, new) in [(aws_config, &after[1]), (credentials, &after[2])] {
        let mut rest = old.split_inclusive('\n');
        for line in new.split_inclusive('\n') {
            let is_ours = line.starts_with("credential_process = keyfob get ");
            let is_kept = rest.clone().any(|old| old == line || old.trim_start() == line);
            if !is_ours && is_kept {
                rest.find(|old| *old == line || old.trim_start() == line);
            }
            let is_new = line.trim().is_empty() || line.starts_with('[');
            assert!(is_ours || is_kept || is_new, "{}: {line:?}", folder.display());
        }
    }
}

#[test]
fn every_case_becomes_what_it_expects() {
    let mut wrong = String::new();
    for folder in folders() {
        let name = folder.file_name().unwrap().display().to_string();
        let why = read(&folder.join("why.txt")).unwrap_or_default();
        assert!(why.trim().len() >= LEAST_WHY, "{name}: why.txt does not say why the case is there");
        let only: Vec<String> =
            read(&folder.join("only")).unwrap_or_default().lines().map(str::to_owned).collect();
        let found = found(&folder, &only);
        let expected: Vec<(String, String)> = fs::read_dir(folder.join("expected"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), read(&entry.path()).unwrap()))
            .collect();
        for (file, text) in &found {
            if !expected.iter().any(|(known, expected)| known == file && expected == text) {
                writeln!(wrong, "{name}: {file} is\n{text}").unwrap();
            }
        }
        for (file, _) in expected.iter().filter(|(file, _)| !found.iter().any(|(known, _)| known == file)) {
            writeln!(wrong, "{name}: {file} did not come out").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(folders().len() >= LEAST_CASES);
}
