//! Lines about events: what each of them names, under the same fields everywhere.
//!
//! `event.id`, `event.type`, `keptn.context` and `trace_id`: by the last one a collector finds the
//! lines of a trace.

use model::{
    Event, KeptnContext, Stored,
    trace::{Trace, TraceId},
};
use tracing::field::{DisplayValue, display};

/// Returns `keptn.context`; none for what belongs to no delivery.
pub fn context(event: &Event) -> Option<&str> {
    event.context.as_ref().map(KeptnContext::as_str)
}

/// Returns `trace_id`; none for what belongs to no delivery.
pub fn trace_id(event: &Event) -> Option<DisplayValue<TraceId>> {
    shown(Trace::of_event(event))
}

/// Returns `trace_id` of a trace that is known otherwise than by the event.
pub fn shown(trace: Option<Trace>) -> Option<DisplayValue<TraceId>> {
    trace.map(|trace| display(trace.id()))
}

/// Returns `event.id`; none for what is no event.
pub fn id(stored: &Stored) -> Option<&str> {
    stored.body.as_ref().ok().map(|event| event.id.as_str())
}
