//! An edit of the configuration is in force within a second, however it is made.

use keyfob_tests::World;
use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

fn text(world: &World, roles: &[(&str, &str)]) -> String {
    let mut text = format!(
        "[daemon]\nvault = \"memory\"\n[endpoints]\nsts = \"{}\"\n[identity.alice]\ntype = \"iam-user\"\n",
        world.aws.sts_url()
    );
    for (name, role) in roles {
        text.push_str(&format!(
            "[profile.{name}]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/{role}\"\nregion = \"eu-west-1\"\n"
        ));
    }
    text
}

/// Waits a second at most until a profile is there.
#[track_caller]
fn in_force(world: &World, profile: &str, since: Instant) {
    while world.get(profile).status != 0 {
        assert!(
            since.elapsed() < Duration::from_secs(1),
            "{profile} is not served: {:?}",
            world.get(profile)
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_edit_is_seen_however_the_file_is_replaced() {
    let world = World::with_profile();
    world.get("p").ok();
    let file = world.path("config/config.toml");
    let start = Instant::now();
    fs::write(&file, text(&world, &[("written", "A")])).unwrap();
    in_force(&world, "written", start);
    let start = Instant::now();
    fs::write(world.path("config/.swp"), text(&world, &[("renamed", "A")])).unwrap();
    fs::rename(world.path("config/.swp"), &file).unwrap();
    in_force(&world, "renamed", start);
    let start = Instant::now();
    fs::remove_file(&file).unwrap();
    fs::write(&file, text(&world, &[("again", "A")])).unwrap();
    in_force(&world, "again", start);
    // As dotfile managers have it: a link to a file elsewhere, which is edited there.
    fs::create_dir(world.path("dotfiles")).unwrap();
    fs::write(world.path("dotfiles/keyfob.toml"), text(&world, &[("linked", "A")])).unwrap();
    let start = Instant::now();
    fs::remove_file(&file).unwrap();
    symlink(world.path("dotfiles/keyfob.toml"), &file).unwrap();
    in_force(&world, "linked", start);
    let start = Instant::now();
    fs::write(world.path("dotfiles/keyfob.toml"), text(&world, &[("behind", "A")])).unwrap();
    in_force(&world, "behind", start);
    let start = Instant::now();
    fs::rename(world.path("config"), world.path("old-config")).unwrap();
    fs::create_dir(world.path("config")).unwrap();
    fs::write(&file, text(&world, &[("fresh", "A")])).unwrap();
    in_force(&world, "fresh", start);
    assert_eq!(world.daemons().len(), 1);
    assert_eq!(world.aws.mints().len(), 2, "it is the same role all the time, but for p's");
}

#[test]
fn an_edited_role_never_serves_the_old_session() {
    let world = World::with_profile();
    let old = world.get("p").access_key_id();
    world.config_text(&text(&world, &[("p", "Other"), ("marker", "R")]));
    let start = Instant::now();
    in_force(&world, "marker", start);
    assert_ne!(world.get("p").access_key_id(), old);
    assert_eq!(world.get("marker").access_key_id(), old, "the same definition has the same session");
    assert_eq!(
        world.aws.mints().last().unwrap().parameters["RoleArn"],
        "arn:aws:iam::111122223333:role/Other"
    );
    world.config_text(&text(&world, &[("marker2", "R")]));
    in_force(&world, "marker2", Instant::now());
    assert!(world.get("p").failed(2).contains("no such profile"));
}

#[test]
fn reload_by_command_and_by_signal() {
    let world = World::with_profile();
    world.get("p").ok();
    world.config_text(&text(&world, &[("q", "R")]));
    world.keyfob(&["daemon", "reload"]).ok();
    world.get("q").ok();
    world.config_text(&text(&world, &[("r", "R")]));
    keyfob_tests::world::signal(world.daemons()[0], rustix::process::Signal::HUP);
    in_force(&world, "r", Instant::now());
    world.config_text("nonsense");
    let broken = world.keyfob(&["daemon", "reload"]);
    assert!(broken.failed(2).contains("config.toml:1:"), "{broken:?}");
    world.get("r").ok();
}
