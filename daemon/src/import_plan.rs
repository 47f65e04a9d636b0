//! `keyfobd import-plan CONFIG AWS_CONFIG CREDENTIALS [PROFILE…]`: reads three files and says what `keyfob import` is
//! going to do. It changes nothing.
//!
//! The answer holds keys, so it goes through a pipe to the client that has asked, and never to a terminal.

use crate::{configuration, platform};
use keyfob_engine::config::Surroundings;
use keyfob_import::{Asked, Texts, plan};
use keyfob_shared::import::{Import, MAX_AWS_FILE};
use keyfob_shared::{Failure, FailureKind, Secret};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

/// Prints the plan, or the failure that the client shows.
///
/// # Errors
/// If nobody reads it.
pub(crate) fn run(words: &[OsString]) -> Result<(), Failure> {
    let usage = |message: &str| Failure::new(FailureKind::Usage, message).hint("keyfob import");
    let [config, aws_config, credentials, profiles @ ..] = words else {
        return Err(usage("import-plan takes three files"));
    };
    if io::stdout().is_terminal() {
        return Err(usage("the plan holds keys, and is not shown on a terminal"));
    }
    let paths = [config, aws_config, credentials].map(PathBuf::from);
    let profiles: Vec<String> =
        profiles.iter().map(|profile| profile.to_string_lossy().into_owned()).collect();
    let result = planned(&paths, &profiles);
    let text = Secret::new(serde_json::to_string(&result).expect("strings always serialize"));
    let written = io::stdout().write_all(text.expose().as_bytes());
    written.map_err(|cause| usage(&format!("write the plan: {cause}")))
}

fn planned(paths: &[PathBuf; 3], profiles: &[String]) -> Result<Import, Failure> {
    let [config, aws_config, credentials] = paths;
    let own = present(configuration::text(config)).map_err(|cause| unreadable(config, &cause))?;
    let aws = |path: &Path| present(secret_text(path)).map_err(|cause| unreadable(path, &cause));
    let texts =
        Texts { config: own.map(Secret::new), aws_config: aws(aws_config)?, credentials: aws(credentials)? };
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let around = Surroundings {
        directory: config.parent().unwrap_or(Path::new("/")),
        home: home.as_deref(),
        user: &platform::user_name(),
        host: &platform::host_name(),
        read: &configuration::policy,
    };
    plan(&texts, &Asked { profiles, config_file: config }, &around)
}

fn present<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

fn unreadable(path: &Path, cause: &io::Error) -> Failure {
    Failure::new(FailureKind::Usage, format!("read {}: {cause}", path.display())).hint("keyfob import --help")
}

/// Reads a file that holds keys. A pipe is not waited for.
fn secret_text(path: &Path) -> io::Result<Secret> {
    let file = platform::open_file(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    // Long enough from the start, so that the text never moves and leaves a copy behind.
    let mut text = String::with_capacity(MAX_AWS_FILE + 1);
    let read = file.take(MAX_AWS_FILE as u64 + 1).read_to_string(&mut text);
    let text = Secret::new(text);
    match read {
        Err(cause) => Err(cause),
        Ok(length) if length > MAX_AWS_FILE => {
            Err(io::Error::other(format!("it has more than {MAX_AWS_FILE} bytes")))
        }
        Ok(_) => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_within_bounds_and_others_are_no_files() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("credentials");
        std::fs::write(&file, "x".repeat(MAX_AWS_FILE)).unwrap();
        assert_eq!(secret_text(&file).unwrap().expose().len(), MAX_AWS_FILE);
        std::fs::write(&file, "x".repeat(MAX_AWS_FILE + 1)).unwrap();
        assert!(secret_text(&file).unwrap_err().to_string().contains("more than"));
        assert!(secret_text(directory.path()).is_err());
        assert!(present(secret_text(&directory.path().join("absent"))).unwrap().is_none());
        std::fs::write(&file, [0xff]).unwrap();
        assert!(secret_text(&file).is_err());
    }
}
