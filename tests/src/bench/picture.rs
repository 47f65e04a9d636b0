//! Pictures for the README: a terminal, and latency and memory against the number of profiles.

use std::path::PathBuf;

/// Answers where a picture goes: `cargo xtask bench` names the directory.
pub(crate) fn file(name: &str) -> PathBuf {
    let directory = std::env::var_os("KEYFOB_PICTURES").map_or_else(std::env::temp_dir, Into::into);
    directory.join(name)
}

/// Draws what a terminal shows.
pub(crate) fn terminal(text: &str) -> String {
    const LETTER: f64 = 8.0;
    const LINE: f64 = 18.0;
    const MARGIN: f64 = 16.0;
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let lines: Vec<&str> = escaped.trim_end().lines().collect();
    let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    let (width, height) = (longest as f64 * LETTER + 2.0 * MARGIN, lines.len() as f64 * LINE + 2.0 * MARGIN);
    let rows: String = lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            let heading = ["PROFILE", "IDENTITY", "$"].iter().any(|start| line.starts_with(start));
            let colour = if heading { "#8ab4f8" } else { "#e8eaed" };
            let y = MARGIN + LINE * (at as f64 + 0.8);
            format!(
                "<text x=\"{MARGIN}\" y=\"{y:.1}\" fill=\"{colour}\" xml:space=\"preserve\">{line}</text>\n"
            )
        })
        .collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"13\">\n<title>keyfob status in a terminal</title>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#202124\"/>\n{rows}</svg>\n"
    )
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 580.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 250.0;

/// Draws two lines over a logarithmic axis; both start at zero.
pub(crate) fn draw(sizes: &[usize], latencies: &[f64], memories: &[f64]) -> String {
    let step = (RIGHT - LEFT) / (sizes.len().max(2) - 1) as f64;
    let x = |at: usize| LEFT + step * at as f64;
    let line = |values: &[f64], most: f64, colour: &str, dash: &str| {
        let y = |value: f64| BOTTOM - (BOTTOM - TOP) * value / most;
        let points: Vec<String> =
            values.iter().enumerate().map(|(at, value)| format!("{:.1},{:.1}", x(at), y(*value))).collect();
        let dots: String = values
            .iter()
            .enumerate()
            .map(|(at, value)| format!("<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\" text-anchor=\"middle\">{value:.0}</text>\n", x(at), y(*value), x(at), y(*value) - 10.0))
            .collect();
        format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>\n{dots}",
            points.join(" ")
        )
    };
    let most = |values: &[f64], least: f64| values.iter().copied().fold(least, f64::max) * 1.15;
    let labels: String = sizes
        .iter()
        .enumerate()
        .map(|(at, size)| {
            format!("<text x=\"{:.1}\" y=\"270\" text-anchor=\"middle\">{size}</text>\n", x(at))
        })
        .collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n<title>Latency of a request and memory of the daemon against the number of profiles</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n<line x1=\"{LEFT}\" y1=\"{BOTTOM}\" x2=\"{RIGHT}\" y2=\"{BOTTOM}\" stroke=\"#888888\"/>\n<text x=\"{LEFT}\" y=\"24\" fill=\"#1f6feb\">request, median, µs</text>\n<text x=\"{RIGHT}\" y=\"24\" fill=\"#b35900\" text-anchor=\"end\">daemon's memory, MiB (dashed)</text>\n<text x=\"320\" y=\"290\" text-anchor=\"middle\">profiles, each with a session</text>\n{labels}{}{}</svg>\n",
        line(latencies, most(latencies, 100.0), "#1f6feb", ""),
        line(memories, most(memories, 64.0), "#b35900", " stroke-dasharray=\"6 4\""),
    )
}
