//! What stands below the profiles: programs that run, sign-ins that will be needed, requests by program, the last errors.

use super::pen::{Pen, Tone, columns};
use super::state::{SIGN_IN_NEEDED, State, called};
use super::traffic::MINUTES;
use crate::table::relative;
use keyfob_shared::Timestamp;
use keyfob_shared::wire::{IdentityStatus, ProfileStatus};
use ratatui_core::layout::Rect;

/// Panels that can have this width each stand side by side.
const WIDE: u16 = 36;
/// The most rows of a panel, its title aside.
const MOST: u16 = 6;
/// With fewer lines than this there are no panels.
const LEAST: u16 = 10;
/// The space between two panels that stand side by side.
const GAP: u16 = 2;

/// A title, and rows of a text and what stands at the right.
struct Panel {
    title: String,
    rows: Vec<(String, String, Tone)>,
}

/// Draws at the end of an area, and answers what is left of it.
pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, state: &State, now: i64) -> Rect {
    if area.height < LEAST {
        return area;
    }
    let mut panels = vec![sign_ins(state, now), programs(state, now), errors(state, now)];
    if !state.summary.running.is_empty() {
        panels.insert(0, running(state, now));
    }
    let count = panels.len() as u16;
    let most = area.height / 2;
    let height = if area.width >= WIDE * count {
        let longest = panels.iter().map(|panel| shown(panel).clamp(1, MOST)).max().unwrap_or(0);
        let height = (longest + 1).min(most);
        let width = (area.width - (count - 1) * GAP) / count;
        for (x, panel) in (area.x..).step_by(usize::from(width + GAP)).zip(&panels) {
            panel.draw(pen, Rect::new(x, area.bottom() - height, width, height));
        }
        height
    } else {
        let rows = shares(&panels, most.saturating_sub(count));
        let height = rows.iter().sum::<u16>() + count;
        let mut y = area.bottom() - height;
        for (panel, rows) in panels.iter().zip(rows) {
            panel.draw(pen, Rect::new(area.x, y, area.width, rows + 1));
            y += rows + 1;
        }
        height
    };
    // One empty line keeps them apart.
    Rect::new(area.x, area.y, area.width, area.height - height - 1)
}

fn shown(panel: &Panel) -> u16 {
    panel.rows.len().min(MOST.into()) as u16
}

/// Deals rows to the panels that have some, in turn.
fn shares(panels: &[Panel], mut rows: u16) -> Vec<u16> {
    let mut shares = vec![0; panels.len()];
    for turn in 1..=MOST {
        for (share, panel) in shares.iter_mut().zip(panels) {
            if rows > 0 && shown(panel) >= turn {
                (*share, rows) = (turn, rows - 1);
            }
        }
    }
    shares
}

impl Panel {
    fn draw(&self, pen: &mut Pen<'_>, area: Rect) {
        pen.text(area.x, area.y, area.width, &self.title, Tone::Heading);
        if self.rows.is_empty() {
            let x = columns(&self.title) + GAP;
            pen.text(area.x + x, area.y, area.width.saturating_sub(x), "none", Tone::Dim);
        }
        for (y, (text, right, tone)) in (area.y + 1..area.bottom()).zip(&self.rows) {
            let right_width = columns(right).min(area.width);
            let width = area.width.saturating_sub(right_width + GAP);
            pen.text(area.x, y, width, text, *tone);
            pen.text(area.right() - right_width, y, right_width, right, Tone::Plain);
        }
    }
}

fn running(state: &State, now: i64) -> Panel {
    let profiles = state.summary.running.iter().filter_map(|at| state.profiles().get(*at));
    let row = |profile: &ProfileStatus| {
        let programs = if profile.programs == 1 { "program" } else { "programs" };
        let text = format!(
            "{}: {} {programs}, renewals done: {}",
            called(profile),
            profile.programs,
            profile.renewals
        );
        let end = profile.leased_until.map_or_else(|| "with them".into(), |end| relative(end, now));
        (text, end, Tone::Plain)
    };
    Panel { title: "RUNNING WITH, LEASE ENDS".into(), rows: profiles.map(row).collect() }
}

fn sign_ins(state: &State, now: i64) -> Panel {
    let identities = state.summary.sign_ins.iter().filter_map(|at| state.identities().get(*at));
    let row = |identity: &IdentityStatus| {
        let text = format!("{} ({})", identity.name, identity.kind);
        match identity.sign_in_needed_by {
            _ if identity.state == SIGN_IN_NEEDED => (text, "now".into(), Tone::Bad),
            Some(time) => (text, relative(time, now), Tone::Soon),
            None => (text, "-".into(), Tone::Plain),
        }
    };
    Panel { title: "SIGN-INS NEEDED".into(), rows: identities.take(MOST.into()).map(row).collect() }
}

fn programs(state: &State, now: i64) -> Panel {
    let Some(traffic) = &state.traffic else {
        let row = ("the audit can't be read here".into(), String::new(), Tone::Dim);
        return Panel { title: "REQUESTS BY PROGRAM".into(), rows: vec![row] };
    };
    let minutes = traffic.minutes(now);
    let span = if minutes == MINUTES as i64 { "HOUR".into() } else { format!("{minutes} MIN") };
    let rows = traffic.programs().into_iter().take(MOST.into());
    let rows = rows.map(|(name, requests)| (name.to_owned(), requests.to_string(), Tone::Plain)).collect();
    Panel { title: format!("REQUESTS BY PROGRAM, LAST {span}"), rows }
}

fn errors(state: &State, now: i64) -> Panel {
    let failed = state.summary.failed.iter().filter_map(|at| state.profiles().get(*at));
    let lasting = failed.map(|profile| {
        let error = profile.last_error.as_deref().unwrap_or_default();
        (format!("{}: {error}", called(profile)), "still".to_owned(), Tone::Bad)
    });
    let sockets = state.whole.iter().flat_map(|whole| &whole.sockets);
    let sockets = sockets.filter_map(|socket| {
        let error = socket.error.as_ref()?;
        Some((format!("socket {}: {error}", socket.name), "still".to_owned(), Tone::Bad))
    });
    let mut rows: Vec<(String, String, Tone)> = lasting.chain(sockets).collect();
    for failure in state.traffic.iter().flat_map(|traffic| traffic.failures()) {
        let text = match failure.subject.as_str() {
            "" => failure.reason.clone(),
            subject => format!("{subject}: {}", failure.reason),
        };
        // A failure that is made again and again is told once.
        if rows.len() < MOST.into() && rows.iter().all(|(known, ..)| *known != text) {
            let ago = relative(Timestamp::from_millis(failure.time.min(now)), now);
            rows.push((text, if ago == "in 0 s" { "now".into() } else { ago }, Tone::Plain));
        }
    }
    Panel { title: "LAST ERRORS".into(), rows }
}
