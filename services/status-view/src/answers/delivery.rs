//! One delivery: all its runs, and what follows.

use model::view::{Delivery, QueryError, SequenceQuery};

use super::{context, context::Wanted, follows, sequences};
use crate::View;

/// Returns a delivery, its runs in the order of their triggers. Of one with more runs than an
/// answer holds, the newest are returned.
///
/// # Errors
/// [`QueryError`] if no delivery, or more than one, has such a context.
pub fn delivery(view: &View, query: &SequenceQuery) -> Result<Delivery, QueryError> {
    let keptn_context = context::find(view, &query.keptn_context, Wanted::Runs)?;
    let runs = view.history.runs_of(&keptn_context);
    let mut sequences = sequences::that_fit(view, runs.iter().rev().copied());
    sequences.reverse();
    Ok(Delivery {
        position: view.position(),
        open: view.world.sequences.is_open(&keptn_context),
        follows: follows::follows(view, runs),
        sequences,
        keptn_context,
    })
}
