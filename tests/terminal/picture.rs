//! A picture of a terminal, drawn from what tmux captured: text below `target`, SVG for the README.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Set, the picture of the README is written anew.
const UPDATE: &str = "UPDATE_PICTURES";
/// Width and height of a cell, in pixels.
const CELL: (f64, f64) = (8.0, 18.0);
/// Room around the text, in pixels.
const EDGE: f64 = 16.0;
/// What stands around the text: the paper, and the plain ink.
const PAPER: (&str, &str) = ("#14161a", "#e7e8ea");

/// Keeps what is shown as text, and as the README's picture if that is wanted.
pub(crate) fn take(name: &str, captured: &str) {
    let picture = drawn(captured);
    let own = std::env::current_exe().expect("a program knows its own path");
    let target = own.ancestors().nth(3).expect("tests lie in target/PROFILE/deps");
    write(&target.join("terminal"), &format!("{name}.svg"), &picture);
    if std::env::var_os(UPDATE).is_some() {
        write(&of_readme(), &format!("{name}.svg"), &picture);
    }
}

fn of_readme() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("`tests` has a parent").join("docs/pictures")
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(folder).expect("the folder of pictures can be made");
    std::fs::write(folder.join(name), text).expect("a picture can be written");
}

/// Draws lines of text with instructions of colour.
fn drawn(captured: &str) -> String {
    let lines: Vec<&str> = captured.trim_end().lines().collect();
    let columns = lines.iter().map(|line| columns(line)).max().unwrap_or_default();
    let (width, height) = (of_cells(columns, CELL.0), of_cells(lines.len(), CELL.1));
    let (paper, ink) = PAPER;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" font-family=\"ui-monospace, 'DejaVu Sans Mono', \
         monospace\" font-size=\"13\" fill=\"{ink}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{paper}\"/>\n"
    );
    for (row, line) in lines.iter().enumerate() {
        let y = of_cells(row, CELL.1) - EDGE + CELL.1 * 0.75;
        for span in spans(line) {
            span.draw(&mut svg, y);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Returns the length of so many cells with the room around them.
fn of_cells(cells: usize, size: f64) -> f64 {
    f64::from(u16::try_from(cells).expect("a terminal is small")) * size + 2.0 * EDGE
}

/// Letters of the same look.
#[derive(Debug, Default, PartialEq, Eq)]
struct Span {
    column: usize,
    text: String,
    color: Option<&'static str>,
    is_dim: bool,
}

impl Span {
    fn draw(&self, svg: &mut String, y: f64) {
        let text = self.text.trim_end();
        let shown = text.trim_start();
        if shown.is_empty() {
            return;
        }
        let skipped = text.chars().count() - shown.chars().count();
        let x = of_cells(self.column + skipped, CELL.0) - EDGE;
        // So long in every font.
        let length = of_cells(shown.chars().count(), CELL.0) - 2.0 * EDGE;
        let color = self.color.map(|color| format!(" fill=\"{color}\"")).unwrap_or_default();
        let dim = if self.is_dim { " opacity=\".6\"" } else { "" };
        let shown = shown.replace('&', "&amp;").replace('<', "&lt;");
        writeln!(
            svg,
            "<text x=\"{x}\" y=\"{y}\" textLength=\"{length}\" xml:space=\"preserve\"{color}{dim}>{shown}</text>"
        )
        .expect("a text can be written to");
    }
}

/// Splits a line where its look changes.
fn spans(line: &str) -> Vec<Span> {
    let mut spans = vec![Span::default()];
    let mut pieces = line.split("\u{1b}[");
    let mut column = 0;
    let first = pieces.next().unwrap_or_default();
    let looks = pieces.map(|piece| piece.split_once('m').unwrap_or(("", piece)));
    for (codes, text) in std::iter::once(("", first)).chain(looks) {
        let last = spans.last().expect("there is always one");
        let (color, is_dim) = look(codes, (last.color, last.is_dim));
        spans.push(Span { column, text: text.to_owned(), color, is_dim });
        column += text.chars().count();
    }
    spans
}

fn look(codes: &str, before: (Option<&'static str>, bool)) -> (Option<&'static str>, bool) {
    let (mut color, mut is_dim) = before;
    for code in codes.split(';') {
        match code {
            "0" => (color, is_dim) = (None, false),
            "2" => is_dim = true,
            "22" => is_dim = false,
            "31" => color = Some("#ff8b8f"),
            "32" => color = Some("#57c785"),
            "33" => color = Some("#f0b04a"),
            "34" => color = Some("#7db1ff"),
            "39" => color = None,
            _ => {}
        }
    }
    (color, is_dim)
}

fn columns(line: &str) -> usize {
    spans(line).iter().map(|span| span.text.chars().count()).sum()
}

#[test]
fn a_picture_keeps_place_and_colour_of_every_letter() {
    let line = "dev  \u{1b}[32mpass\u{1b}[39m 1 < 2 \u{1b}[2mlater\u{1b}[0m";
    assert_eq!(columns(line), 21);
    let svg = drawn(line);
    for part in [
        "<text x=\"16\" y=\"29.5\" textLength=\"24\" xml:space=\"preserve\">dev</text>",
        "<text x=\"56\" y=\"29.5\" textLength=\"32\" xml:space=\"preserve\" fill=\"#57c785\">pass</text>",
        ">1 &lt; 2</text>",
        "opacity=\".6\">later</text>",
    ] {
        assert!(svg.contains(part), "{part}: {svg}");
    }
}

#[test]
fn the_picture_of_the_readme_is_there() {
    let text = std::fs::read_to_string(of_readme().join("terminal.svg")).unwrap_or_default();
    assert!(text.contains("test (performance)"), "write it with {UPDATE}=1");
}
