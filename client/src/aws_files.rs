//! Where AWS tools keep their configuration and their keys.

use crate::platform;
use std::ffi::OsString;
use std::path::PathBuf;

/// Answers the path of the configuration file.
pub(crate) fn config() -> PathBuf {
    moved(std::env::var_os("AWS_CONFIG_FILE")).unwrap_or_else(|| home().join(".aws").join("config"))
}

/// Answers the path of the credentials file.
pub(crate) fn credentials() -> PathBuf {
    let moved = moved(std::env::var_os("AWS_SHARED_CREDENTIALS_FILE"));
    moved.unwrap_or_else(|| home().join(".aws").join("credentials"))
}

/// AWS tools know `~/` in these variables.
fn moved(variable: Option<OsString>) -> Option<PathBuf> {
    let path = variable.filter(|path| !path.is_empty()).map(PathBuf::from)?;
    Some(path.strip_prefix("~").map(|rest| home().join(rest)).unwrap_or(path))
}

fn home() -> PathBuf {
    PathBuf::from(std::env::var_os(platform::HOME).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_move_files() {
        assert_eq!(moved(None), None);
        assert_eq!(moved(Some("".into())), None);
        assert_eq!(moved(Some("/x/y".into())), Some("/x/y".into()));
        assert_eq!(moved(Some("~/y".into())), Some(home().join("y")));
    }
}
