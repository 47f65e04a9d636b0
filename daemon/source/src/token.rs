//! Tokens of an OIDC provider that something else keeps fresh: read anew at each mint.

use crate::command::{self, Limits};
use crate::platform;
use keyfob_engine::config::TokenSource;
use keyfob_shared::{Failure, FailureKind, IdentityName, Secret};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// `WebIdentityToken` of the STS API has 4 to 20,000 characters.
const MAX_TOKEN: usize = 20_000;
const LEAST_TOKEN: usize = 4;
const LIMITS: Limits = Limits { longest: Duration::from_secs(30), most: MAX_TOKEN + 2 };

/// Answers a token.
///
/// # Errors
/// If the file can't be read or the command fails, or there is no token of 4 to 20,000 letters. It is never quoted.
pub async fn token(source: &TokenSource, identity: &IdentityName) -> Result<Secret, Failure> {
    let (what, read) = match source {
        TokenSource::File(path) => {
            let path = path.clone();
            let what = format!("read {}", path.display());
            // Beside the loop: the file may lie on a network that has gone.
            let read = tokio::task::spawn_blocking(move || read(&path)).await;
            (
                what,
                read.map_err(|_| "it broke off".to_owned())
                    .and_then(|read| read.map_err(|cause| cause.to_string())),
            )
        }
        TokenSource::Command(command) => {
            let what = format!("run {}", command.first().map_or("command", String::as_str));
            (what, command::run(command, &[], LIMITS).await)
        }
    };
    let wrong = |why: &str| {
        let message = format!("{what} for the token of identity {identity}: {why}");
        Failure::new(FailureKind::Upstream, message).hint("check what writes the token")
    };
    let bytes = read.map_err(|why| wrong(&why))?;
    let text = std::str::from_utf8(&bytes).map(str::trim).unwrap_or_default();
    if (LEAST_TOKEN..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Secret::new(text));
    }
    Err(wrong("there is no token of 4 to 20,000 letters"))
}

fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    platform::do_not_wait(&mut options);
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMITS.most + 1));
    file.take(LIMITS.most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_token_is_read_anew_each_time_and_never_quoted() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        let (source, identity) = (TokenSource::File(file.clone()), "ci".parse().unwrap());
        assert!(token(&source, &identity).await.unwrap_err().message.contains("token of identity ci"));
        for text in ["eyJ.one.two", "eyJ.three.four"] {
            std::fs::write(&file, format!("{text}\n")).unwrap();
            assert_eq!(token(&source, &identity).await.unwrap().expose(), text);
        }
        for text in ["", "abc", "two words", &"x".repeat(30_000), "e\u{301}yJ.canary"] {
            std::fs::write(&file, text).unwrap();
            let failure = token(&source, &identity).await.unwrap_err();
            assert!(
                failure.message.contains("no token of 4") && !failure.message.contains("canary"),
                "{failure}"
            );
        }
    }

    #[tokio::test]
    async fn a_command_prints_it() {
        let command = |script: &str| TokenSource::Command(["sh", "-c", script].map(str::to_owned).to_vec());
        let identity = "ci".parse().unwrap();
        assert_eq!(token(&command("echo eyJ.a.b"), &identity).await.unwrap().expose(), "eyJ.a.b");
        assert!(token(&command("echo eyJ.a.b; exit 1"), &identity).await.is_err());
        assert!(token(&command("yes"), &identity).await.unwrap_err().message.contains("more than"));
    }
}
