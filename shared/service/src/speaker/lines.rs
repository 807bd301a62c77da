//! What the speaker says in the log about events.

use fold::{Note, Owes};
use model::{Event, EventId, EventType, KeptnContext, Stored, trace::Trace};
use tracing::{debug, info, warn};

use crate::log;

/// What names an event in a line that is written when the event itself is gone. Made for each event
/// that is said, so it takes what there is and computes nothing.
pub(super) struct About {
    id: EventId,
    event_type: EventType,
    context: Option<KeptnContext>,
    traceparent: Option<Box<str>>,
}

impl About {
    pub(super) fn new(event: Event) -> Self {
        let Event { id, event_type, context, traceparent, .. } = event;
        Self { id, event_type, context, traceparent }
    }

    fn trace(&self) -> Option<Trace> {
        self.traceparent.as_deref().and_then(Trace::read)
    }

    /// It is published. Not told as long as all is well: the stream has it.
    pub(super) fn said(&self) {
        debug!(
            event.id = %self.id,
            event.r#type = %self.event_type,
            keptn.context = self.context.as_ref().map(KeptnContext::as_str),
            trace_id = log::shown(self.trace()),
            "says"
        );
    }

    /// The stream does not have it, or nobody knows.
    pub(super) fn not_stored(&self, error: &bus::PublishError) {
        warn!(
            event.id = %self.id,
            event.r#type = %self.event_type,
            keptn.context = self.context.as_ref().map(KeptnContext::as_str),
            trace_id = log::shown(self.trace()),
            error = %error,
            "an event was not stored; it is said again"
        );
    }
}

/// Says why an event changed nothing, or less than it asked for.
pub(super) fn notes(state: &impl Owes, stored: &Stored, notes: &[Note]) {
    let event = stored.body.as_ref().ok();
    for note in notes {
        info!(
            position = stored.position,
            event.id = log::id(stored),
            event.r#type = %stored.subject,
            keptn.context = event.and_then(log::context),
            trace_id = log::shown(event.and_then(|event| state.trace_of(event))),
            reason = %note,
            "an event changed nothing, or less than it asked for"
        );
    }
}
