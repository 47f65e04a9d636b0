//! Bars of text: as many as fit, and of letters that the terminal has.

use crate::platform;
use std::io::IsTerminal;

/// The width where there is no terminal.
const WIDTH: usize = 80;
/// Says in which encoding a terminal is written to; the first that is set counts.
const ENCODING: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

/// The letters of bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Letters {
    Blocks,
    Ascii,
}

/// What a chart is drawn with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) letters: Letters,
    pub(super) width: usize,
}

impl Style {
    /// Answers the style for stdout: blocks on a terminal that takes UTF-8, else ASCII.
    pub(super) fn of_stdout() -> Self {
        let encoding =
            ENCODING.into_iter().filter_map(|name| std::env::var(name).ok()).find(|value| !value.is_empty());
        let is_utf8 = encoding.is_some_and(|value| is_utf8(&value));
        let letters =
            if is_utf8 && std::io::stdout().is_terminal() { Letters::Blocks } else { Letters::Ascii };
        Self { letters, width: platform::width().unwrap_or(WIDTH) }
    }
}

fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

impl Letters {
    /// Draws a bar from left to right that is `width` letters long for `most`; something is seen of all but nothing.
    pub(super) fn bar(self, value: u64, most: u64, width: usize) -> String {
        const PARTS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
        let (whole, parts) = match self {
            Self::Blocks => ('█', PARTS.as_slice()),
            Self::Ascii => ('#', [].as_slice()),
        };
        let steps = parts.len() as u64 + 1;
        let length = scaled(value, most, width as u64 * steps);
        let count = usize::try_from(length / steps).unwrap_or(width);
        let part = usize::try_from(length % steps).ok().and_then(|part| part.checked_sub(1));
        std::iter::repeat_n(whole, count).chain(part.and_then(|part| parts.get(part)).copied()).collect()
    }

    /// Draws a letter for each value, the highest for `most`; something is seen of all but nothing.
    pub(super) fn line(self, values: &[u64], most: u64) -> String {
        let (nothing, letters) = match self {
            Self::Blocks => ('·', ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']),
            Self::Ascii => ('.', ['_', '-', ':', '=', '+', '*', '%', '#']),
        };
        let letter = |value: &u64| match scaled(*value, most, letters.len() as u64) {
            0 => nothing,
            step => {
                usize::try_from(step - 1).ok().and_then(|step| letters.get(step)).copied().unwrap_or(nothing)
            }
        };
        values.iter().map(letter).collect()
    }
}

/// Answers how many of `steps` a value is worth: none for nothing, at least one for something, all for the most.
fn scaled(value: u64, most: u64, steps: u64) -> u64 {
    match (value, most) {
        (0, _) | (_, 0) => 0,
        (value, most) => {
            let share = u128::from(value.min(most)) * u128::from(steps) / u128::from(most);
            u64::try_from(share).unwrap_or(steps).max(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_values() {
        let bars = |letters: Letters| [0, 1, 50, 100].map(|value| letters.bar(value, 100, 5));
        assert_eq!(bars(Letters::Blocks), ["", "▏", "██▌", "█████"]);
        assert_eq!(bars(Letters::Ascii), ["", "#", "##", "#####"]);
        assert_eq!(Letters::Ascii.bar(u64::MAX, u64::MAX, 3), "###");
        assert_eq!(Letters::Ascii.bar(0, 0, 3), "");
    }

    #[test]
    fn a_line_shows_nothing_little_and_most() {
        assert_eq!(Letters::Blocks.line(&[0, 1, 400, 800], 800), "·▁▄█");
        assert_eq!(Letters::Ascii.line(&[0, 1, 400, 800], 800), "._=#");
        assert_eq!(Letters::Ascii.line(&[0, 0], 0), "..");
    }

    #[test]
    fn an_encoding_is_known_by_its_name() {
        assert!(is_utf8("C.UTF-8") && is_utf8("de_DE.utf8"));
        assert!(!is_utf8("C") && !is_utf8("de_DE.ISO-8859-1"));
    }
}
