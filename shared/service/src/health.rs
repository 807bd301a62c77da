//! Health: alive is who answers, ready is who makes progress.
//!
//! `/healthz` and `/readyz` over HTTP, `<component>.ready` over NATS. Ready means: connected, the
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
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use bus::{BootTime, Bus, http, names};
use model::{Position, view::Readiness};
use tokio::{net::TcpListener, sync::Notify, time::timeout};
use tower_service::Service as _;
use tracing::{debug, warn};

/// A loop that has not turned for this long is stuck.
const TURN_WITHIN: Duration = Duration::from_secs(5);
/// How long the end of the stream may take to be reached, or to be told. A reader that leaves most
/// events out hears of the end every half second, and its loop turns every second.
const REACH_WAIT: Duration = Duration::from_secs(2);
/// How long a health check may take: longer than a question that is answered with no.
const CHECK_WAIT: Duration = Duration::from_secs(5);

/// How far a component is; copies share it.
#[derive(Clone, Debug)]
pub struct Progress {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    bus: OnceLock<Bus>,
    more: OnceLock<Router>,
    position: AtomicU64,
    is_caught_up: AtomicBool,
    turned_at: AtomicI64,
    turned: Notify,
}

impl Progress {
    /// Begins at nothing, without a connection.
    pub(crate) fn unconnected() -> Self {
        let shared = Shared {
            bus: OnceLock::new(),
            more: OnceLock::new(),
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

    fn position(&self) -> Position {
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
        let name = format!("{component}-ready");
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

    /// Serves `/healthz` and `/readyz` for as long as the process runs; returns the address.
    pub(crate) async fn serve_http(&self, address: SocketAddr) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        debug!(%address, "health endpoints");
        let routes = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .fallback(more)
            .with_state(self.clone());
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                warn!(error = %error, "the health endpoints have ended");
            }
        });
        Ok(address)
    }
}

async fn ready(State(progress): State<Progress>) -> (StatusCode, Json<Readiness>) {
    let readiness = progress.readiness().await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

/// Hands a request on to the component's own routes, if it has any.
async fn more(State(progress): State<Progress>, request: Request) -> Response {
    let Some(routes) = progress.shared.more.get() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let answered: Result<Response, Infallible> = routes.clone().call(request).await;
    answered.unwrap_or_else(|never| match never {})
}

/// Asks the health endpoint of the own component whether it is ready.
pub(crate) async fn check(address: SocketAddr) -> bool {
    let answer = http::get(&address.to_string(), "/readyz", CHECK_WAIT).await;
    answer.is_ok_and(|answer| answer.status == 200)
}

#[cfg(test)]
mod tests;
