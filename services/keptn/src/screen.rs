//! Drawing again in place: goes back to the first line and writes all of them anew.

/// A line, plain and in colours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    plain: String,
    painted: String,
}

impl Line {
    /// Makes a line from its two forms.
    pub(crate) const fn new(plain: String, painted: String) -> Self {
        Self { plain, painted }
    }

    /// Makes a line without colours.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        let plain = text.into();
        Self { painted: plain.clone(), plain }
    }

    /// Returns the line as it is written where nothing is drawn again.
    pub(crate) fn into_painted(self) -> String {
        self.painted
    }

    /// Cuts a line that would wrap, because a wrapped line cannot be gone back to.
    fn fit(self, width: usize) -> String {
        let mut line = if self.plain.chars().count() < width.max(1) {
            self.painted
        } else {
            self.plain.chars().take(width.saturating_sub(1)).collect()
        };
        line.push('\n');
        line
    }
}

/// What of the terminal the next drawing replaces.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Screen {
    drawn_lines: usize,
}

impl Screen {
    /// Returns what to write to replace the last drawing by `lines`.
    ///
    /// A drawing that is higher than the terminal cannot be gone back to: its end is shown, and all
    /// of it at the last.
    pub(crate) fn redraw(
        &mut self,
        lines: Vec<Line>,
        (width, height): (usize, usize),
        is_last: bool,
    ) -> String {
        let from = if is_last { 0 } else { lines.len().saturating_sub(height.max(2) - 1) };
        let shown: Vec<String> = lines.into_iter().skip(from).map(|line| line.fit(width)).collect();
        let back = match self.drawn_lines {
            0 => String::new(),
            lines => format!("\u{1b}[{lines}A\u{1b}[J"),
        };
        self.drawn_lines = shown.len();
        back + &shown.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_drawing_replaces_the_last_one() {
        let mut screen = Screen::default();
        let lines = || vec![Line::plain("one"), Line::new("two".into(), "TWO".into())];
        assert_eq!(screen.redraw(lines(), (80, 24), false), "one\nTWO\n");
        assert_eq!(screen.redraw(lines(), (80, 24), false), "\u{1b}[2A\u{1b}[Jone\nTWO\n");
    }

    #[test]
    fn a_small_terminal_shows_the_end_and_nothing_wraps() {
        let mut screen = Screen::default();
        let lines = || (0..9).map(|number| Line::plain(format!("line {number}"))).collect();
        assert_eq!(screen.redraw(lines(), (5, 3), false), "line\nline\n");
        assert_eq!(screen.redraw(lines(), (80, 3), false), "\u{1b}[2A\u{1b}[Jline 7\nline 8\n");
        assert_eq!(screen.redraw(lines(), (80, 3), true).lines().count(), 9);
    }
}
