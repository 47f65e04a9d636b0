//! `cargo xtask install` and `uninstall`.

use super::run;
use keyfob_tests::{World, parts};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Answers every path below a directory.
pub(super) fn paths(directory: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(paths(&entry.path()));
        }
        found.insert(entry.path());
    }
    found
}

#[test]
fn what_is_installed_works_and_is_removed_without_residue() {
    let world = World::new();
    world.config("[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\n");
    world.add_key("alice");
    world.keyfob(&["daemon", "stop"]).ok();
    let home = world.path("home");
    fs::create_dir_all(home.join(".local/share/man")).unwrap();
    let before = paths(&home);
    let xtask = parts::program("xtask");
    let built = parts::program("keyfob").parent().unwrap().display().to_string();
    let told = run(&world, &xtask, &["install", "--from", &built]);
    let prefix = home.join(".local");
    for file in [
        "bin/keyfob",
        "bin/keyfobd",
        "share/man/man1/keyfob-key-add.1",
        "share/bash-completion/completions/keyfob",
        "share/zsh/site-functions/_keyfob",
        "share/fish/vendor_completions.d/keyfob.fish",
        "share/keyfob/keyfob.ps1",
    ] {
        let path = prefix.join(file);
        assert!(fs::metadata(&path).is_ok_and(|found| found.len() > 100), "{file}");
        assert!(told.ok().contains(&path.display().to_string()), "{file}: {told:?}");
    }
    let service = fs::read_to_string(home.join(".config/systemd/user/keyfobd.service")).unwrap();
    assert!(
        service.contains(&format!("\nExecStart={}\n", prefix.join("bin/keyfobd").display())),
        "{service}"
    );
    if let Some(man) = parts::find("man") {
        let mut find = world.command(man);
        find.env("MANPATH", prefix.join("share/man")).args(["--where", "keyfob-key-add"]);
        let found = keyfob_tests::Run::from(find.output().unwrap());
        assert!(found.ok().contains("keyfob-key-add.1"), "{found:?}");
    }
    // It runs, and an upgrade over it while it does so.
    let client = prefix.join("bin/keyfob");
    let pid = run(&world, &client, &["status", "--json"]).json()["daemon"]["pid"].clone();
    run(&world, &xtask, &["install", "--from", &built]).ok();
    let still = run(&world, &client, &["status", "--json"]);
    assert_eq!(still.json()["daemon"]["pid"], pid, "the daemon goes on");
    let told = run(&world, &xtask, &["uninstall"]);
    assert!(told.ok().contains("what is yours stays"), "{told:?}");
    assert!(world.daemons().is_empty(), "a daemon without its program would be left");
    let after: BTreeSet<_> = paths(&home).difference(&before).cloned().collect();
    // Directories of the user, in which others put things too.
    let kept = ["", "systemd", "systemd/user", "systemd/user/sockets.target.wants"];
    let kept = kept.map(|below| home.join(".config").join(below));
    let left: Vec<&PathBuf> = after.iter().filter(|path| !kept.contains(path)).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(before.is_subset(&paths(&home)), "nothing else was removed");
    assert!(world.path("config/config.toml").exists());
    let again = run(&world, &xtask, &["uninstall"]);
    assert!(again.status == 1 && again.stderr.contains("nothing is installed"), "{again:?}");
}
