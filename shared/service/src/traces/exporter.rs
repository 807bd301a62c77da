//! When spans are sent, how often, and what is dropped.
//!
//! Who does not hold the lease sends nothing: it keeps what is young, so that nothing is missing
//! when it takes the lease over, and lets go of the rest.

use std::{collections::VecDeque, time::Duration};

use futures_util::FutureExt as _;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tracing::{debug, info, warn};

use super::{Collector, Span, collector::Refused, otlp};
use crate::{
    health::Figures,
    metrics::{Family, SPANS_DROPPED, SPANS_EXPORTED},
};

/// Spans that wait to be sent; more of them are dropped. `OpenTelemetry`'s own default.
pub const SPANS_WAITING_MAX: usize = 2_048;
/// Spans in one request, as `OpenTelemetry` has it by default.
const BATCH_SPANS_MAX: usize = 512;
/// Pause between two requests: what ends in between goes together.
const SEND_EVERY: Duration = Duration::from_secs(1);
/// How often a request is tried in all.
const TRIES_MAX: u32 = 3;
/// Pause before the second try; doubled for the next.
const AGAIN_PAUSE: Duration = Duration::from_secs(1);
/// How long who does not hold the lease keeps a span: twice the time in which somebody takes over
/// a lease that is not renewed, and looks whether it has.
const STANDBY_KEEP: Duration = Duration::from_secs(10);
/// How long what is left may take at the end.
const FLUSH_WAIT: Duration = Duration::from_secs(2);

/// Takes spans. Dropped with all its copies, it ends the exporter.
#[derive(Clone, Debug)]
pub struct Sink(mpsc::Sender<Span>);

impl Sink {
    /// Takes a span and never waits: where there is no room it is dropped and counted.
    pub fn take(&self, span: Span) {
        if self.0.try_send(span).is_err() {
            SPANS_DROPPED.increment();
        }
    }
}

/// Sends spans for as long as there is a [`Sink`].
#[derive(Debug)]
pub struct Exporter {
    task: JoinHandle<()>,
}

impl Exporter {
    /// Starts to send to a collector under the name of a service, while `holds` says that the
    /// lease is held.
    pub fn start(
        collector: Collector,
        service_name: String,
        holds: impl Fn() -> bool + Send + Sync + 'static,
    ) -> (Self, Sink) {
        let (sink, fresh) = mpsc::channel(SPANS_WAITING_MAX);
        info!(collector = collector.shown(), "traces are exported");
        let sender = Sender {
            collector,
            service_name,
            holds: Box::new(holds),
            fresh,
            waiting: VecDeque::new(),
            is_ours: false,
            is_failing: false,
        };
        (Self { task: tokio::spawn(sender.run()) }, Sink(sink))
    }

    /// Returns what it counts, for `/metrics`.
    pub fn figures() -> Figures {
        let families = || {
            vec![
                Family::counter(
                    "slipway_spans_exported_total",
                    "Spans that the collector took.",
                    SPANS_EXPORTED.count(),
                ),
                Family::counter(
                    "slipway_spans_dropped_total",
                    "Spans that were dropped: the collector was away, slow, or refused them.",
                    SPANS_DROPPED.count(),
                ),
            ]
        };
        Box::new(move || std::future::ready(families()).boxed())
    }

    /// Waits until what is left was sent, at most two seconds.
    pub async fn finish(mut self) {
        if timeout(FLUSH_WAIT, &mut self.task).await.is_err() {
            self.task.abort();
            debug!("spans were left when the process ended");
        }
    }
}

/// The task that sends.
struct Sender {
    collector: Collector,
    service_name: String,
    holds: Box<dyn Fn() -> bool + Send + Sync>,
    fresh: mpsc::Receiver<Span>,
    waiting: VecDeque<(Instant, Span)>,
    /// It held the lease when it looked last.
    is_ours: bool,
    /// The last request was not taken.
    is_failing: bool,
}

/// What became of the spans that wait when one more came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// Nothing is missing.
    All,
    /// One was dropped that nobody sends.
    LostOne,
}

impl Sender {
    async fn run(mut self) {
        let mut tick = interval(SEND_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                span = self.fresh.recv() => match span {
                    Some(span) => {
                        if self.keep(span, Instant::now()) == Kept::LostOne {
                            SPANS_DROPPED.increment();
                        }
                    }
                    None => break,
                },
                _ = tick.tick() => self.turn().await,
            }
        }
        // At the end the lease is given back before the spans of the last second are sent.
        if self.is_ours {
            self.send_all().await;
        }
    }

    /// Keeps a span until it is sent. Where there is no room, who sends loses the new one, and who
    /// stands by the oldest, which somebody else has sent.
    fn keep(&mut self, span: Span, now: Instant) -> Kept {
        let is_full = self.waiting.len() >= SPANS_WAITING_MAX;
        if is_full && self.is_ours {
            return Kept::LostOne;
        }
        if is_full {
            self.waiting.pop_front();
        }
        self.waiting.push_back((now, span));
        Kept::All
    }

    /// Lets go of what whoever holds the lease has sent by now.
    fn forget_old(&mut self, now: Instant) {
        let is_old = |since: Instant| now.saturating_duration_since(since) > STANDBY_KEEP;
        while self.waiting.front().is_some_and(|(since, _)| is_old(*since)) {
            self.waiting.pop_front();
        }
    }

    async fn turn(&mut self) {
        self.is_ours = (self.holds)();
        if self.is_ours {
            self.send_all().await;
        } else {
            self.forget_old(Instant::now());
        }
    }

    async fn send_all(&mut self) {
        while !self.waiting.is_empty() {
            let count = self.waiting.len().min(BATCH_SPANS_MAX);
            let batch: Vec<Span> = self.waiting.drain(..count).map(|(_, span)| span).collect();
            let sent = self.send(&batch).await;
            self.note(batch.len(), sent);
        }
    }

    async fn send(&self, batch: &[Span]) -> Result<u64, Refused> {
        let body = otlp::request(&self.service_name, batch);
        let mut pause = AGAIN_PAUSE;
        for _ in 1..TRIES_MAX {
            match self.collector.send(body.clone()).await {
                Err(error) if error.retryable() => {
                    debug!(error = %error, "spans are sent again");
                    sleep(pause).await;
                    pause *= 2;
                }
                sent => return sent,
            }
        }
        self.collector.send(body).await
    }

    /// Counts what became of a request; says it when that is otherwise than before.
    fn note(&mut self, spans: usize, sent: Result<u64, Refused>) {
        let spans = u64::try_from(spans).unwrap_or(u64::MAX);
        let rejected = sent.as_ref().map_or(spans, |rejected| spans.min(*rejected));
        let was_failing = std::mem::replace(&mut self.is_failing, sent.is_err());
        SPANS_EXPORTED.add(spans - rejected);
        SPANS_DROPPED.add(rejected);
        let collector = self.collector.shown();
        match sent {
            Err(error) if !was_failing => warn!(
                collector, error = %error,
                "spans are dropped and counted until the collector takes them; deliveries go on"
            ),
            Ok(_) if was_failing => info!(collector, "spans are exported again"),
            Ok(0) | Err(_) => {}
            Ok(rejected) => debug!(collector, rejected, "the collector refused some spans"),
        }
    }
}

#[cfg(test)]
mod tests;
