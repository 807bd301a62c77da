//! Spans for an `OpenTelemetry` collector: OTLP over HTTP in its JSON form.
//!
//! Whoever has a span hands it over and goes on; a task of its own sends. What a collector that is
//! away or slow does not take is counted and dropped: the stream has everything, and a delivery
//! never waits for who watches it.
//!
//! Reading order: [`Span`], `otlp` (how it is written), [`Collector`] (where it goes), `exporter`
//! (when, how often, and what is dropped).

mod collector;
mod exporter;
mod otlp;

use model::{
    StreamTime,
    trace::{SpanId, Trace},
};

pub use self::{
    collector::{Collector, InvalidCollector},
    exporter::{Exporter, SPANS_WAITING_MAX, Sink},
};

/// Something that began and ended. Its ids are derived, so that it is the same span however often
/// and by whomever it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace it is in.
    pub trace: Trace,
    /// Its id.
    pub id: SpanId,
    /// The span below which it hangs; none for a root.
    pub parent: Option<SpanId>,
    /// What made it begin, beside its parent.
    pub link: Option<(Trace, SpanId)>,
    /// What it is, without what differs from one to the next.
    pub name: String,
    /// When it began.
    pub start: StreamTime,
    /// When it ended.
    pub end: StreamTime,
    /// What it is about.
    pub attributes: Vec<(&'static str, String)>,
    /// It failed, and why.
    pub error: Option<String>,
}
