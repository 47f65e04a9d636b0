//! A frame of the live view: a function of what is known, the time and the size.

use super::pen::{Pen, Tone, lines};
use super::state::{Mode, State, called};
use super::{panels, rows};
use crate::table::relative;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;

/// The keys, for the help.
const HELP: &[(&str, &str)] = &[
    ("↑ ↓ or k j", "select a profile"),
    ("PgUp PgDn", "ten at once; Home and End: the first, the last"),
    ("l", "log in who is behind it, on this terminal"),
    ("o", "log it out, after a question"),
    ("? or Esc", "this help, and back"),
    ("q or Ctrl-C", "quit"),
];

/// Draws on all of a buffer; colours only where they are wanted.
pub(super) fn draw(state: &State, now: i64, colour: bool, buffer: &mut Buffer) {
    let area = buffer.area;
    let mut pen = Pen { buffer, colour };
    let top = header(&mut pen, area, state, now);
    let feet = footer(state);
    let notes: Vec<(String, Tone)> = state.note.iter().flat_map(|note| wrapped(note, area.width)).collect();
    let below = lines(area.width, &feet) + lines(area.width, &notes);
    let rest = area.height.saturating_sub(top);
    let below = below.min(rest);
    let middle = Rect::new(area.x, area.y + top, area.width, rest - below);
    match state.mode {
        Mode::Help => help(&mut pen, middle),
        Mode::List | Mode::LogOut => {
            let middle = panels::draw(&mut pen, middle, state, now);
            rows::draw(&mut pen, middle, state, now);
        }
    }
    let bottom = Rect::new(area.x, middle.bottom(), area.width, below);
    let used = pen.flow(bottom, &notes);
    pen.flow(Rect::new(area.x, bottom.y + used, area.width, below - used), &feet);
}

/// Draws what is said of all, and answers how many lines it took.
fn header(pen: &mut Pen<'_>, area: Rect, state: &State, now: i64) -> u16 {
    let mut parts = vec![("keyfob status".to_owned(), Tone::Heading)];
    let mut warnings = Vec::new();
    if let Some(whole) = &state.whole {
        let profiles = whole.profiles.len();
        let are = if profiles == 1 { "profile" } else { "profiles" };
        parts.push((format!("{profiles} {are}, {} with a session", state.summary.served), Tone::Plain));
        let next = state.summary.next_renewal.and_then(|at| whole.profiles.get(at));
        if let Some((profile, time)) = next.and_then(|profile| Some((profile, profile.renew_at?))) {
            let text = format!("next renewal: {} {}", called(profile), relative(time, now));
            parts.push((text, Tone::Plain));
        }
        let vault = &whole.daemon.vault;
        let tone = if vault.state == "ready" { Tone::Plain } else { Tone::Bad };
        parts.push((format!("vault {}: {}", vault.kind, vault.state), tone));
        warnings.extend(whole.daemon.locked.then(|| "locked: keyfob unlock".to_owned()));
        warnings.extend(whole.daemon.config_error.iter().map(|error| format!("configuration: {error}")));
    }
    warnings.extend(state.trouble.clone());
    let mut used = pen.flow(Rect { height: area.height.min(3), ..area }, &parts);
    for warning in warnings {
        pen.text(area.x, area.y + used, area.width, &warning, Tone::Bad);
        used += 1;
    }
    used.min(area.height)
}

fn footer(state: &State) -> Vec<(String, Tone)> {
    let keys = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), Tone::Dim)).collect::<Vec<_>>();
    match (state.mode, state.selection()) {
        (Mode::LogOut, Some(profile)) => {
            let question = format!("log out {}?", called(profile));
            [vec![(question, Tone::Soon)], keys(&["y yes", "n no"])].concat()
        }
        (Mode::Help, _) => keys(&["? back", "q quit"]),
        (Mode::List | Mode::LogOut, selection) => {
            let place = selection.map(|_| format!("{} of {}", state.selected + 1, state.profiles().len()));
            let place = place.map(|place| (place, Tone::Plain)).into_iter().collect();
            [place, keys(&["↑↓ select", "l log in", "o log out", "? help", "q quit"])].concat()
        }
    }
}

fn help(pen: &mut Pen<'_>, area: Rect) {
    const KEYS: u16 = 12;
    for (y, (keys, what)) in (area.y + 1..area.bottom()).zip(HELP) {
        pen.text(area.x, y, KEYS, keys, Tone::Heading);
        pen.text(area.x + KEYS + 1, y, area.width.saturating_sub(KEYS + 1), what, Tone::Plain);
    }
}

/// Breaks a text at spaces into parts that fill a line each.
fn wrapped(text: &str, width: u16) -> Vec<(String, Tone)> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width.into() => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.into_iter().map(|line| (line, Tone::Soon)).collect()
}
