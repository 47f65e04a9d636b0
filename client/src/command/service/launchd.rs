//! The agent of launchd: a property list. It was parsed, and not run.
//!
//! launchd hands sockets over in a way of its own, which the daemon does not know: the agent starts it at log-in.

use super::files::{Content, Entry, stamped};
use keyfob_shared::environment;
use std::path::{Path, PathBuf};

const LABEL: &str = "keyfobd";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
                    \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n";

/// Answers where the agent of a user lies.
pub(super) fn path(home: &Path) -> PathBuf {
    home.join("Library").join("LaunchAgents").join(format!("{LABEL}.plist"))
}

/// Answers what belongs there; `variable` answers those that move our files.
pub(super) fn entry(home: &Path, daemon: &Path, variable: impl Fn(&str) -> Option<String>) -> Entry {
    let names = [environment::CONFIG, environment::STATE_DIR, environment::SOCKET, environment::LOG];
    let pair = |name: &str| {
        let value = escaped(&variable(name)?);
        Some(format!("    <key>{name}</key>\n    <string>{value}</string>\n"))
    };
    let variables: String = names.into_iter().filter_map(pair).collect();
    let variables = if variables.is_empty() {
        variables
    } else {
        format!("  <key>EnvironmentVariables</key>\n  <dict>\n{variables}  </dict>\n")
    };
    let daemon = escaped(&daemon.to_string_lossy());
    let text = format!(
        "{HEAD}<plist version=\"1.0\">\n<dict>\n  <key>Label</key>\n  <string>{LABEL}</string>\n  \
         <key>ProgramArguments</key>\n  <array>\n    <string>{daemon}</string>\n  </array>\n{variables}  \
         <key>RunAtLoad</key>\n  <true/>\n  <!-- After a crash only: a daemon that is stopped stays so. -->\n  \
         <key>KeepAlive</key>\n  <dict>\n    <key>Crashed</key>\n    <true/>\n  </dict>\n  \
         <key>ProcessType</key>\n  <string>Background</string>\n  <key>Umask</key>\n  <integer>63</integer>\n\
         </dict>\n</plist>\n"
    );
    Entry { path: path(home), content: Content::Text(stamped(&text, 2, ("<!-- ", " -->"))) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    const READ: &str = "import plistlib, sys; p = plistlib.load(open(sys.argv[1], 'rb')); \
                        print(p['Label'], p['ProgramArguments'], p['EnvironmentVariables'], p['KeepAlive'])";

    #[test]
    fn a_property_list_says_what_is_meant() {
        let home = tempfile::tempdir().unwrap();
        let variable = |name: &str| (name == environment::CONFIG).then(|| "/a&b/<c>".to_owned());
        let entry = entry(home.path(), Path::new("/opt/x & y/keyfobd"), variable);
        assert!(entry.shown().contains("<string>/opt/x &amp; y/keyfobd</string>"));
        entry.write().unwrap();
        let mut python = Command::new("python3");
        python.args(["-c", READ]).arg(path(home.path())).stdin(Stdio::null());
        // Where there is no Python, the text alone has to do.
        let Ok(output) = python.output() else { return };
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "keyfobd ['/opt/x & y/keyfobd'] {'KEYFOB_CONFIG': '/a&b/<c>'} {'Crashed': True}\n",
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
