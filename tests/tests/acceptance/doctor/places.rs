//! Modes of what the agent depends on, and the service manager.

use super::{found, gone, shell};
use keyfob_tests::World;
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn chmod(path: &std::path::Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn places_that_others_can_write_to_are_closed_by_the_command_that_is_told() {
    let world = World::with_profile();
    world.get("p").ok();
    let places = [
        (world.socket().parent().unwrap().to_owned(), "the directory of the socket", 0o777),
        (world.socket(), "the socket", 0o666),
        (world.path("state"), "the state directory", 0o775),
        (world.path("config"), "the directory of the configuration", 0o757),
        (world.path("config/config.toml"), "the configuration", 0o622),
    ];
    for (path, what, mode) in places {
        let what = format!("{what} {}:", path.display());
        gone(&world, "modes", &what);
        chmod(&path, mode);
        let told = found(&world, "modes", &what);
        assert_eq!(told.severity, "error");
        assert!(told.message.ends_with(&format!("{mode:o}")), "{told:?}");
        shell(&world, &told.hint).ok();
        gone(&world, "modes", &what);
    }
}

/// Stands for systemd: it remembers what it was told.
const SYSTEMCTL: &str = r#"#!/bin/sh
state="$HOME/systemd-state"
case "$2" in
show) for last; do :; done
  case "$last" in *.socket) cat "$state";; *) echo ActiveState=inactive;; esac ;;
enable|restart) printf 'ActiveState=active\nUnitFileState=enabled\nResult=success\n' > "$state" ;;
unmask) printf 'ActiveState=active\nUnitFileState=disabled\n' > "$state" ;;
esac
"#;

#[test]
fn a_unit_that_is_installed_has_to_be_active() {
    let mut world = World::with_profile();
    let bin = world.path("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("systemctl"), SYSTEMCTL).unwrap();
    chmod(&bin.join("systemctl"), 0o755);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    world.environment.insert("PATH".into(), path.into());
    let subject = "systemd unit keyfob.socket";
    gone(&world, subject, "");
    let units = world.path("home/.config/systemd/user");
    fs::create_dir_all(&units).unwrap();
    fs::write(units.join("keyfob.socket"), "").unwrap();
    for (state, text) in [
        ("ActiveState=inactive\nUnitFileState=disabled\n", "installed but inactive"),
        ("ActiveState=failed\nUnitFileState=enabled\nResult=resources\n", "failed: resources"),
        ("ActiveState=active\nUnitFileState=masked\n", "masked"),
    ] {
        fs::write(world.path("home/systemd-state"), state).unwrap();
        let told = found(&world, subject, text);
        shell(&world, &told.hint).ok();
        gone(&world, subject, "");
    }
    // No manager of this user.
    fs::write(bin.join("systemctl"), "#!/bin/sh\nexit 1\n").unwrap();
    assert_eq!(found(&world, subject, "does not answer").severity, "note");
}
