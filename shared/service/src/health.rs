//! Health: alive is who answers, ready is who makes progress.
//!
//! `/healthz` and `/readyz` over HTTP, `<component>.ready` over NATS. Ready means: caught up with
//! the end of the stream, and the loop has turned lately.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use bus::{BootTime, Bus, names};
use model::{Position, view::Readiness};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tracing::{debug, warn};

/// A loop that has not turned for this long is stuck.
const TURN_WITHIN: Duration = Duration::from_secs(5);
/// How long a health check may take.
const CHECK_WAIT: Duration = Duration::from_secs(3);
/// Most bytes of an answer that a health check reads.
const CHECK_BYTES_MAX: usize = 64;

/// How far a component is; copies share it.
#[derive(Clone, Debug)]
pub struct Progress {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    bus: Bus,
    position: AtomicU64,
    is_caught_up: AtomicBool,
    turned_at: AtomicI64,
}

impl Progress {
    /// Begins at nothing.
    pub fn new(bus: Bus) -> Self {
        let shared = Shared {
            bus,
            position: AtomicU64::new(0),
            is_caught_up: AtomicBool::new(false),
            turned_at: AtomicI64::new(i64::MIN),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Notes that the loop has turned, and how far it is.
    pub fn turned(&self, position: Position, is_caught_up: bool) {
        self.shared.position.store(position, Ordering::Relaxed);
        self.shared.is_caught_up.store(is_caught_up, Ordering::Relaxed);
        self.shared.turned_at.store(BootTime::now().as_nanos(), Ordering::Relaxed);
    }

    fn is_ready(&self) -> bool {
        let turned = BootTime::from_nanos(self.shared.turned_at.load(Ordering::Relaxed));
        self.shared.is_caught_up.load(Ordering::Relaxed)
            && self.shared.bus.is_connected()
            && BootTime::now().since(turned) < TURN_WITHIN
    }

    /// Says how far the component is, measured against the end of the stream.
    pub async fn readiness(&self) -> Readiness {
        let position = self.shared.position.load(Ordering::Relaxed);
        let stream_end = self.shared.bus.stream_end().await.ok();
        Readiness {
            ready: self.is_ready() && stream_end.is_some(),
            position,
            stream_end: stream_end.unwrap_or(position),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Answers `<component>.ready` for as long as the process runs.
    pub(crate) fn serve_ready(&self, component: &'static str) {
        let subjects = [names::ready_subject(component)];
        let name = format!("{component}-ready");
        let mut queries = self.shared.bus.serve(&name, env!("CARGO_PKG_VERSION"), &subjects);
        let progress = self.clone();
        tokio::spawn(async move {
            loop {
                let query = queries.next().await;
                query.answer(&progress.readiness().await).await;
            }
        });
    }

    /// Serves `/healthz`, `/readyz` and `more` on one port for as long as the process runs.
    pub(crate) async fn serve_http(
        &self,
        address: SocketAddr,
        more: Router,
    ) -> std::io::Result<()> {
        let listener = TcpListener::bind(address).await?;
        debug!(%address, "health endpoints");
        let routes = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .with_state(self.clone())
            .merge(more);
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                warn!(error = %error, "the health endpoints have ended");
            }
        });
        Ok(())
    }
}

async fn ready(State(progress): State<Progress>) -> (StatusCode, Json<Readiness>) {
    let readiness = progress.readiness().await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

/// Asks the health endpoint of the own component whether it is ready.
pub(crate) async fn check(address: SocketAddr) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await.ok()?;
        let mut answer = Vec::new();
        stream.take(u64::try_from(CHECK_BYTES_MAX).ok()?).read_to_end(&mut answer).await.ok()?;
        let text = String::from_utf8_lossy(&answer);
        text.split_whitespace().nth(1).map(|status| status == "200")
    };
    matches!(timeout(CHECK_WAIT, asked).await, Ok(Some(true)))
}
