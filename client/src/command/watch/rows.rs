//! The table of profiles: only the rows that are seen are made.

use super::pen::{Pen, Tone};
use super::state::{SIGN_IN_NEEDED, State, called};
use crate::table::relative;
use keyfob_shared::Timestamp;
use keyfob_shared::wire::ProfileStatus;
use ratatui_core::layout::Rect;

/// Columns of the longest time: `in 11 h 59 min`.
const TIME: u16 = 14;
/// Columns of the longest state.
const STATE: u16 = SIGN_IN_NEEDED.len() as u16;
/// From this width on the state has a column of its own.
const ROOMY: u16 = 60;
const SHORTEST_BAR: u16 = 8;
const LONGEST_BAR: u16 = 30;
/// Less of a note says nothing.
const LEAST_NOTE: u16 = 12;
/// The marker of the selection.
const MARKER: u16 = 2;
const SOON: i64 = 15 * 60_000;
const VERY_SOON: i64 = 5 * 60_000;
const HOUR: i64 = 3_600_000;

/// Where the columns are; a width of 0 means that there is no place for one.
struct Columns {
    gap: u16,
    name: u16,
    state: u16,
    bar: u16,
    renews: u16,
    used: u16,
    note: u16,
}

impl Columns {
    fn of(width: u16, longest_name: usize) -> Self {
        let (gap, state, most) = match width {
            ..ROOMY => (1, 0, 14),
            ROOMY..110 => (2, STATE, 24),
            110.. => (2, STATE, 40),
        };
        let name = u16::try_from(longest_name).unwrap_or(most).clamp(7, most);
        let fixed = MARKER + name + gap + if state > 0 { state + gap } else { 0 } + gap + TIME;
        let mut rest = width.saturating_sub(fixed);
        let mut take = |wanted: u16, least_left: u16| {
            let is_room = rest >= wanted + gap + least_left;
            rest -= if is_room { wanted + gap } else { 0 };
            if is_room { wanted } else { 0 }
        };
        let renews = take(TIME, SHORTEST_BAR);
        let used = take(TIME, LONGEST_BAR);
        let bar = rest.min(LONGEST_BAR);
        let note = (rest - bar).saturating_sub(gap);
        Self { gap, name, state, bar, renews, used, note: if note < LEAST_NOTE { 0 } else { note } }
    }
}

/// Draws the heading and as many profiles as there is place for.
pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, state: &State, now: i64) {
    let columns = Columns::of(area.width, state.summary.longest_name);
    let hours = scale(state, now) / HOUR;
    let title = format!("TIME LEFT, OF {hours} h");
    // The bar and the time share a heading.
    let left = columns.bar + columns.gap + TIME;
    let mut at = Cursor { x: area.x + MARKER, y: area.y, gap: columns.gap };
    at.put(pen, columns.name, "PROFILE", Tone::Heading);
    at.put(pen, columns.state, "STATE", Tone::Heading);
    at.put(pen, left, &title, Tone::Heading);
    at.put(pen, columns.renews, "RENEWS", Tone::Heading);
    at.put(pen, columns.used, "LAST USED", Tone::Heading);
    at.put(pen, columns.note, "NOTE", Tone::Heading);
    let rows = area.height.saturating_sub(1);
    for (y, index) in (area.y + 1..).zip(state.visible(rows.into())) {
        let Some(profile) = state.profiles().get(index) else { break };
        let is_selected = index == state.selected;
        if is_selected {
            pen.text(area.x, y, MARKER, ">", Tone::Plain);
        }
        let at = Cursor { x: area.x + MARKER, y, gap: columns.gap };
        row(pen, at, &columns, profile, (hours * HOUR, now), is_selected);
    }
}

