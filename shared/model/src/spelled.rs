//! Reading what is written as one text.

use std::fmt;

use serde::de;

/// Parses a text as it is read, without a copy of it.
pub(crate) struct Spelled<T, E>(pub(crate) fn(&str) -> Result<T, E>);

impl<T, E: fmt::Display> de::Visitor<'_> for Spelled<T, E> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<D: de::Error>(self, text: &str) -> Result<T, D> {
        (self.0)(text).map_err(D::custom)
    }
}
