//! The Debian package: made by `cargo xtask deb`, judged by lintian, installed and purged in a root of its own.

use super::tree::paths;
use keyfob_tests::{Run, World, parts};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Makes the package of the programs that are built, or says why it can't be made.
fn package() -> Option<String> {
    if parts::part("cargo-deb/bin/cargo-deb").is_err() {
        parts::missing("cargo-deb is not installed");
        return None;
    }
    let built = parts::program("keyfob").parent()?.display().to_string();
    let mut command = Command::new(parts::program("xtask"));
    command
        .args(["deb", "--from", &built, "--fast"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null());
    let made = Run::from(command.output().unwrap());
    Some(made.ok().lines().next_back().unwrap().to_owned())
}

fn dpkg(world: &World, root: &Path, arguments: &[&str]) -> Run {
    let mut command = world.command("dpkg");
    command.arg(format!("--root={}", root.display()));
    // There is no shell in this root, and nothing that the package depends on.
    command.args(["--force-script-chrootless", "--force-depends", "--log=/dev/null"]).args(arguments);
    Run::from(command.env("LC_ALL", "C.UTF-8").output().unwrap())
}

#[test]
fn the_package_is_clean_and_leaves_nothing_behind() {
    let Some(package) = package() else { return };
    let world = World::new();
    if let Some(lintian) = parts::find("lintian") {
        let mut command = world.command(lintian);
        // As root it speaks of that, too.
        command
            .args(["--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0"])
            .arg(&package);
        let judged = Run::from(command.output().unwrap());
        assert!(judged.status == 0 && judged.stdout.is_empty(), "{judged:?}");
    }
    if !parts::is_root() {
        return;
    }
    let root = world.path("root");
    for directory in ["var/lib/dpkg/info", "var/lib/dpkg/updates"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    for file in ["status", "available"] {
        fs::write(root.join("var/lib/dpkg").join(file), "").unwrap();
    }
    let usual = |root: &Path| {
        let mut found = paths(root);
        found.retain(|path| !path.starts_with(root.join("var")));
        found
    };
    let before = usual(&root);
    dpkg(&world, &root, &["--install", &package]).ok();
    for file in ["usr/bin/keyfobd", "usr/lib/systemd/user/keyfobd.service"] {
        assert!(root.join(file).is_file(), "{file}");
    }
    let wanted = root.join("usr/lib/systemd/user/sockets.target.wants/keyfobd.socket");
    let socket = fs::read_to_string(wanted).unwrap();
    assert!(socket.contains("ListenStream="), "the socket is there for every user: {socket}");
    let version = world.command(root.join("usr/bin/keyfob")).arg("--version").output().unwrap();
    assert!(version.status.success(), "{version:?}");
    dpkg(&world, &root, &["--remove", "keyfob"]).ok();
    let purged = dpkg(&world, &root, &["--purge", "keyfob"]);
    assert!(purged.ok().contains("~/.local/state/keyfob"), "it says what stays: {purged:?}");
    assert_eq!(usual(&root), before);
}
