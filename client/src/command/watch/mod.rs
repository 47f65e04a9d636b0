//! `keyfob status --watch` on a terminal: a live view with keys.
//!
//! One thread draws and listens to keys; another asks the daemon, and has ended before anything else is done with it.
//! A daemon that was stopped stays so.

mod draw;
mod keys;
mod panels;
mod pen;
mod rows;
mod screen;
mod state;
#[cfg(test)]
mod tests;
mod traffic;

use super::status::{self, Whole};
use super::{converse, unwritten};
use crate::{platform, report};
use crossterm::event::{self, Event};
use keyfob_audit::Follow;
use keyfob_shared::wire::Request;
use keyfob_shared::{Failure, FailureKind, environment};
use keys::Act;
use screen::Screen;
use state::State;
use std::io::{self, IsTerminal};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use traffic::Traffic;

/// How long a key is waited for before the frame is drawn again.
const STEP: Duration = Duration::from_millis(200);
/// The least time between two questions to the daemon, in milliseconds.
const EACH: i64 = 1_000;
/// A question that takes long is asked more seldom: it may take one in so many parts of the time.
const PART: i64 = 20;
/// However long it takes, it is asked again after this, in milliseconds.
const LONGEST: i64 = 60_000;

/// Answers whether stdout is a terminal whose cursor can be moved.
pub(super) fn has_cursor() -> bool {
    io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Answers whether there is a terminal for the view, and one for the keys.
pub(super) fn is_possible() -> bool {
    has_cursor() && io::stdin().is_terminal()
}

/// Shows the view until a person ends it.
///
/// # Errors
/// If the daemon does not answer the first question, or the terminal has gone.
pub(super) fn run() -> Result<(), Failure> {
    let mut view = View::new(status::fetch()?);
    loop {
        let act = view.watch().map_err(|error| unwritten(&error))?;
        let (request, name) = match act {
            Act::Quit => return Ok(()),
            Act::LogIn(name) => (Request::Login { name: name.clone() }, name),
            Act::LogOut(name) => (Request::Logout { name: Some(name.clone()) }, name),
        };
        // Nothing else may run while a daemon is started.
        view.stop_looking();
        report::say(&format!("{}\n", report::clean(&name)));
        view.state.note = Some(match converse(&request) {
            Ok(message) => message,
            Err(failure) => told(&name, &failure),
        });
    }
}

fn told(name: &str, failure: &Failure) -> String {
    match &failure.hint {
        Some(hint) => format!("{name}: {failure}; {hint}"),
        None => format!("{name}: {failure}"),
    }
}

/// What the daemon has told, and how many milliseconds that took.
type Looked = (Result<Whole, Failure>, i64);

fn look() -> Looked {
    let start = platform::now();
    let told = status::look();
    (told, platform::now().saturating_sub(start))
}

/// The view, and where it gets to know things from.
struct View {
    state: State,
    audit: Option<Follow>,
    looking: Option<JoinHandle<Looked>>,
    /// When the daemon was asked last, and when it is asked again.
    asked: (i64, i64),
    colour: bool,
}

impl View {
    fn new(whole: Whole) -> Self {
        let mut state = State::default();
        state.update(whole);
        let audit = environment::state_directory().ok().map(|directory| Follow::new(&directory));
        state.traffic = audit.is_some().then(Traffic::default);
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { state, audit, looking: None, asked: (0, 0), colour }
    }

    /// Shows the view until a key asks for something that it can't do.
    fn watch(&mut self) -> io::Result<Act> {
        let mut screen = Screen::enter()?;
        // What a person has just done is to be seen.
        self.asked = (0, 0);
        loop {
            if let Some(signal) = platform::held_signal() {
                drop(screen);
                platform::end_by(signal);
            }
            self.look();
            let (state, now, colour) = (&self.state, platform::now(), self.colour);
            screen.show(|frame| draw::draw(state, now, colour, frame))?;
            let mut wait = STEP;
            // Keys that are held down are not drawn one by one.
            while event::poll(wait)? {
                if let Event::Key(key) = event::read()?
                    && let Some(act) = keys::press(&mut self.state, key)
                {
                    return Ok(act);
                }
                wait = Duration::ZERO;
            }
        }
    }

    /// Takes what the daemon has answered, and asks it again when it is time.
    fn look(&mut self) {
        let now = platform::now();
        match self.looking.take() {
            Some(looking) if !looking.is_finished() => self.looking = Some(looking),
            Some(looking) => {
                let bug = Failure::new(FailureKind::Unreachable, "the question was broken off");
                let (told, took) = looking.join().unwrap_or((Err(bug), 0));
                match told {
                    Ok(whole) => self.state.update(whole),
                    Err(failure) => self.state.trouble = Some(self::told("no news", &failure)),
                }
                self.asked.1 = self.asked.0 + took.saturating_mul(PART).clamp(EACH, LONGEST);
                self.read_audit(now);
            }
            // A clock that was set back is in neither.
            None if !(self.asked.0..self.asked.1).contains(&now) => {
                self.asked = (now, now + EACH);
                match Builder::new().spawn(look) {
                    Ok(looking) => self.looking = Some(looking),
                    Err(error) => self.state.trouble = Some(format!("no news: {error}")),
                }
            }
            None => {}
        }
    }

    fn read_audit(&mut self, now: i64) {
        let (Some(audit), Some(traffic)) = (&mut self.audit, &mut self.state.traffic) else { return };
        let mut lines = Vec::new();
        match audit.read(|line| lines.push(line)) {
            Ok(passed_over) => {
                if passed_over {
                    traffic.pass_over();
                }
                lines.iter().for_each(|line| traffic.add(line));
                traffic.forget(now);
            }
            Err(_) => self.state.traffic = None,
        }
    }

    fn stop_looking(&mut self) {
        // What it has found is of before.
        drop(self.looking.take().map(JoinHandle::join));
    }
}
