//! Linux and macOS.

use crate::{Failure, FailureKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// `sun_path` holds 108 bytes on Linux and 104 on the BSDs, with a zero at the end.
const MAX_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Where systemd makes the runtime directories of users.
const RUNTIME_DIRECTORIES: &str = "/run/user";

/// The variable that tells the runtime directory, and where the socket lies in it.
pub(super) const RUNTIME_DIRECTORY: Option<(&str, &str)> = Some(("XDG_RUNTIME_DIR", "/keyfob/agent.sock"));

/// Answers the socket in the runtime directory. Programs that cron or su starts are not told of it, though it is there.
pub(super) fn runtime_socket() -> Option<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    Some(runtime_directory(Path::new(RUNTIME_DIRECTORIES), user)?.join("keyfob/agent.sock"))
}

/// Answers the directory of a user if it is there and for nobody else.
fn runtime_directory(base: &Path, user: u32) -> Option<PathBuf> {
    let directory = base.join(user.to_string());
    let found = std::fs::symlink_metadata(&directory).ok()?;
    // Security: who may write to it can put another socket in place of ours.
    (found.is_dir() && found.uid() == user && found.mode() & 0o777 == 0o700).then_some(directory)
}

/// Checks that a socket can have this path.
pub(super) fn socket_path(path: PathBuf) -> Result<PathBuf, Failure> {
    let length = path.as_os_str().as_bytes().len();
    if length <= MAX_SOCKET_PATH {
        return Ok(path);
    }
    let message =
        format!("{} has {length} bytes; the path of a socket has {MAX_SOCKET_PATH} at most", path.display());
    Err(Failure::new(FailureKind::Usage, message).hint(format!("set {} to a shorter path", super::SOCKET)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_runtime_directory_counts_if_it_is_the_user_s_alone() {
        let base = std::env::temp_dir().join(format!("keyfob-runtime-{}", std::process::id()));
        let user = rustix::process::geteuid().as_raw();
        let directory = base.join(user.to_string());
        assert_eq!(runtime_directory(&base, user), None);
        std::fs::create_dir_all(&directory).unwrap();
        for (mode, found) in [(0o700, Some(directory.clone())), (0o750, None), (0o701, None)] {
            std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(runtime_directory(&base, user), found, "{mode:o}");
        }
        let other = base.join((user + 1).to_string());
        std::fs::create_dir(&other).unwrap();
        std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(runtime_directory(&base, user + 1), None, "it belongs to somebody else");
        std::fs::remove_dir(&directory).unwrap();
        symlink(&other, &directory).unwrap();
        assert_eq!(runtime_directory(&base, user), None, "it is a link");
        std::fs::remove_dir_all(&base).unwrap();
    }

    #[test]
    fn a_path_that_is_too_long_is_refused() {
        let path = |length| PathBuf::from(format!("/{}", "x".repeat(length - 1)));
        assert!(socket_path(path(MAX_SOCKET_PATH)).is_ok());
        let failure = socket_path(path(MAX_SOCKET_PATH + 1)).unwrap_err();
        assert!(failure.message.contains("the path of a socket has"), "{failure}");
    }
}
