//! What makes the programs part of a system: completions, and the service of the user.

mod package;
mod tree;

use keyfob_tests::world::{eventually, signal};
use keyfob_tests::{Run, World, parts};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Runs a program of the machine in a world.
fn run(world: &World, program: &Path, arguments: &[&str]) -> Run {
    Run::from(world.command(program).args(arguments).output().unwrap())
}

/// Writes the completions of a shell into the home of a world, with the client in the path.
fn completions(shell: &str) -> (World, String) {
    let mut world = World::new();
    let path = world.path(&format!("home/keyfob.{shell}"));
    fs::write(&path, world.keyfob(&["completions", shell]).ok()).unwrap();
    let programs = world.program("keyfob").parent().unwrap().display().to_string();
    let others = world.environment["PATH"].to_string_lossy().into_owned();
    world.environment.insert("PATH".into(), format!("{programs}:{others}").into());
    (world, path.display().to_string())
}

#[test]
fn bash_completes_commands_and_their_arguments() {
    let Some(bash) = parts::find("bash") else { return };
    let (world, script) = completions("bash");
    for (words, expected) in
        [("keyfob dae", "daemon"), ("keyfob daemon uni", "uninstall"), ("keyfob exec --str", "--strict")]
    {
        let count = words.split(' ').count() - 1;
        let last = words.rsplit(' ').next().unwrap();
        let ask = format!(
            "source {script}; COMP_WORDS=({words}); COMP_CWORD={count}; \
             _keyfob keyfob {last} -; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let asked = run(&world, &bash, &["--norc", "-c", &ask]);
        assert_eq!(asked.ok().trim(), expected, "{words}: {asked:?}");
    }
}

#[test]
fn fish_completes_commands_and_their_arguments() {
    let Some(fish) = parts::find("fish") else { return };
    let (world, script) = completions("fish");
    for (words, expected) in
        [("keyfob dae", "daemon"), ("keyfob daemon uni", "uninstall"), ("keyfob exec --str", "--strict")]
    {
        let asked = run(&world, &fish, &["-c", &format!("source {script}; complete -C '{words}'")]);
        let found: Vec<&str> = asked.ok().lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(found, [expected], "{words}: {asked:?}");
    }
}

#[test]
fn zsh_completes_commands() {
    let Some(zsh) = parts::find("zsh") else { return };
    let (world, script) = completions("zsh");
    let functions = world.path("home/functions");
    fs::create_dir(&functions).unwrap();
    fs::rename(script, functions.join("_keyfob")).unwrap();
    // A shell on a terminal of its own: completion works nowhere else. The key TAB is pressed, and the line shown.
    let ask = format!(
        "zmodload zsh/zpty; zpty shell {} -f -i; \
         zpty -w shell \"PS1= ; fpath=({} \\$fpath); autoload -U compinit; compinit -u -D; echo re''ady\"; \
         zpty -r -m shell line '*ready*'; \
         zpty -w -n shell $'keyfob daemon uni\\t'; \
         zpty -r -m shell line '*uninstall*' && print -r -- found; zpty -d shell",
        zsh.display(),
        functions.display()
    );
    let mut command = Command::new("timeout");
    let asked = command.arg("20").arg(&zsh).args(["-f", "-c", &ask]).env_clear().envs(&world.environment);
    let asked = Run::from(asked.env("TERM", "dumb").stdin(Stdio::null()).output().unwrap());
    assert!(asked.ok().contains("found"), "{asked:?}");
}

/// A world that is not moved by variables but by the directories of its user, as on a real machine.
fn user() -> (World, PathBuf) {
    let world = World::new();
    let units = world.path("home/.config/systemd/user");
    (world, units)
}

const UNITS: [&str; 3] = ["keyfobd.service", "keyfobd.socket", "sockets.target.wants/keyfobd.socket"];

#[test]
fn the_service_is_written_shown_and_removed_without_residue() {
    let (world, units) = user();
    let told = world.keyfob(&["daemon", "install"]);
    for unit in UNITS {
        assert!(told.ok().contains(&format!("written: {}", units.join(unit).display())), "{told:?}");
    }
    let service = fs::read_to_string(units.join("keyfobd.service")).unwrap();
    assert!(service.contains(&format!("\nExecStart={}\n", world.program("keyfobd").display())), "{service}");
    assert!(told.stdout.contains("NoNewPrivileges=yes"), "it is shown: {told:?}");
    assert_eq!(
        fs::canonicalize(units.join(UNITS[2])).unwrap(),
        fs::canonicalize(units.join(UNITS[1])).unwrap()
    );

    let again = world.keyfob(&["daemon", "install"]);
    assert!(!again.ok().contains("written: "), "{again:?}");
    fs::write(units.join("other.service"), "").unwrap();
    let removed = world.keyfob(&["daemon", "uninstall"]);
    assert_eq!(removed.ok().matches("removed: ").count(), UNITS.len(), "{removed:?}");
    let left: Vec<_> = UNITS.iter().filter(|unit| units.join(unit).symlink_metadata().is_ok()).collect();
    assert!(left.is_empty() && units.join("other.service").exists(), "{left:?}");
    assert_eq!(world.keyfob(&["daemon", "uninstall"]).ok(), "nothing is installed\n");
    assert!(world.daemons().is_empty(), "no daemon is needed for any of it");
}

#[test]
fn a_unit_that_somebody_edited_is_left_alone() {
    let (world, units) = user();
    world.keyfob(&["daemon", "install"]).ok();
    let service = units.join("keyfobd.service");
    let edited = fs::read_to_string(&service).unwrap().replace("RestartSec=1", "RestartSec=9");
    fs::write(&service, &edited).unwrap();
    fs::remove_file(units.join("keyfobd.socket")).unwrap();
    assert!(world.keyfob(&["daemon", "install"]).failed(2).contains("edited by others"));
    assert!(!units.join("keyfobd.socket").exists(), "all of it or nothing");
    let told = world.keyfob(&["daemon", "uninstall"]);
    assert!(told.ok().contains(&format!("by others: {}", service.display())), "{told:?}");
    assert_eq!(fs::read_to_string(&service).unwrap(), edited);
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let Some(analyze) = parts::find("systemd-analyze") else { return };
    let (mut world, units) = user();
    world.environment.insert("SYSTEMD_LOG_LEVEL".into(), "info".into());
    world.keyfob(&["daemon", "install"]).ok();
    let verify = |unit: &str| {
        let path = units.join(unit).display().to_string();
        run(&world, &analyze, &["verify", "--user", "--man=no", &path])
    };
    for unit in &UNITS[..2] {
        let verified = verify(unit);
        assert!(verified.status == 0 && !verified.stderr.contains(*unit), "{verified:?}");
    }
    let service = units.join("keyfobd.service");
    let broken = fs::read_to_string(&service).unwrap().replace("LockPersonality", "LockPersonalty");
    fs::write(&service, broken).unwrap();
    assert!(verify("keyfobd.service").stderr.contains("LockPersonalty"), "the judge judges");
}

#[test]
fn the_unit_serves_the_socket_that_systemd_listens_on() {
    let Some(activate) = parts::find("systemd-socket-activate") else { return };
    let (world, units) = user();
    world.config("[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\n");
    world.keyfob(&["daemon", "install"]).ok();
    let setting = |unit: &str, name: &str| {
        let text = fs::read_to_string(units.join(unit)).unwrap();
        let found = text.lines().filter_map(|line| line.strip_prefix(&format!("{name}=")));
        found.map(str::to_owned).collect::<Vec<_>>()
    };
    let socket = setting("keyfobd.socket", "ListenStream").remove(0);
    let socket = socket.replace("%t", &world.path("run").display().to_string());
    assert_eq!(Path::new(&socket), world.socket(), "clients look there");
    fs::create_dir_all(world.socket().parent().unwrap()).unwrap();
    let mut command = world.command(activate);
    // Nothing but what the unit says, as under systemd.
    command.env_clear().env("HOME", world.path("home")).env("XDG_RUNTIME_DIR", world.path("run"));
    command.arg("--listen").arg(&socket);
    for variable in setting("keyfobd.service", "Environment") {
        command.arg("--setenv").arg(variable.trim_matches('"'));
    }
    command.args(setting("keyfobd.service", "ExecStart")).stderr(Stdio::null());
    let mut daemon = command.spawn().unwrap();
    eventually("systemd listens", Duration::from_secs(5), || world.socket().exists());
    world.add_key("alice");
    world.get("p").ok();
    let pid = world.status()["daemon"]["pid"].as_u64().unwrap();
    assert_eq!(pid, u64::from(daemon.id()), "no client had to start one");
    signal(daemon.id(), rustix::process::Signal::TERM);
    assert!(daemon.wait().unwrap().success());
}
