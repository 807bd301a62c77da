//! Health: alive is who answers, ready is who makes progress.
//!
//! `/healthz`, `/readyz` and `/metrics` over HTTP, `<component>.ready` over NATS. Ready means: connected, the
//! loop has turned lately, and it reaches the end that the stream has at the moment of the question.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
    routing::get,
};
use bus::{BootTime, Bus, names};
use futures_util::future::BoxFuture;
use model::{Position, name::shortened, view::Readiness};
use tokio::{net::TcpListener, sync::Notify, time::timeout};
use tower_service::Service as _;
use tracing::debug;

use crate::{
    http::{self, Hosts, Problem, ProblemCode, guard::Guard},
    metrics::{self, Family, Sample},
};

/// A loop that has not turned for this long is stuck.
const TURN_WITHIN: Duration = Duration::from_secs(5);
/// How long the end of the stream may take to be reached, or to be told. A reader that leaves most
/// events out hears of the end every half second, and its loop turns every second.
const REACH_WAIT: Duration = Duration::from_secs(2);
/// How long the end of the stream may take to be told to who reads figures.
const METRICS_WAIT: Duration = Duration::from_secs(1);
/// The text form of Prometheus.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How long a health check may take: longer than a question that is answered with no.
const CHECK_WAIT: Duration = Duration::from_secs(5);

/// Asks a component for figures of its own.
pub type Figures = Box<dyn Fn() -> BoxFuture<'static, Vec<Family>> + Send + Sync>;

/// How far a component is; copies share it.
#[derive(Clone, Debug)]
pub struct Progress {
    shared: Arc<Shared>,
}

struct Shared {
    bus: OnceLock<Bus>,
    more: OnceLock<Router>,
    figures: OnceLock<Figures>,
    position: AtomicU64,
    is_caught_up: AtomicBool,
    turned_at: AtomicI64,
    turned: Notify,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("position", &self.position).finish_non_exhaustive()
    }
}

