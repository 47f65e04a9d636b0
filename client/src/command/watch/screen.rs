//! The terminal while the view is on it, and how it is put right again: at the end, for a dialogue, by a signal, in a
//! panic.

use crate::platform;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use crossterm::{execute, queue};
use ratatui_core::buffer::{Buffer, Cell};
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier};
use std::io::{self, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Whether the terminal is changed.
static CHANGED: AtomicBool = AtomicBool::new(false);

/// Owns the terminal; it is put right when this is dropped.
pub(super) struct Screen {
    shown: Option<Buffer>,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn enter() -> io::Result<Self> {
        put_right_in_a_panic();
        platform::hold_signals();
        CHANGED.store(true, Ordering::SeqCst);
        let screen = Self { shown: None };
        enable_raw_mode()?;
        execute!(platform::Stdout, EnterAlternateScreen, Hide)?;
        Ok(screen)
    }

    /// Shows what `draw` makes of an empty frame; only what has changed is written.
    pub(super) fn show(&mut self, draw: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        let (width, height) = size()?;
        let area = Rect::new(0, 0, width, height);
        let mut next = Buffer::empty(area);
        draw(&mut next);
        let mut bytes = Vec::new();
        // A terminal that has changed its size holds anything.
        let before = match self.shown.take().filter(|shown| shown.area == area) {
            Some(before) => before,
            None => {
                queue!(bytes, Clear(ClearType::All))?;
                Buffer::empty(area)
            }
        };
        write_changes(&mut bytes, &before, &next)?;
        self.shown = Some(next);
        platform::Stdout.write_all(&bytes)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        put_right();
    }
}

fn write_changes(bytes: &mut Vec<u8>, before: &Buffer, next: &Buffer) -> io::Result<()> {
    let mut place = None;
    let mut look = (Color::Reset, Modifier::empty());
    for (x, y, cell) in before.diff_iter(next) {
        // The cursor goes on by itself, by as much as the terminal thinks that a letter is wide.
        if place != Some((x, y)) || !cell.symbol().is_ascii() {
            queue!(bytes, MoveTo(x, y))?;
        }
        if look != (cell.fg, cell.modifier) {
            look = (cell.fg, cell.modifier);
            write!(bytes, "{}", look_of(cell))?;
        }
        bytes.extend(cell.symbol().as_bytes());
        place = cell.symbol().is_ascii().then_some((x + 1, y));
    }
    if look != (Color::Reset, Modifier::empty()) {
        bytes.extend(b"\x1b[0m");
    }
    Ok(())
}

/// Answers the sequence for the looks that a frame can have.
fn look_of(cell: &Cell) -> String {
    let mut text = "\u{1b}[0".to_owned();
    let modifiers = [(Modifier::BOLD, ";1"), (Modifier::REVERSED, ";7")];
    text.extend(modifiers.iter().filter(|(is, _)| cell.modifier.contains(*is)).map(|(_, code)| *code));
    text += match cell.fg {
        Color::Red => ";31",
        Color::Green => ";32",
        Color::Yellow => ";33",
        Color::Blue => ";34",
        Color::DarkGray => ";90",
        _ => "",
    };
    text + "m"
}

fn put_right() {
    if CHANGED.swap(false, Ordering::SeqCst) {
        // Nobody can be told where this fails: the terminal has gone.
        let _ = execute!(platform::Stdout, Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
        platform::release_signals();
    }
}

/// What is said of a panic has to be readable.
fn put_right_in_a_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let (before, own) = (std::panic::take_hook(), thread::current().id());
        std::panic::set_hook(Box::new(move |panic| {
            // A panic of another thread does not end the view.
            if thread::current().id() == own {
                put_right();
                before(panic);
            }
        }));
    });
}
