//! An edit of the configuration is in force within a second, however it is made.

use keyfob_tests::world::eventually;
use keyfob_tests::{World, parts};
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

#[test]
fn a_policy_file_that_is_edited_is_a_new_definition() {
    let world = World::with_profile();
    fs::write(world.path("home/policy.json"), r#"{"Statement": []}"#).unwrap();
    let with_policy = format!("{}policy = \"~/policy.json\"\n", text(&world, &[("q", "R")]));
    let start = Instant::now();
    world.config_text(&with_policy);
    in_force(&world, "q", start);
    let first = world.get("q").access_key_id();
    fs::write(world.path("home/policy.json"), r#"{"Statement": [{"Effect": "Deny"}]}"#).unwrap();
    let start = Instant::now();
    while world.get("q").access_key_id() == first {
        assert!(start.elapsed() < Duration::from_secs(1), "the old policy is still in force");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(world.aws.mints().last().unwrap().parameters["Policy"].contains("Deny"));
}

#[test]
fn a_file_that_is_gone_or_empty_for_a_while_changes_nothing() {
    let world = World::with_profile();
    let id = world.get("p").access_key_id();
    let (file, aside) = (world.path("config/config.toml"), world.path("config/aside"));
    let error = || world.status()["daemon"]["config_error"].clone();
    fs::rename(&file, &aside).unwrap();
    eventually("it is missed", Duration::from_secs(2), || error().is_string());
    assert_eq!(world.get("p").access_key_id(), id);
    fs::write(&file, "").unwrap();
    eventually("it is empty", Duration::from_secs(2), || {
        error().as_str().is_some_and(|text| text.contains("empty"))
    });
    assert_eq!(world.get("p").access_key_id(), id);
    fs::rename(&aside, &file).unwrap();
    eventually("it is back", Duration::from_secs(2), || error().is_null());
    assert_eq!(world.get("p").access_key_id(), id);
    assert_eq!(world.aws.mints().len(), 1);
}

#[test]
fn another_vault_waits_for_the_next_daemon_and_says_so() {
    let world = World::with_profile();
    let id = world.get("p").access_key_id();
    let other =
        format!("[daemon]\nvault = \"file\"\nvault_key_file = \"{}\"\n", world.path("config/key").display());
    world.config_text(&text(&world, &[("p", "R")]).replace("[daemon]\nvault = \"memory\"\n", &other));
    eventually("it is told", Duration::from_secs(2), || {
        world.status()["daemon"]["config_error"].as_str().is_some_and(|told| told.contains("daemon restart"))
    });
    assert_eq!(world.get("p").access_key_id(), id);
    let doctor = world.keyfob(&["doctor"]);
    assert!(doctor.stdout.contains("hint: keyfob daemon restart"), "{doctor:?}");
    world.keyfob(&["daemon", "restart"]).ok();
    assert_eq!(world.status()["daemon"]["vault"]["kind"], "file");
    assert!(world.status()["daemon"]["config_error"].is_null());
}

#[test]
fn a_pipe_in_place_of_the_file_is_not_waited_for() {
    let world = World::new();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        world.path("config/config.toml"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    assert!(world.get("p").failed(2).contains("is not a file"));
}

#[test]
fn the_daemon_s_own_files_are_no_news() {
    let mut world = World::with_profile();
    world.keyfob(&["daemon", "stop"]).ok();
    // As where there is no runtime directory: socket, log and audit lie in one directory.
    world.environment.remove("XDG_RUNTIME_DIR");
    world.add_key("alice");
    world.config_text("nonsense");
    eventually("the file is read", Duration::from_secs(2), || {
        world.status()["daemon"]["config_error"].is_string()
    });
    let log = || fs::read_to_string(world.path("state/keyfobd.log")).unwrap().lines().count();
    let before = log();
    // Threads that have done their work end after a second.
    std::thread::sleep(Duration::from_secs(2));
    let wakes = context_switches(&world);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(log(), before);
    assert!(context_switches(&world) - wakes <= 1, "the daemon sleeps");
}

/// Answers how often the daemon's threads have gone to sleep.
fn context_switches(world: &World) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{}/task", world.daemons()[0])).unwrap().flatten();
    let count = |status: String| -> Option<u64> {
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    tasks.filter_map(|task| count(fs::read_to_string(task.path().join("status")).ok()?)).sum()
}

#[test]
fn an_edit_during_the_start_is_in_force_after_it() {
    let world = World::new();
    world.config_text(&text(&world, &[("before", "A")]));
    // Another daemon seems to end while this one starts.
    let lock = fs::File::create(world.path("state/lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let mut start = world.command(world.program("keyfob"));
    let mut start = start.args(["daemon", "start"]).spawn().unwrap();
    eventually("it listens", Duration::from_secs(3), || world.socket().exists());
    world.config_text(&text(&world, &[("after", "A")]));
    drop(lock);
    assert!(start.wait().unwrap().success());
    eventually("the edit is in force", Duration::from_secs(1), || {
        world.keyfob(&["profile", "list"]).ok().contains("after")
    });
}

#[test]
fn an_edit_is_found_where_the_kernel_has_no_watch_left() {
    const USER: u32 = 64_321;
    const MOST: usize = 1_024;
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_user_instances").unwrap_or_default();
    if !parts::is_root() || limit.trim().parse::<usize>().is_ok_and(|limit| limit >= MOST) {
        return;
    }
    let mut world = World::new();
    world.config_text(&text(&world, &[("before", "A")]));
    world.give_to(USER);
    // A user has a limited number of them, which editors and containers use up.
    let _all: Vec<_> = std::thread::spawn(|| {
        let user = rustix::process::Uid::from_raw(USER);
        rustix::thread::set_thread_res_uid(user, user, user).unwrap();
        let flags = rustix::fs::inotify::CreateFlags::CLOEXEC;
        (0..MOST).map_while(|_| rustix::fs::inotify::init(flags).ok()).collect()
    })
    .join()
    .unwrap();
    world.keyfob(&["daemon", "start"]).ok();
    let doctor = world.keyfob(&["doctor"]);
    assert!(doctor.stdout.contains("an edit is in force within 5 s"), "{doctor:?}");
    assert!(doctor.stdout.contains("hint: keyfob daemon reload"), "{doctor:?}");
    world.config_text(&text(&world, &[("after", "A")]));
    eventually("the edit is found", Duration::from_secs(8), || {
        world.keyfob(&["profile", "list"]).ok().contains("after")
    });
}

#[test]
fn a_start_with_a_broken_file_tells_all_mistakes_and_where_they_are() {
    let world = World::new();
    let file = world.path("config/config.toml");
    world.config_text("[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"bob\"\n[profile.q]\nsource = \"absent\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n[profile.r]\nidentity = \"alice\"\nduration = \"99h\"\n");
    for arguments in [&["profile", "check"] as &[_], &["status"], &["get", "p"]] {
        let run = world.keyfob(arguments);
        let told = run.failed(2);
        assert!(["bob", "absent", "99h"].iter().all(|mistake| told.contains(mistake)), "{told}");
        assert!(told.contains(&format!("hint: mend line 4 of {}\n", file.display())), "{told}");
    }
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let run = world.keyfob(&["profile", "check"]);
    assert!(run.failed(2).contains(&format!("hint: mend {}\n", file.display())), "{run:?}");
}

#[test]
fn a_profile_that_is_missing_is_told_with_the_reason() {
    let world = World::with_profile();
    world.config_text("[profile.new]\nidentity = \"absent\"\n");
    for arguments in [&["get", "new"] as &[_], &["login", "new"], &["env", "new"]] {
        eventually("the mistake is told", Duration::from_secs(2), || {
            let run = world.keyfob(arguments);
            let told = run.failed(2);
            told.contains("no such [identity.…] table") && told.contains("hint: keyfob profile check\n")
        });
    }
    world.get("p").ok();
    let empty = World::new();
    for arguments in [&["get", "new"] as &[_], &["login", "new"]] {
        let run = empty.keyfob(arguments);
        let file = empty.path("config/config.toml");
        assert!(run.failed(2).contains(&format!("there is nothing in {}", file.display())), "{run:?}");
        assert!(run.stderr.contains("hint: see \"Set-up\" in the README\n"), "{run:?}");
    }
}