impl Progress {
    /// Begins at nothing, without a connection.
    pub(crate) fn unconnected() -> Self {
        let shared = Shared {
            bus: OnceLock::new(),
            more: OnceLock::new(),
            figures: OnceLock::new(),
            position: AtomicU64::new(0),
            is_caught_up: AtomicBool::new(false),
            turned_at: AtomicI64::new(i64::MIN),
            turned: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Begins at nothing.
    pub fn new(bus: Bus) -> Self {
        let progress = Self::unconnected();
        progress.connected(bus);
        progress
    }

    /// Notes the connection; the first one counts.
    pub(crate) fn connected(&self, bus: Bus) {
        self.shared.bus.get_or_init(|| bus);
    }

    /// Notes that the loop has turned, and up to where nothing is missing.
    pub fn turned(&self, read_up_to: Position, is_caught_up: bool) {
        self.shared.position.store(read_up_to, Ordering::Relaxed);
        self.shared.is_caught_up.store(is_caught_up, Ordering::Relaxed);
        self.shared.turned_at.store(BootTime::now().as_nanos(), Ordering::Relaxed);
        self.shared.turned.notify_waiters();
    }

    /// Serves more routes beside the health endpoints, on their port. The first call counts.
    pub fn serve_also(&self, routes: Router) {
        self.shared.more.get_or_init(|| routes);
    }

    /// Shows more figures on `/metrics`. The first call counts.
    pub fn measure_also(&self, figures: Figures) {
        self.shared.figures.get_or_init(|| figures);
    }

    /// Says how far the component is; waits up to two seconds for it to reach the end that the
    /// stream has now.
    pub async fn readiness(&self) -> Readiness {
        let stream_end = match self.shared.bus.get() {
            Some(bus) => timeout(REACH_WAIT, bus.stream_end()).await.ok().and_then(Result::ok),
            None => None,
        };
        let ready = match stream_end {
            Some(end) => timeout(REACH_WAIT, self.reaches(end)).await.unwrap_or(false),
            None => false,
        };
        let position = self.position();
        Readiness {
            ready,
            position,
            stream_end: stream_end.unwrap_or(position),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    pub(crate) fn position(&self) -> Position {
        self.shared.position.load(Ordering::Relaxed)
    }

    /// Waits for the end as long as the loop works.
    async fn reaches(&self, end: Position) -> bool {
        loop {
            let turned = self.shared.turned.notified();
            let is_working = self.is_working();
            if !is_working || self.position() >= end {
                return is_working;
            }
            turned.await;
        }
    }

    fn is_working(&self) -> bool {
        let turned = BootTime::from_nanos(self.shared.turned_at.load(Ordering::Relaxed));
        self.shared.is_caught_up.load(Ordering::Relaxed)
            && self.shared.bus.get().is_some_and(Bus::is_connected)
            && BootTime::now().since(turned) < TURN_WITHIN
    }

    /// Answers `<component>.ready` for as long as the process runs.
    pub(crate) fn serve_ready(&self, bus: &Bus, component: &'static str) {
        let subjects = [names::ready_subject(component)];
        let name = names::ready_service(component);
        let mut queries = bus.serve(&name, env!("CARGO_PKG_VERSION"), &subjects);
        let progress = self.clone();
        tokio::spawn(async move {
            loop {
                let query = queries.next().await;
                let progress = progress.clone();
                // One that waits for the end must not keep the others waiting.
                tokio::spawn(async move { query.answer(&progress.readiness().await).await });
            }
        });
    }

    /// Serves `/healthz`, `/readyz`, `/metrics` and what the component adds for as long as the
    /// process runs; returns the address.
    ///
    /// # Errors
    /// What the system says about the address.
    pub async fn serve_http(
        &self,
        address: SocketAddr,
        component: &'static str,
        allowed_hosts: &[String],
    ) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        debug!(%address, "serves HTTP");
        let figures = move |State(progress): State<Self>| async move {
            ([(CONTENT_TYPE, METRICS_TYPE)], metrics::write(&progress.figures(component).await))
        };
        let routes = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(figures))
            .fallback(more)
            .with_state(self.clone());
        let hosts = Hosts::new(address.ip(), allowed_hosts);
        let routes = Guard { hosts, progress: self.clone() }.before(routes);
        tokio::spawn(http::serve(listener, routes));
        Ok(address)
    }

    /// Returns all figures of this process.
    async fn figures(&self, component: &'static str) -> Vec<Family> {
        let mut families = self.standing(component).await;
        families.extend(metrics::of_component());
        if let Some(figures) = self.shared.figures.get() {
            families.extend(figures().await);
        }
        families.extend(metrics::of_process());
        families
    }

    /// Returns how far the component is, and how it is connected.
    async fn standing(&self, component: &'static str) -> Vec<Family> {
        let labels = vec![
            ("component", component.to_owned()),
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        let position = self.position();
        let is_caught_up = self.shared.is_caught_up.load(Ordering::Relaxed);
        let mut families = vec![
            Family::gauges("slipway_build_info", "What runs.", vec![Sample::new(labels, 1.0)]),
            Family::gauge(
                "slipway_position",
                "Position of the stream up to which everything was read.",
                position,
            ),
            Family::gauge(
                "slipway_caught_up",
                "1 if everything was read that there was at the last connect.",
                u64::from(is_caught_up),
            ),
        ];
        let Some(bus) = self.shared.bus.get() else { return families };
        if let Ok(Ok(end)) = timeout(METRICS_WAIT, bus.stream_end()).await {
            families.push(Family::gauge(
                "slipway_stream_end_position",
                "Last position of the stream.",
                end,
            ));
            families.push(Family::gauge(
                "slipway_lag_events",
                "Positions of the stream that were not read yet.",
                end.saturating_sub(self.position()),
            ));
        }
        families.extend(connection(bus));
        families
    }
}

async fn ready(State(progress): State<Progress>) -> (StatusCode, Json<Readiness>) {
    let readiness = progress.readiness().await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

/// Returns the figures of a connection.
fn connection(bus: &Bus) -> [Family; 5] {
    let counts = bus.publish_counts();
    [
        Family::gauge(
            "slipway_nats_connected",
            "1 if there is a connection to NATS.",
            u64::from(bus.is_connected()),
        ),
        Family::counter(
            "slipway_nats_reconnects_total",
            "How often the connection to NATS was made anew.",
            bus.reconnects(),
        ),
        Family::counter(
            "slipway_events_published_total",
            "Events that the stream stored for this process.",
            counts.stored,
        ),
        Family::counter(
            "slipway_events_repeated_total",
            "Events that the stream had already when this process published them.",
            counts.repeated,
        ),
        Family::counter(
            "slipway_events_refused_total",
            "Events that were not, or not surely, stored.",
            counts.refused,
        ),
    ]
}

/// Hands a request on to the component's own routes, if it has any.
async fn more(State(progress): State<Progress>, request: Request) -> Response {
    let Some(routes) = progress.shared.more.get() else {
        let hint = "there is /healthz, /readyz and /metrics";
        let message = format!("there is nothing at `{}`", shortened(request.uri().path()));
        let problem = Problem::new(ProblemCode::NotFound, message, hint);
        return problem.at(progress.position()).into_response();
    };
    let answered: Result<Response, Infallible> = routes.clone().call(request).await;
    answered.unwrap_or_else(|never| match never {})
}

/// Asks the health endpoint of the own component whether it is ready.
pub(crate) async fn check(address: SocketAddr) -> bool {
    let answer = bus::http::get(&address.to_string(), "/readyz", CHECK_WAIT).await;
    answer.is_ok_and(|answer| answer.status == 200)
}

#[cfg(test)]
mod tests;
