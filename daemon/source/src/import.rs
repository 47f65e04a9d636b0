//! Reads the long-term key of a profile from a shared credentials file, with the SDK's own parser.

use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_runtime::env_config::section::EnvConfigSections;
use aws_runtime::env_config::source;
use aws_types::os_shim_internal::{Env, Fs};
use keyfob_shared::{Failure, FailureKind, Secret};
use std::io::{self, Read};
use std::path::Path;
use zeroize::Zeroizing;

const MAX_FILE: u64 = 1024 * 1024;

/// Answers the access key id and the secret of an AWS profile.
///
/// # Errors
/// If the file can't be read, has no such profile, or the profile holds no long-term key. The file is never quoted.
pub async fn import_key(file: &Path, aws_profile: &str) -> Result<(String, Secret), Failure> {
    let wrong = |why: &str| {
        Failure::new(
            FailureKind::Usage,
            format!("import profile {aws_profile:?} of {}: {why}", file.display()),
        )
    };
    let path = file.to_owned();
    // Beside the loop: the file may lie on a network that has gone, and must not be waited for.
    let read = tokio::task::spawn_blocking(move || read(&path)).await;
    let text = read.map_err(|_| wrong("reading it broke off"))?.map_err(|cause| wrong(&cause.to_string()))?;
    let files =
        EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Credentials, text.as_str()).build();
    // An error of the parser may quote the line, which may hold the secret.
    let source = source::load(&Env::from_slice(&[]), &Fs::from_slice(&[]), &files).await;
    let sections = source.ok().and_then(|source| EnvConfigSections::parse(source).ok());
    let sections = sections.ok_or_else(|| wrong("it is not a credentials file"))?;
    let profile = sections.get_profile(aws_profile).ok_or_else(|| wrong("there is no such profile"))?;
    if profile.get("aws_session_token").is_some() {
        return Err(wrong("it holds a temporary key, which ends soon: import a long-term one"));
    }
    match (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")) {
        (Some(id), Some(secret)) => Ok((id.to_owned(), Secret::new(secret))),
        (_, _) => Err(wrong("it holds no aws_access_key_id and aws_secret_access_key")),
    }
}

fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    crate::platform::do_not_wait(&mut options);
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(MAX_FILE).unwrap_or_default() + 1));
    file.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return Err(io::Error::other("the file is too large"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn import(text: &str, profile: &str) -> Result<(String, Secret), Failure> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("credentials");
        std::fs::write(&file, text).unwrap();
        import_key(&file, profile).await
    }

    #[tokio::test]
    async fn the_key_of_a_profile_is_read() {
        let text = "[default]\naws_access_key_id = AKIA0\naws_secret_access_key=s0\n\n[work]\naws_access_key_id=AKIA1\naws_secret_access_key = s1/+=\n";
        let (id, secret) = import(text, "work").await.unwrap();
        assert_eq!((id.as_str(), secret.expose()), ("AKIA1", "s1/+="));
    }

    #[tokio::test]
    async fn what_is_no_long_term_key_is_refused_without_quoting_it() {
        let temporary = "[t]\naws_access_key_id=ASIA1\naws_secret_access_key=hunter2\naws_session_token=x\n";
        assert!(import(temporary, "t").await.unwrap_err().message.contains("temporary"));
        assert!(import("[a]\n", "b").await.unwrap_err().message.contains("no such profile"));
        let failure = import("hunter2", "b").await.unwrap_err();
        assert!(!failure.message.contains("hunter2"), "{failure}");
    }
}
