//! What reading a document gives: the value, or all its problems at once.
//!
//! Reading order: [`Reading`], then `tree` (text to nodes), `reader` (nodes to fields, problems),
//! `scalar` (nodes to JSON), `write` (back to text). What a shipyard or a uniform is stands in their
//! own modules.

pub(crate) mod reader;
pub(crate) mod scalar;
pub(crate) mod tree;
pub(crate) mod write;

use base64::{Engine as _, alphabet, engine};
use serde::{Deserialize, Serialize};

pub use reader::DOCUMENT_BYTES_MAX;
use reader::Problems;
use tree::{Node, Place};

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

/// Returns the lines of a text as the places of problems count them: by YAML's rules, in which a
/// carriage return alone ends a line, too. Text that ends with a line end has an empty line behind.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split("\r\n").flat_map(|part| part.split(['\n', '\r']))
}

/// Reads a document of at most [`DOCUMENT_BYTES_MAX`] bytes with `read`, which takes its root.
pub(crate) fn read<T>(
    text: &str,
    read: impl FnOnce(&Node, &mut Problems) -> Option<T>,
) -> Reading<T> {
    if text.len() > DOCUMENT_BYTES_MAX {
        let message =
            format!("the text must be at most {DOCUMENT_BYTES_MAX} bytes, is {}", text.len());
        return Reading::refused(Problem::whole(message, None));
    }
    let parsed = match tree::parse(text) {
        Ok(parsed) => parsed,
        Err(problem) => return Reading::refused(problem),
    };
    let mut problems = Problems::default();
    let value = read(&parsed.root, &mut problems);
    if let Some(at) = parsed.rest {
        let hint = "indent all keys of a document alike, and write one document".to_owned();
        problems.warn(at, "what begins here is not read: the document ended before", Some(hint));
    }
    problems.finish(value)
}

/// Decodes a document that an event carries in base64, then reads it with `read`.
pub(crate) fn read_base64<T>(text: &str, read: impl FnOnce(&str) -> Reading<T>) -> Reading<T> {
    /// As Go's standard encoding, but the padding may be missing.
    const ENGINE: engine::GeneralPurpose = engine::GeneralPurpose::new(
        &alphabet::STANDARD,
        engine::GeneralPurposeConfig::new()
            .with_decode_padding_mode(engine::DecodePaddingMode::Indifferent),
    );
    let refused = |message: &str| {
        let hint = Some("encode the file, not its name".to_owned());
        Reading::refused(Problem::whole(message.to_owned(), hint))
    };
    if text.len() > DOCUMENT_BYTES_MAX * 2 {
        let message = format!("the text must be at most {DOCUMENT_BYTES_MAX} bytes before base64");
        return Reading::refused(Problem::whole(message, None));
    }
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    match ENGINE.decode(compact).map(String::from_utf8) {
        Ok(Ok(text)) => read(&text),
        Ok(Err(_)) => refused("the text must be UTF-8"),
        Err(_) => refused("the text must be base64"),
    }
}

impl Problem {
    /// A problem of the document as a whole.
    fn whole(message: String, hint: Option<String>) -> Self {
        let Place { line, column } = Place::START;
        Self { message, line: Some(line), column: Some(column), hint }
    }
}

impl<T> Reading<T> {
    fn refused(problem: Problem) -> Self {
        Self { value: None, errors: vec![problem], warnings: Vec::new() }
    }
}
