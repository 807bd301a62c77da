//! Colours: one per kind of state, and never without its word.

use anstyle::{AnsiColor, Color, Style};
use model::TaskResult;

/// What a word says, and so its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing to say: no colour.
    Plain,
    /// In sync, passed: green.
    Good,
    /// Behind, waiting, a warning: yellow.
    Behind,
    /// Under way: blue.
    Running,
    /// Failed: red.
    Bad,
    /// Said in passing: dim.
    Quiet,
}

impl Tone {
    /// Returns the tone of a verdict.
    pub(crate) const fn of_result(result: TaskResult) -> Self {
        match result {
            TaskResult::Pass => Self::Good,
            TaskResult::Warning => Self::Behind,
            TaskResult::Fail => Self::Bad,
        }
    }

    const fn style(self) -> Style {
        let color = match self {
            Self::Plain => return Style::new(),
            Self::Quiet => return Style::new().dimmed(),
            Self::Good => AnsiColor::Green,
            Self::Behind => AnsiColor::Yellow,
            Self::Running => AnsiColor::Blue,
            Self::Bad => AnsiColor::Red,
        };
        Style::new().fg_color(Some(Color::Ansi(color)))
    }
}

/// Whether there are colours at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// No colours.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { on: false };

    /// Takes the decision of the terminal.
    pub(crate) const fn new(on: bool) -> Self {
        Self { on }
    }

    /// Returns `text` in the colour of `tone`.
    pub(crate) fn tint(self, text: &str, tone: Tone) -> String {
        if !self.on || text.is_empty() || tone == Tone::Plain {
            return text.to_owned();
        }
        let style = tone.style();
        format!("{style}{text}{style:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_the_text_is_untouched() {
        assert_eq!(Paint::PLAIN.tint("pass", Tone::Good), "pass");
        assert_eq!(Paint::new(true).tint("pass", Tone::Good), "\u{1b}[32mpass\u{1b}[0m");
        assert_eq!(Paint::new(true).tint("dev", Tone::Plain), "dev");
    }
}
