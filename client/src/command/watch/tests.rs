//! Frames of the view as text, beside this file. With `KEYFOB_FRAMES=write` they are written anew, to be read in the
//! diff.

use super::draw::draw;
use super::state::{Mode, Move, State};
use super::traffic::Traffic;
use crate::command::status::Whole;
use keyfob_shared::Timestamp;
use keyfob_shared::wire::{DaemonStatus, IdentityStatus, ProfileStatus, SocketStatus, VaultStatus};
use ratatui_core::backend::TestBackend;
use ratatui_core::buffer::Buffer;
use ratatui_core::style::Color;
use ratatui_core::terminal::Terminal;
use std::path::Path;

const NOW: i64 = 1_767_225_600_000;
const MINUTE: i64 = 60_000;

fn at(minutes: i64) -> Option<Timestamp> {
    Some(Timestamp::from_millis(NOW + minutes * MINUTE))
}

pub(super) fn profile(name: &str, state: &str, left: Option<i64>) -> ProfileStatus {
    ProfileStatus {
        name: name.parse().unwrap(),
        state: state.into(),
        expires_at: left.and_then(at),
        renew_at: left.filter(|left| *left > 0).and_then(|left| at(left * 4 / 5)),
        last_used_at: left.and_then(|_| at(-3)),
        last_error: None,
        note: None,
        renewals: 0,
        programs: 0,
        leased_until: None,
        socket: None,
    }
}

pub(super) fn whole(profiles: Vec<ProfileStatus>) -> Whole {
    let vault = VaultStatus { kind: "memory".into(), state: "ready".into(), reason: "configured".into() };
    let daemon = DaemonStatus { version: "1".into(), pid: 7, vault, locked: false, config_error: None };
    Whole { daemon, profiles, identities: Vec::new(), sockets: Vec::new() }
}

