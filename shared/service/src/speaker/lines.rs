//! What the speaker says in the log about events.

use fold::{Note, Owes};
use model::{Event, EventId, KeptnContext, Stored, trace::Trace};
use tracing::{info, warn};

use crate::log;

/// What names an event in a line that is written when the event itself is gone.
pub(super) struct About {
    id: EventId,
    event_type: String,
    context: Option<KeptnContext>,
    trace: Option<Trace>,
}

impl About {
    pub(super) fn new(state: &impl Owes, event: &Event) -> Self {
        Self {
            id: event.id.clone(),
            event_type: event.event_type.to_string(),
            context: event.context.clone(),
            trace: state.trace_of(event),
        }
    }

    /// It is published.
    pub(super) fn said(&self) {
        info!(
            event.id = %self.id,
            event.r#type = self.event_type,
            keptn.context = self.context.as_ref().map(KeptnContext::as_str),
            trace_id = log::shown(self.trace),
            "says"
        );
    }

    /// The stream does not have it, or nobody knows.
    pub(super) fn not_stored(&self, error: &bus::PublishError) {
        warn!(
            event.id = %self.id,
            event.r#type = self.event_type,
            keptn.context = self.context.as_ref().map(KeptnContext::as_str),
            trace_id = log::shown(self.trace),
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
