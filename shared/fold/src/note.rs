//! Why an event changed nothing, or less than it asked for: one sentence for the log.

use std::{borrow::Cow, fmt};

/// One sentence for the log; never holds payload data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note(Cow<'static, str>);

impl Note {
    /// Takes the sentence.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
