//! `keptn lint`: what is wrong with files, for people and for programs. It takes any file that was
//! checked, whatever kind it is.

use model::{Problem, document};
use serde::Serialize;

/// Characters of a line that are shown; the column is shown within them.
const SNIPPET_CHARS_MAX: usize = 100;

/// A file that was checked. Shape: `{"file","accepted","errors":[{"message","line","column",
/// "hint"}],"warnings":[…]}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Checked {
    /// Its path, as it was given.
    pub(crate) file: String,
    /// Whether it has no error.
    pub(crate) accepted: bool,
    /// Why it is refused.
    pub(crate) errors: Vec<Problem>,
    /// What is accepted but may surprise.
    pub(crate) warnings: Vec<Problem>,
    /// What it is, in a few words, if it is accepted.
    #[serde(skip)]
    pub(crate) summary: Option<String>,
    /// What it holds, for the lines that are shown.
    #[serde(skip)]
    pub(crate) text: String,
}

impl Checked {
    /// Returns what to tell about a file: its problems in the order of their places, then what it is.
    pub(crate) fn report(&self) -> String {
        let mut problems: Vec<(&str, &Problem)> = self
            .errors
            .iter()
            .map(|one| ("error", one))
            .chain(self.warnings.iter().map(|one| ("warning", one)))
            .collect();
        problems.sort_by_key(|(_, problem)| (problem.line, problem.column));
        let mut told: String =
            problems.iter().map(|(word, problem)| self.problem(word, problem)).collect();
        told.extend(self.summary.iter().map(|summary| format!("{}: {summary}\n", self.file)));
        told
    }

    fn problem(&self, word: &str, problem: &Problem) -> String {
        let snippet = self.snippet(problem).unwrap_or_default();
        let hint = problem.hint.as_ref().map(|hint| format!("hint: {hint}\n"));
        format!("{word}: {}: {problem}\n{snippet}{}", self.file, hint.unwrap_or_default())
    }

    /// Returns the line of a problem with a mark below its column.
    fn snippet(&self, problem: &Problem) -> Option<String> {
        let (number, column) = (problem.line?, problem.column?);
        let line =
            document::lines(&self.text).nth(usize::try_from(number).ok()?.checked_sub(1)?)?;
        let column = usize::try_from(column).ok()?.checked_sub(1)?;
        if line.trim().is_empty() || column >= SNIPPET_CHARS_MAX {
            return None;
        }
        // A tab is as wide as a blank, so that the mark stands where it should.
        let is_odd = |c: char| c.is_control() || c.is_whitespace();
        let shown: String =
            line.chars().take(SNIPPET_CHARS_MAX).map(|c| if is_odd(c) { ' ' } else { c }).collect();
        let blanks = " ".repeat(number.to_string().len());
        let mark = " ".repeat(column);
        Some(format!(" {number} | {}\n {blanks} | {mark}^\n", shown.trim_end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(message: &str, line: u64, column: u64) -> Problem {
        let (line, column) = (Some(line), Some(column));
        Problem { message: message.to_owned(), line, column, hint: Some("mend it".to_owned()) }
    }

    fn checked(text: &str, errors: Vec<Problem>, warnings: Vec<Problem>) -> Checked {
        let accepted = errors.is_empty();
        let summary = accepted.then(|| "a shipyard with dev".to_owned());
        let (file, text) = ("s.yaml".to_owned(), text.to_owned());
        Checked { file, accepted, errors, warnings, summary, text }
    }

    #[test]
    fn problems_are_told_in_the_order_of_their_places_with_their_lines() {
        let text = "kind: Shipyard\nspec:\n\tstages: x\n";
        let checked = checked(text, vec![problem("bad", 3, 2)], vec![problem("odd", 1, 7)]);
        let expected = "\
warning: s.yaml: line 1, column 7: odd
 1 | kind: Shipyard
   |       ^
hint: mend it
error: s.yaml: line 3, column 2: bad
 3 |  stages: x
   |  ^
hint: mend it
";
        assert_eq!(checked.report(), expected);
    }

    #[test]
    fn lines_are_counted_as_the_places_of_problems() {
        let text = "a: 1\rb: 2\r\nstages: x\n";
        let report = checked(text, vec![problem("bad", 3, 1)], vec![]).report();
        assert!(report.contains(" 3 | stages: x\n"), "{report}");
    }

    #[test]
    fn an_accepted_file_is_told_in_a_line() {
        assert_eq!(checked("", vec![], vec![]).report(), "s.yaml: a shipyard with dev\n");
    }

    #[test]
    fn a_place_that_cannot_be_shown_is_only_named() {
        let wide = "x".repeat(300);
        for (text, line, column) in [("a\n", 9, 1), (wide.as_str(), 1, 200), ("\n", 1, 1)] {
            let report = checked(text, vec![problem("bad", line, column)], vec![]).report();
            assert_eq!(report.lines().count(), 2, "{report}");
        }
    }

    #[test]
    fn the_document_has_the_members_that_programs_read() {
        let checked = checked("text", vec![problem("bad", 1, 2)], vec![]);
        let expected = serde_json::json!({
            "file": "s.yaml", "accepted": false, "warnings": [],
            "errors": [{"message": "bad", "line": 1, "column": 2, "hint": "mend it"}],
        });
        assert_eq!(serde_json::to_value(checked).unwrap(), expected);
    }
}
