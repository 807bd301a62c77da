//! One trace for a delivery: its first trigger decides which, and every later run is in it, whatever
//! its own trigger says.

use std::sync::Arc;

use model::{Event, KeptnContext, trace::Trace};

use super::{
    Sequences,
    run::{Begun, Run},
};

impl Sequences {
    /// Tells whether a sequence of a delivery has failed and was not repeated since. One that
    /// cannot be retried any more is not known.
    pub fn has_failed(&self, context: &KeptnContext) -> bool {
        !self.failed.of(context).is_empty()
    }

    /// Returns how a delivery began, while something of it is open or can be retried.
    pub(super) fn begun(&self, context: &KeptnContext) -> Option<Begun> {
        self.one_of(context).map(|run| run.begun.clone())
    }

    /// Returns a run of a delivery; they all know how it began.
    fn one_of(&self, context: &KeptnContext) -> Option<Arc<Run>> {
        let mut keys =
            self.contexts.get(context).into_iter().flat_map(|delivery| delivery.runs.iter());
        let run = keys.find_map(|key| self.runs.get(key)).cloned();
        run.or_else(|| self.failed.of(context).into_iter().next())
    }

    /// Returns the trace that an event belongs to: its delivery's, if that is known.
    pub(crate) fn trace_of(&self, event: &Event) -> Option<Trace> {
        let run = self.one_of(event.context.as_ref()?);
        run.map_or_else(|| Trace::of_event(event), |run| Some(run.trace()))
    }
}
