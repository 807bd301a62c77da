//! Figures for Prometheus: counted with atomics, so that no event ever waits for them, and written
//! as text when somebody asks for `/metrics`.
//!
//! A process is one component, so its figures are the process's.

mod process;
mod text;

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;

pub use self::text::{Family, Kind, Sample};
pub(crate) use self::{process::families as of_process, text::write};

/// What only grows.
#[derive(Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Begins at zero.
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Counts one more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Counts some more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Returns how many there were.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What goes up and down.
#[derive(Debug)]
pub struct Gauge(AtomicU64);

impl Gauge {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Notes how much it is.
    pub fn set(&self, value: usize) {
        self.0.store(u64::try_from(value).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Adds to it.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Takes from it what was added.
    pub fn subtract(&self, less: u64) {
        self.0.fetch_sub(less, Ordering::Relaxed);
    }

    /// Returns how much it is.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Events that were applied to the state.
pub(crate) static EVENTS_APPLIED: Counter = Counter::new();
/// Snapshots that were written.
pub(crate) static SNAPSHOTS_WRITTEN: Counter = Counter::new();
/// Snapshots that could not be written.
pub(crate) static SNAPSHOTS_FAILED: Counter = Counter::new();
/// Bytes of the newest snapshot.
pub(crate) static SNAPSHOT_BYTES: Gauge = Gauge::new();
/// Events that must be said or seen.
pub(crate) static OUTBOX: Gauge = Gauge::new();
/// Spans that a collector took.
pub(crate) static SPANS_EXPORTED: Counter = Counter::new();
/// Spans that no collector took.
pub(crate) static SPANS_DROPPED: Counter = Counter::new();
/// Log lines of level error.
pub(crate) static LOG_ERRORS: Counter = Counter::new();
/// Log lines of level warn.
pub(crate) static LOG_WARNINGS: Counter = Counter::new();
/// Open connections to the HTTP port.
pub(crate) static HTTP_CONNECTIONS: Gauge = Gauge::new();
/// Answers by the first digit of their status, from 2 on; 1 is never an answer.
static HTTP_ANSWERS: [(&str, Counter); 4] = [
    ("2xx", Counter::new()),
    ("3xx", Counter::new()),
    ("4xx", Counter::new()),
    ("5xx", Counter::new()),
];

/// Counts an answer over HTTP.
pub(crate) fn count_answer(status: StatusCode) {
    let class = usize::from(status.as_u16() / 100).saturating_sub(2);
    if let Some((_, counter)) = HTTP_ANSWERS.get(class) {
        counter.increment();
    }
}

/// Returns what every component counts.
pub(crate) fn of_component() -> Vec<Family> {
    let log = [("error", &LOG_ERRORS), ("warn", &LOG_WARNINGS)];
    let log = log.map(|(level, count)| Sample::labelled("level", level, count.count()));
    let answers = HTTP_ANSWERS.iter();
    let answers = answers.map(|(class, count)| Sample::labelled("code", class, count.count()));
    vec![
        Family::counter(
            "slipway_events_applied_total",
            "Events of the stream that were applied since the start.",
            EVENTS_APPLIED.count(),
        ),
        Family::gauge(
            "slipway_outbox_events",
            "Events that must be published, or were and are not seen in the stream yet.",
            OUTBOX.value(),
        ),
        Family::counter(
            "slipway_snapshots_written_total",
            "Snapshots that were written.",
            SNAPSHOTS_WRITTEN.count(),
        ),
        Family::counter(
            "slipway_snapshots_failed_total",
            "Snapshots that could not be written; the stream has everything.",
            SNAPSHOTS_FAILED.count(),
        ),
        Family::gauge(
            "slipway_snapshot_bytes",
            "Size of the newest snapshot that this process wrote.",
            SNAPSHOT_BYTES.value(),
        ),
        Family::counters("slipway_log_lines_total", "Log lines by level.", log.into()),
        Family::counters(
            "slipway_http_requests_total",
            "Answers over HTTP by class of status.",
            answers.collect(),
        ),
        Family::gauge(
            "slipway_http_connections",
            "Open connections to the HTTP port.",
            HTTP_CONNECTIONS.value(),
        ),
    ]
}
