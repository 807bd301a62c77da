//! Contexts in queries: whole, or by the beginning that a table shows.

use model::{KeptnContext, name::shortened, view::QueryError};

use super::{bad_query, not_found};
use crate::{View, history::History};

/// Characters by which a context may be named; tables show as many.
const PREFIX_CHARS_MIN: usize = 8;

/// Which deliveries a context may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Only those with runs.
    Runs,
    /// Commands, too.
    Events,
}

impl Wanted {
    fn fits(self, history: &History, context: &KeptnContext) -> bool {
        match self {
            Self::Runs => !history.runs_of(context).is_empty(),
            Self::Events => true,
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Runs => "sequence",
            Self::Events => "event",
        }
    }
}

/// Finds the delivery that a context, or its beginning, names.
pub(super) fn find(view: &View, text: &str, wanted: Wanted) -> Result<KeptnContext, QueryError> {
    let history = &view.history;
    let context = KeptnContext::new(text).map_err(|error| {
        bad_query(error.to_string(), "`keptn get sequence` shows contexts in its last column")
    })?;
    if history.has_delivery(&context) && wanted.fits(history, &context) {
        return Ok(context);
    }
    if text.chars().count() < PREFIX_CHARS_MIN {
        return Err(bad_query(
            format!(
                "a context must be given whole or by at least {PREFIX_CHARS_MIN} characters, is `{}`",
                shortened(text)
            ),
            "`keptn get sequence` shows as many",
        ));
    }
    let mut found = history
        .deliveries_from(&context)
        .take_while(|other| other.as_str().starts_with(text))
        .filter(|other| wanted.fits(history, other));
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only.clone()),
        (Some(one), Some(other)) => Err(bad_query(
            format!("context `{}` must name one delivery, names several", shortened(text)),
            format!("give more characters: {one} or {other}"),
        )),
        (None, _) => Err(not_found(
            format!("there is no {} in context `{}`", wanted.what(), shortened(text)),
            format!("`keptn get {}` lists what there is", wanted.what()),
        )),
    }
}
