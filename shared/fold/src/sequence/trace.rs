//! One trace for a delivery: its first trigger decides which, and every later run is in it, whatever
//! its own trigger says.

use model::{Event, KeptnContext, trace::Trace};

use super::{Sequences, run::Begun};

impl Sequences {
    /// Tells whether a sequence of a delivery has failed and was not repeated since. One that
    /// cannot be retried any more is not known.
    pub fn has_failed(&self, context: &KeptnContext) -> bool {
        !self.failed.of(context).is_empty()
    }

    /// Returns how a delivery began, while something of it is open or can be retried.
    pub(super) fn begun(&self, context: &KeptnContext) -> Option<Begun> {
        let mut keys = self.contexts.get(context).into_iter().flat_map(|delivery| &delivery.runs);
        let run = keys.find_map(|key| self.runs.get(key)).cloned();
        let run = run.or_else(|| self.failed.of(context).into_iter().next());
        run.map(|run| run.begun.clone())
    }

    /// Returns the trace that an event belongs to: its delivery's, if that is known.
    pub(crate) fn trace_of(&self, event: &Event) -> Option<Trace> {
        let context = event.context.as_ref()?;
        let begun = self.begun(context);
        begun.map_or_else(
            || Trace::of_event(event),
            |begun| Some(Trace::of(begun.traceparent.as_deref(), context)),
        )
    }
}
