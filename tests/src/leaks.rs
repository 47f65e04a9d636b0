//! The leak hunt: no secret in any file, log, argument or environment.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A text and where it was found.
#[derive(Debug)]
pub struct Leak {
    /// Where.
    pub place: String,
    /// Its first letters.
    pub secret: String,
}

/// Looks for secrets in every file below a directory.
pub fn in_files(directory: &Path, secrets: &[String]) -> Vec<Leak> {
    let mut leaks = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => leaks.extend(in_files(&path, secrets)),
            Ok(kind) if kind.is_file() => {
                let bytes = fs::read(&path).unwrap_or_default();
                leaks.extend(in_bytes(&path.display().to_string(), &bytes, secrets));
            }
            Ok(_) | Err(_) => {}
        }
    }
    leaks
}

/// Looks for secrets in what other processes can see of one.
pub fn in_process(pid: u32, secrets: &[String]) -> Vec<Leak> {
    let look = |name: &str| {
        let path = format!("/proc/{pid}/{name}");
        in_bytes(&path, &fs::read(&path).unwrap_or_default(), secrets)
    };
    ["cmdline", "environ"].into_iter().flat_map(look).collect()
}

/// Looks for secrets in a text.
pub fn in_bytes(place: &str, bytes: &[u8], secrets: &[String]) -> Vec<Leak> {
    let found = |secret: &&String| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
    // Most of them begin alike: a long text is looked through once.
    let starts: BTreeSet<&[u8]> = secrets.iter().filter_map(|secret| secret.as_bytes().get(..4)).collect();
    if !bytes.windows(4).any(|window| starts.contains(window)) {
        return Vec::new();
    }
    let leak = |secret: &String| Leak { place: place.to_owned(), secret: secret.chars().take(8).collect() };
    secrets.iter().filter(found).map(leak).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_file_is_found() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("deep")).unwrap();
        fs::write(directory.path().join("deep/file"), b"xx s3cr0123456789 yy").unwrap();
        let secrets = ["s3cr0123456789".to_owned(), "other".to_owned()];
        let leaks = in_files(directory.path(), &secrets);
        assert_eq!(leaks.len(), 1, "{leaks:?}");
        assert!(in_files(directory.path(), &["absent".to_owned()]).is_empty());
    }
}