/// A day as people have it.
fn day() -> State {
    let mut profiles = vec![
        profile("audit", "ready", Some(14)),
        profile("billing", "sign-in-needed", None),
        profile("prod", "ready", Some(52)),
        profile("sandbox", "failed", Some(4)),
        profile("staging-of-the-northern-region", "cold", None),
        profile("upload", "renewing", Some(11 * 60 + 20)),
    ];
    profiles[3].last_error =
        Some("AccessDenied: not authorized to assume \u{1b}[31mrole/Sandbox\u{7}".into());
    profiles[5].note = Some("AWS granted one hour of the 12 that were asked for".into());
    profiles
        .push(ProfileStatus { socket: Some("agent".parse().unwrap()), ..profile("prod", "ready", Some(31)) });
    let mut whole = whole(profiles);
    let identity = |name: &str, kind: &str, state: &str, by| IdentityStatus {
        name: name.parse().unwrap(),
        kind: kind.into(),
        state: state.into(),
        sign_in_needed_by: by,
    };
    whole.identities = vec![
        identity("alice", "identity-center", "ready", at(7 * 60)),
        identity("bob", "iam-user", "sign-in-needed", None),
        identity("ci", "web-identity", "ready", None),
    ];
    whole.sockets = vec![SocketStatus {
        name: "agent".parse().unwrap(),
        path: "/run/x/agent.sock".into(),
        state: "failed".into(),
        error: Some("it is taken".into()),
        profiles: 1,
        scoped: true,
    }];
    let mut traffic = Traffic::default();
    for (program, times) in [("terraform", 1_204), ("aws", 31), ("a\u{1b}[2Jb", 2), ("python3.13", 7)] {
        traffic.add(&line(program, times, ""));
    }
    traffic.add(&line("aws", 1, r#","profile":"billing","reason":"a person must sign in""#));
    let mut state = State { traffic: Some(traffic), ..State::default() };
    state.update(whole);
    state.go(Move::Down);
    state
}

fn line(program: &str, times: u64, more: &str) -> keyfob_audit::Line {
    let outcome = if more.is_empty() { "served" } else { "failed" };
    let time = Timestamp::from_millis(NOW - 12 * MINUTE);
    let program = serde_json::to_string(program).unwrap();
    let text = format!(
        r#"{{"seq":1,"time":"{time}","request":"get","outcome":"{outcome}","uid":1,"pid":7,"previous":"","times":{times},"parents":[{{"pid":8,"program":{program}}}]{more}}}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn frame(state: &State, colour: bool, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(state, NOW, colour, frame.buffer_mut())).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let row = |y: u16| (0..buffer.area.width).map(move |x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(|y| format!("{}\n", row(y).trim_end())).collect()
}

#[track_caller]
fn is_as_before(name: &str, state: &State, width: u16, height: u16) {
    let drawn = text(&frame(state, true, width, height));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/command/watch/frames/{name}.txt"));
    if std::env::var_os("KEYFOB_FRAMES").is_some_and(|value| value == "write") {
        std::fs::write(&path, &drawn).unwrap();
    }
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(drawn == before, "{name} is not as before:\n{drawn}");
}

#[test]
fn frames_are_as_before_at_every_width() {
    let state = day();
    is_as_before("day-40x24", &state, 40, 24);
    is_as_before("day-80x24", &state, 80, 24);
    is_as_before("day-200x50", &state, 200, 50);
}

#[test]
fn questions_help_and_trouble_are_as_before() {
    let mut state = day();
    state.mode = Mode::LogOut;
    is_as_before("log-out-80x24", &state, 80, 24);
    state.mode = Mode::Help;
    is_as_before("help-80x24", &state, 80, 24);
    state.mode = Mode::List;
    state.note = Some(
        "billing: the code was not accepted by AWS, which tells no more about it; keyfob login billing"
            .into(),
    );
    state.trouble = Some("no news: keyfobd does not run; keyfob status".into());
    state.traffic = None;
    if let Some(whole) = &mut state.whole {
        whole.daemon.locked = true;
        whole.daemon.config_error = Some("line 3: \u{9b}31m is no key".into());
    }
    is_as_before("trouble-80x24", &state, 80, 24);
    is_as_before("empty-40x12", &State::default(), 40, 12);
}

#[test]
fn ten_thousand_profiles_scroll() {
    let mut state = State::default();
    let name = |number: usize| profile(&format!("p{number:05}"), "ready", Some(30));
    state.update(whole((0..10_000).map(name).collect()));
    state.go(Move::PageDown);
    state.go(Move::Down);
    is_as_before("many-80x24", &state, 80, 24);
    state.go(Move::Last);
    let last = text(&frame(&state, true, 80, 24));
    assert!(last.contains("> p09999") && last.contains("10000 of 10000"), "{last}");
}

#[test]
fn programs_that_run_are_shown_with_their_lease() {
    let mut whole = whole(vec![profile("prod", "ready", Some(52)), profile("staging", "ready", Some(20))]);
    (whole.profiles[0].programs, whole.profiles[0].renewals) = (2, 3);
    (whole.profiles[1].programs, whole.profiles[1].leased_until) = (1, at(600));
    let mut state = State::default();
    state.update(whole);
    is_as_before("running-80x24", &state, 80, 24);
    is_as_before("running-120x20", &state, 120, 20);
}

#[test]
fn no_colour_means_no_colour() {
    let is_coloured = |colour| {
        let buffer = frame(&day(), colour, 80, 24);
        buffer.content.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
    };
    assert!(is_coloured(true) && !is_coloured(false));
}

#[test]
fn every_size_has_a_frame_without_control_characters() {
    let mut state = day();
    for mode in [Mode::List, Mode::LogOut, Mode::Help] {
        state.mode = mode;
        for width in [0, 1, 2, 5, 10, 20, 39, 41, 59, 60, 61, 109, 110, 300] {
            for height in [0, 1, 2, 3, 5, 9, 10, 11, 12, 15, 24, 60] {
                let drawn = text(&frame(&state, true, width, height));
                let is_control = |letter: char| letter.is_control() && letter != '\n';
                assert!(!drawn.contains(is_control), "{width}x{height}: {drawn:?}");
            }
        }
    }
}

#[test]
fn the_selection_stays_with_its_profile() {
    let mut state = State::default();
    let some = |names: &[&str]| whole(names.iter().map(|name| profile(name, "ready", None)).collect());
    state.update(some(&["b", "d"]));
    state.go(Move::Last);
    state.mode = Mode::LogOut;
    state.update(some(&["a", "b", "c", "d"]));
    assert_eq!(state.selection().map(|profile| profile.name.as_str()), Some("d"));
    assert_eq!(state.mode, Mode::LogOut);
    state.update(some(&["a", "b"]));
    assert_eq!(state.selection().map(|profile| profile.name.as_str()), Some("b"));
    assert_eq!(state.mode, Mode::List, "the question was about another profile");
    state.update(some(&[]));
    assert_eq!(state.selection(), None);
}