fn row(
    pen: &mut Pen<'_>,
    mut at: Cursor,
    columns: &Columns,
    profile: &ProfileStatus,
    (scale, now): (i64, i64),
    is_selected: bool,
) {
    let time = |moment: Option<Timestamp>| moment.map_or_else(|| "-".into(), |moment| relative(moment, now));
    let name = if is_selected { Tone::Selected } else { Tone::Plain };
    at.put(pen, columns.name, &called(profile), name);
    let tone = tone_of(&profile.state);
    at.put(pen, columns.state, &profile.state, tone);
    match profile.expires_at.map(|end| end.millis() - now) {
        // Where the state has no column, it stands where the time would.
        _ if columns.state == 0 && !matches!(profile.state.as_str(), "ready" | "renewing") => {
            at.put(pen, columns.bar + columns.gap + TIME, &profile.state, tone);
        }
        Some(left) => {
            let tone = time_tone(left);
            let (full, track) = bar(columns.bar, left, scale);
            let full_width = columns.bar - track;
            pen.text(at.x, at.y, full_width, &full, tone);
            let dots = "·".repeat(track.into());
            pen.text(at.x + full_width, at.y, track, &dots, Tone::Dim);
            at.skip(columns.bar);
            at.put(pen, TIME, &time(profile.expires_at), tone);
        }
        None => {
            at.skip(columns.bar);
            at.put(pen, TIME, "-", Tone::Dim);
        }
    }
    at.put(pen, columns.renews, &time(profile.renew_at), Tone::Plain);
    at.put(pen, columns.used, &time(profile.last_used_at), Tone::Plain);
    let note = profile.last_error.as_ref().or(profile.note.as_ref());
    at.put(pen, columns.note, note.map_or("", String::as_str), Tone::Plain);
}

/// A place in a row.
struct Cursor {
    x: u16,
    y: u16,
    gap: u16,
}

impl Cursor {
    /// Writes a column, if it has a width, and goes to the next.
    fn put(&mut self, pen: &mut Pen<'_>, width: u16, text: &str, tone: Tone) {
        if width > 0 {
            pen.text(self.x, self.y, width, text, tone);
            self.skip(width);
        }
    }

    fn skip(&mut self, width: u16) {
        self.x += width + self.gap;
    }
}

fn time_tone(left: i64) -> Tone {
    if left <= VERY_SOON {
        Tone::Bad
    } else if left <= SOON {
        Tone::Soon
    } else {
        Tone::Good
    }
}

fn tone_of(state: &str) -> Tone {
    match state {
        "ready" | "renewing" => Tone::Good,
        "failed" | "expired" => Tone::Bad,
        SIGN_IN_NEEDED | "locked" => Tone::Soon,
        _ => Tone::Dim,
    }
}

/// Answers what a full bar stands for: whole hours that hold the session that lives longest.
fn scale(state: &State, now: i64) -> i64 {
    let longest = state.summary.last_end.map_or(0, |end| end.saturating_sub(now)).max(1);
    longest.div_euclid(HOUR).saturating_add(i64::from(longest % HOUR > 0)).saturating_mul(HOUR)
}

/// Answers the full part of a bar, in eighths of a column, and the columns that are left of it.
fn bar(width: u16, left: i64, scale: i64) -> (String, u16) {
    const PARTS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let whole = i64::from(width) * 8;
    let eighths = left.clamp(0, scale).saturating_mul(whole) / scale.max(1);
    // What lives has something to show.
    let eighths = if left > 0 { eighths.max(1) } else { 0 }.min(whole);
    let (columns, part) = ((eighths / 8) as usize, (eighths % 8) as usize);
    let mut text = "█".repeat(columns);
    text.extend(part.checked_sub(1).map(|at| PARTS[at]));
    let taken = columns + usize::from(part > 0);
    (text, width.saturating_sub(taken as u16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_the_time_that_is_left() {
        assert_eq!(bar(8, HOUR, HOUR), ("████████".into(), 0));
        assert_eq!(bar(8, HOUR / 2, HOUR), ("████".into(), 4));
        assert_eq!(bar(8, HOUR / 16, HOUR), ("▌".into(), 7));
        assert_eq!(bar(8, 1, HOUR), ("▏".into(), 7));
        assert_eq!(bar(8, -1, HOUR), (String::new(), 8));
        assert_eq!(bar(8, i64::MAX, HOUR), ("████████".into(), 0));
        assert_eq!(bar(0, HOUR, HOUR), (String::new(), 0));
    }

    #[test]
    fn columns_fit_every_width() {
        for width in 0..400 {
            for name in [0, 7, 30, 130] {
                let of = Columns::of(width, name);
                let shown = [of.name, of.state, of.bar, TIME, of.renews, of.used, of.note];
                let shown = shown.iter().filter(|width| **width > 0);
                let sum: u16 = MARKER + shown.map(|width| width + of.gap).sum::<u16>();
                assert!(width < 40 || sum <= width + of.gap, "{width} {name}: {sum}");
            }
        }
    }
}
