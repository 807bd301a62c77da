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
    Growing::default().draw(head, rows, paint)
}

/// A table whose rows come bit by bit: its columns only get wider.
#[derive(Clone, Debug, Default)]
pub(crate) struct Growing {
    widths: Vec<usize>,
}

impl Growing {
    /// Draws further rows; before the first ones the head.
    pub(crate) fn draw(&mut self, head: &[&str], rows: &[Vec<Cell>], paint: Paint) -> String {
        let is_first = self.widths.is_empty();
        let head: Vec<Cell> = head.iter().map(|name| Cell::new(*name)).collect();
        self.widths.resize(head.len(), 0);
        let drawn = || is_first.then_some(&head).into_iter().chain(rows);
        for row in drawn() {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = cell.text.chars().count().max(*width);
            }
        }
        drawn().map(|row| line(row, &self.widths, paint)).collect()
    }
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
    fn a_growing_table_has_one_head_and_keeps_its_columns() {
        let mut table = Growing::default();
        let row = |name: &str| vec![vec![Cell::new(name), Cell::new("x")]];
        let head = ["NAME", "STATUS"];
        assert_eq!(table.draw(&head, &row("production"), Paint::PLAIN).lines().count(), 2);
        assert_eq!(table.draw(&head, &row("dev"), Paint::PLAIN), "dev         x\n");
        assert_eq!(table.draw(&head, &[], Paint::PLAIN), "");
    }

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
