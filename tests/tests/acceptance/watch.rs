//! The live view on a real terminal: seen, used by keys, and gone without a trace.

use keyfob_tests::World;
use keyfob_tests::tmux::Tmux;
use keyfob_tests::world::{eventually, signal};
use rustix::process::Signal;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

const CONFIG: &str = r#"[identity.alice]
type = "iam-user"
[identity.bob]
type = "iam-user"
mfa_serial = "arn:aws:iam::111122223333:mfa/bob"
[profile.billing]
identity = "bob"
role_arn = "arn:aws:iam::111122223333:role/Billing"
[profile.prod]
identity = "alice"
role_arn = "arn:aws:iam::111122223333:role/Production"
"#;

fn world() -> World {
    let world = World::new();
    world.config(CONFIG);
    world.add_key("alice");
    world.add_key("bob");
    world.get("prod").ok();
    world.get("billing").failed(3);
    world
}

#[track_caller]
fn shows(tmux: &Tmux<'_>, what: &str) {
    eventually(&format!("{what} is shown"), LIMIT, || tmux.text().contains(what));
}

/// Starts the view behind a line of the shell that has to come back.
#[track_caller]
fn begin(tmux: &Tmux<'_>, world: &World, before: &str) {
    tmux.run("echo be''fore");
    shows(tmux, "before");
    tmux.run(&format!("{before} {} status --watch; echo status=$?", world.program("keyfob").display()));
    shows(tmux, "SIGN-INS NEEDED");
    assert!(tmux.is_taken() && !tmux.has_cursor());
}

/// The shell has its terminal again, as it was.
#[track_caller]
fn is_put_right(tmux: &Tmux<'_>, status: i32) {
    shows(tmux, &format!("status={status}"));
    assert!(!tmux.is_taken() && tmux.has_cursor());
    let text = tmux.text();
    assert!(text.contains("before") && !text.contains("SIGN-INS"), "{text}");
    tmux.run("clear; stty -a");
    shows(tmux, " icanon");
    let text = tmux.text();
    let modes: Vec<&str> = text.split_whitespace().collect();
    assert!(["isig", "icanon", "echo", "opost", "icrnl"].iter().all(|mode| modes.contains(mode)), "{text}");
}

#[test]
fn the_live_view_shows_and_logs_in_and_out_by_keys() {
    let world = world();
    let Some(tmux) = Tmux::open(&world, 80, 24) else { return };
    begin(&tmux, &world, "");
    shows(&tmux, "bob (iam-user)");
    // Who asks is the program of this test.
    shows(&tmux, "acceptance");
    let narrow = tmux.text();
    assert!(narrow.contains("> billing  sign-in-needed"), "{narrow}");
    assert!(narrow.contains("  prod     ready") && narrow.contains('█'), "{narrow}");
    assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
    tmux.resize(200, 50);
    shows(&tmux, "LAST USED");
    let wide = tmux.text();
    assert!(
        wide.lines().any(|line| line.contains("SIGN-INS NEEDED") && line.contains("LAST ERRORS")),
        "{wide}"
    );
    tmux.resize(40, 24);
    eventually("it is narrow", LIMIT, || !tmux.text().contains("LAST USED"));
    tmux.resize(80, 24);

    tmux.press("l");
    eventually("the dialogue has the terminal", LIMIT, || !tmux.is_taken() && tmux.text().contains("MFA"));
    assert!(tmux.text().contains("before") && tmux.has_cursor(), "{}", tmux.text());
    tmux.run("123456");
    eventually("the view is back", LIMIT, || tmux.is_taken());
    world.get("billing").ok();
    shows(&tmux, "> billing  ready");

    tmux.press("Down");
    shows(&tmux, "> prod");
    tmux.press("o");
    shows(&tmux, "log out prod?");
    assert_eq!(world.profile("prod")["state"], "ready");
    tmux.press("n");
    tmux.press("o");
    tmux.press("y");
    shows(&tmux, "> prod     cold");
    tmux.press("?");
    shows(&tmux, "this help, and back");
    tmux.press("q");
    is_put_right(&tmux, 0);
}

#[test]
fn signals_and_control_c_leave_the_terminal_as_it_was() {
    let world = world();
    let Some(tmux) = Tmux::open(&world, 80, 24) else { return };
    begin(&tmux, &world, "");
    tmux.press("C-c");
    is_put_right(&tmux, 0);
    for (ending, status) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        tmux.run("clear");
        begin(&tmux, &world, "");
        let comm = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let view = world.processes().into_iter().find(|pid| comm(pid) == "keyfob\n").unwrap();
        signal(view, ending);
        is_put_right(&tmux, status);
    }
}

#[test]
fn a_daemon_that_was_stopped_is_told_and_stays_so() {
    let world = world();
    let Some(tmux) = Tmux::open(&world, 80, 24) else { return };
    begin(&tmux, &world, "");
    world.keyfob(&["daemon", "stop"]).ok();
    shows(&tmux, "no news: keyfobd does not run");
    assert!(tmux.text().contains("> billing"), "what was known is shown still: {}", tmux.text());
    assert!(world.daemons().is_empty());
    world.keyfob(&["daemon", "start"]).ok();
    eventually("there are news", LIMIT, || !tmux.text().contains("no news"));
    tmux.press("q");
    is_put_right(&tmux, 0);
}

#[test]
fn colours_are_left_out_where_nobody_wants_them_and_the_view_where_it_can_not_be() {
    let world = world();
    let Some(tmux) = Tmux::open(&world, 80, 24) else { return };
    let has_colours = |text: &str| (31..38).any(|colour| text.contains(&format!("\u{1b}[{colour}m")));
    begin(&tmux, &world, "");
    assert!(has_colours(&tmux.coloured()), "{}", tmux.coloured());
    tmux.press("q");
    is_put_right(&tmux, 0);
    tmux.run("clear");
    begin(&tmux, &world, "NO_COLOR=1");
    assert!(!has_colours(&tmux.coloured()), "{}", tmux.coloured());
    tmux.press("q");
    is_put_right(&tmux, 0);
    tmux.run("clear");
    for line in
        ["TERM=dumb KEYFOB status --watch", "KEYFOB status --watch | cat", "KEYFOB status --watch </dev/null"]
    {
        let line = line.replace("KEYFOB", &world.program("keyfob").display().to_string());
        tmux.run(&format!("clear; {line}"));
        shows(&tmux, "SIGN-IN NEEDED");
        assert!(!tmux.is_taken() && tmux.has_cursor(), "{line}");
        tmux.press("C-c");
        eventually("it has ended", LIMIT, || tmux.text().trim_end().ends_with('$'));
    }
}
