//! The picture of `keyfob status --watch` for the README, from the real program in a real terminal.

use crate::{picture, terminal};
use keyfob_tests::World;
use keyfob_tests::tmux::Tmux;
use keyfob_tests::world::{copy_program, eventually};
use std::path::Path;
use std::time::Duration;

const ACCOUNT: &str = "arn:aws:iam::111122223333";
/// How long the session of each profile lives, in minutes.
const PROFILES: &[(&str, u64)] = &[("audit", 16), ("prod", 52), ("staging", 31), ("upload", 220)];

pub(crate) fn run() {
    let world = World::new();
    let profile = |name: &str, identity: &str| {
        format!(
            "[profile.{name}]\nidentity = \"{identity}\"\nrole_arn = \"{ACCOUNT}:role/{name}\"\nduration = \"12h\"\n"
        )
    };
    let profiles: String = PROFILES.iter().map(|(name, _)| profile(name, "alice")).collect();
    let bob = format!("[identity.bob]\ntype = \"iam-user\"\nmfa_serial = \"{ACCOUNT}:mfa/bob\"\n");
    let billing = profile("billing", "bob");
    world.config(&format!("[identity.alice]\ntype = \"iam-user\"\n{bob}{profiles}{billing}"));
    world.add_key("alice");
    world.add_key("bob");
    for (name, minutes) in PROFILES {
        world.aws.lifetime(Duration::from_secs(minutes * 60));
        world.get(name).ok();
    }
    world.get("billing").failed(3);
    for (program, times) in [("aws", 3), ("terraform", 14)] {
        ask(&world, program, times);
    }
    let Some(tmux) = Tmux::open(&world, 92, 20) else { return };
    tmux.run(&format!("clear; {} status --watch", world.program("keyfob").display()));
    eventually("requests are counted", Duration::from_secs(20), || tmux.text().contains("terraform"));
    let picture = terminal::draw("keyfob status --watch in a terminal", &tmux.coloured());
    let file = picture::file("watch.svg");
    std::fs::write(&file, picture).unwrap();
    println!("  the picture is {}", file.display());
}

/// Has a shell that goes by the name of another program ask for credentials.
fn ask(world: &World, program: &str, times: u32) {
    let shell = world.path(program);
    copy_program(Path::new("/bin/sh"), &shell);
    let get = format!("{} get prod >/dev/null; ", world.program("keyfob").display());
    let status = world.command(shell).args(["-c", &get.repeat(times as usize)]).status();
    assert!(status.unwrap().success());
}
