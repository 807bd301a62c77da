//! Tables: columns as wide as their widest cell, two blanks between them, none at line ends.

use super::{Paint, Tone};

/// Blanks between two columns.
const GAP: usize = 2;

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// Makes a cell; an empty text is `-`.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::tinted(text, Tone::Plain)
    }

    /// Makes a coloured cell; an empty text is `-`.
    pub(crate) fn tinted(text: impl Into<String>, tone: Tone) -> Self {
        let text = text.into();
        if text.is_empty() {
            return Self { text: "-".to_owned(), tone: Tone::Plain };
        }
        Self { text, tone }
    }

    /// Makes a cell of what may be missing.
    pub(crate) fn maybe(text: Option<impl Into<String>>) -> Self {
        Self::new(text.map(Into::into).unwrap_or_default())
    }
}

/// Draws a table with its head.
pub(crate) fn draw(head: &[&str], rows: &[Vec<Cell>], paint: Paint) -> String {
    let widths = widths(head, rows);
    let head: Vec<Cell> = head.iter().map(|name| Cell::new(*name)).collect();
    std::iter::once(&head).chain(rows).map(|row| line(row, &widths, paint)).collect()
}

fn widths(head: &[&str], rows: &[Vec<Cell>]) -> Vec<usize> {
    head.iter()
        .enumerate()
        .map(|(column, name)| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.text.chars().count()).fold(name.chars().count(), usize::max)
        })
        .collect()
}

fn line(row: &[Cell], widths: &[usize], paint: Paint) -> String {
    let mut line = String::new();
    for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
        line.push_str(&paint.tint(&cell.text, cell.tone));
        if index + 1 < row.len() {
            let blanks = width.saturating_sub(cell.text.chars().count()) + GAP;
            line.extend(std::iter::repeat_n(' ', blanks));
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_without_blanks() {
        let rows = [
            vec![Cell::new("dev"), Cell::new("first stage")],
            vec![Cell::new("hardening"), Cell::new("")],
        ];
        let text = draw(&["NAME", "STATUS"], &rows, Paint::PLAIN);
        assert_eq!(text, "NAME       STATUS\ndev        first stage\nhardening  -\n");
    }
}
