//! Writes texts into a frame: cut to their place, without control characters, in colours only where they are wanted.

use crate::report::clean;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::text::Span;

/// What a text means; the colour follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Heading,
    Dim,
    Good,
    Soon,
    Bad,
    Selected,
}

impl Tone {
    /// Where there is no colour, nothing is told by it alone.
    fn style(self, colour: bool) -> Style {
        let plain = Style::new();
        let coloured = |colour_of: Color| if colour { plain.fg(colour_of) } else { plain };
        match self {
            Self::Plain => plain,
            Self::Heading => coloured(Color::Blue).add_modifier(Modifier::BOLD),
            Self::Dim => coloured(Color::DarkGray),
            Self::Good => coloured(Color::Green),
            Self::Soon => coloured(Color::Yellow),
            Self::Bad => coloured(Color::Red),
            Self::Selected => plain.add_modifier(Modifier::REVERSED),
        }
    }
}

/// A frame that is being drawn.
pub(super) struct Pen<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) colour: bool,
}

impl Pen<'_> {
    /// Writes a text in `width` columns; what is too long is cut off, and says so.
    pub(super) fn text(&mut self, x: u16, y: u16, width: u16, text: &str, tone: Tone) {
        let area = self.buffer.area;
        if y >= area.bottom() || x >= area.right() || width == 0 {
            return;
        }
        let (text, style) = (clean(text), tone.style(self.colour));
        let width = width.min(area.right() - x);
        if columns(&text) <= width {
            self.buffer.set_stringn(x, y, text, width.into(), style);
        } else {
            let (end, _) = self.buffer.set_stringn(x, y, text, usize::from(width) - 1, style);
            self.buffer.set_stringn(end, y, "…", 1, style);
        }
    }

    /// Writes parts one after the other, on as many lines as they need and may have, and answers how many those were.
    pub(super) fn flow(&mut self, area: Rect, parts: &[(String, Tone)]) -> u16 {
        let (mut x, mut y) = (0, 0);
        for (text, tone) in parts {
            let width = columns(&clean(text));
            if x > 0 && x + width > area.width {
                (x, y) = (0, y + 1);
            }
            if y >= area.height {
                return area.height;
            }
            self.text(area.x + x, area.y + y, area.width - x, text, *tone);
            x = (x + width + 2).min(area.width);
        }
        if parts.is_empty() { 0 } else { y + 1 }
    }
}

/// Answers how many columns of a terminal a text takes.
pub(super) fn columns(text: &str) -> u16 {
    u16::try_from(Span::raw(text).width()).unwrap_or(u16::MAX)
}

/// Answers on how many lines parts flow.
pub(super) fn lines(width: u16, parts: &[(String, Tone)]) -> u16 {
    let mut probe = Buffer::empty(Rect::new(0, 0, width, MAX_FLOW));
    let area = probe.area;
    Pen { buffer: &mut probe, colour: false }.flow(area, parts)
}

/// The most lines that parts flow on.
const MAX_FLOW: u16 = 4;
