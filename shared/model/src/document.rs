//! What reading a document gives: the value, or all its problems at once.

use serde::{Deserialize, Serialize};

/// One problem of a document, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The rule and the value, one sentence.
    pub message: String,
    /// Line, from 1, where it is known.
    pub line: Option<u64>,
    /// Column, from 1, where it is known.
    pub column: Option<u64>,
    /// What to do.
    pub hint: Option<String>,
}

/// A document that was read whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<T> {
    /// What it says; none if there is an error.
    pub value: Option<T>,
    /// Why it is refused.
    pub errors: Vec<Problem>,
    /// What is accepted but has no effect, or not the one its author may expect.
    pub warnings: Vec<Problem>,
}

impl<T> Reading<T> {
    /// Returns the value.
    ///
    /// # Errors
    /// The errors, all of them.
    pub fn into_result(self) -> Result<T, Vec<Problem>> {
        self.value.filter(|_| self.errors.is_empty()).ok_or(self.errors)
    }
}

impl std::fmt::Display for Problem {
    /// `line 3, column 5: <message>`, without the hint.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.message)
    }
}
