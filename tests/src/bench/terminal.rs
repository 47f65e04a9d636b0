//! A picture of what a terminal shows, in its colours.

const LETTER: f64 = 8.0;
const LINE: f64 = 18.0;
const MARGIN: f64 = 16.0;
const PLAIN: &str = "#e8eaed";

/// Draws lines with the sequences for colours that `tmux capture-pane -e` leaves in them.
pub(crate) fn draw(title: &str, text: &str) -> String {
    let lines: Vec<Vec<Run>> = text.trim_end().lines().map(runs).collect();
    let width = |line: &Vec<Run>| line.last().map_or(0, |run| run.at + run.text.trim_end().chars().count());
    let longest = lines.iter().map(width).max().unwrap_or_default();
    let (width, height) = (longest as f64 * LETTER + 2.0 * MARGIN, lines.len() as f64 * LINE + 2.0 * MARGIN);
    let drawn = lines.iter().enumerate().flat_map(|(row, line)| line.iter().map(move |run| run.draw(row)));
    let rows: String = drawn.collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"13\">\n<title>{title}</title>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#202124\"/>\n{rows}</svg>\n"
    )
}

/// A text of one look.
struct Run {
    /// The column, from 0.
    at: usize,
    text: String,
    colour: &'static str,
    is_reversed: bool,
}

impl Run {
    fn draw(&self, row: usize) -> String {
        let text = self.text.trim_end();
        if text.is_empty() {
            return String::new();
        }
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let (x, top) = (MARGIN + self.at as f64 * LETTER, MARGIN + row as f64 * LINE);
        let length = text.chars().count() as f64 * LETTER;
        let (ground, colour) = if self.is_reversed {
            (
                format!(
                    "<rect x=\"{x}\" y=\"{top}\" width=\"{length}\" height=\"{LINE}\" fill=\"{PLAIN}\"/>\n"
                ),
                "#202124",
            )
        } else {
            (String::new(), self.colour)
        };
        let y = top + 0.8 * LINE;
        // Blocks keep to their columns, whatever the font is.
        format!(
            "{ground}<text x=\"{x}\" y=\"{y:.1}\" textLength=\"{length}\" fill=\"{colour}\" xml:space=\"preserve\">{escaped}</text>\n"
        )
    }
}

/// Takes a line apart where its look changes or columns are empty.
fn runs(line: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let (mut at, mut colour, mut is_reversed, mut is_new) = (0, PLAIN, false, true);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            let codes: String = letters.by_ref().skip(1).take_while(|letter| *letter != 'm').collect();
            for code in codes.split(';') {
                match code {
                    "" | "0" => (colour, is_reversed) = (PLAIN, false),
                    "7" => is_reversed = true,
                    "31" => colour = "#f28b82",
                    "32" => colour = "#81c995",
                    "33" => colour = "#fdd663",
                    "34" => colour = "#8ab4f8",
                    "39" => colour = PLAIN,
                    "90" => colour = "#9aa0a6",
                    _ => {}
                }
            }
            is_new = true;
            continue;
        }
        is_new |= runs.last().is_some_and(|run| run.text.ends_with("  ") && letter != ' ');
        match runs.last_mut().filter(|_| !is_new) {
            Some(run) => run.text.push(letter),
            None => runs.push(Run { at, text: letter.into(), colour, is_reversed }),
        }
        (at, is_new) = (at + 1, false);
    }
    runs
}
